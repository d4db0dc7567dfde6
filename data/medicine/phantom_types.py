"""The phantom's made-up lesion types: one for each pair of a shape in the picture and a sign in the report.

No real disease is meant. A shape alone leaves as many types open as there are signs, and a sign alone as many
as there are shapes; only both decide. The diagonal of the table is rare, so that every shape and every sign
still comes equally often, while each rare type shares its shape and its sign with frequent ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from data.medicine.turtle import Statement, iri, literal, node

PHANTOM = "https://example.org/phantom/"
SHAPES = {
    "disc": ("filled disc", "A filled, round shadow with a soft edge.", "orbid"),
    "ring": ("ring", "A round shadow with a bright rim and a dark middle.", "annulid"),
    "star": ("star", "A shadow with spikes that run outwards from its middle.", "stellid"),
    "cluster": ("cluster of dots", "Many small, separate round spots that lie close together.", "botryid"),
}
"""Name to label, definition, and the noun of its family of types."""

SIGNS = {
    "fever": ("fever", "A body temperature above normal.", "pyretic"),
    "cough": ("cough", "Air expelled from the chest again and again, with a noise.", "tussic"),
    "pain": ("chest pain", "An ache or a stabbing feeling in the chest.", "algic"),
    "loss": ("loss of weight", "A body weight that falls without a diet.", "cachectic"),
}
"""Name to label, definition, and the adjective of the types that it marks."""

_SHOWS, _COMES = f"{PHANTOM}hasShape", f"{PHANTOM}hasSign"


@dataclass(frozen=True)
class LesionType:
    """One cell of the table."""

    shape: str
    sign: str
    rare: bool

    @property
    def name(self) -> str:
        """Such as `pyretic-orbid`."""
        return f"{SIGNS[self.sign][2]}-{SHAPES[self.shape][2]}"

    @property
    def iri(self) -> str:
        """The type's full IRI."""
        return f"{PHANTOM}type/{self.name}"


def table() -> tuple[LesionType, ...]:
    """All types, row by row; those on the diagonal are rare."""
    return tuple(
        LesionType(shape, sign, row == column)
        for row, shape in enumerate(SHAPES)
        for column, sign in enumerate(SIGNS)
    )


def counts(studies: int, rare: int) -> dict[LesionType, int]:
    """How many studies each type gets: `rare` for a rare one, the rest shared evenly.

    Raises:
        ValueError: so few studies that a frequent type would not be more frequent than a rare one.
    """
    types = table()
    frequent = [kind for kind in types if not kind.rare]
    rest = studies - rare * (len(types) - len(frequent))
    if rare < 1 or rest <= rare * len(frequent):
        least = (rare + 1) * len(frequent) + rare * (len(types) - len(frequent))
        raise ValueError(
            f"expected at least 1 study of a rare type and {max(least, 0)} studies in all "
            f"(got {rare} and {studies})"
        )
    share, over = divmod(rest, len(frequent))
    result = dict.fromkeys(types, rare)
    for place, kind in enumerate(frequent):
        result[kind] = share + (place < over)
    return result


def ontology() -> Iterator[str]:
    """The types as Turtle: root, families, types; their definitions as words and as links."""
    scheme = f"{PHANTOM}type/"
    yield node(iri(scheme), [("a", "skos:ConceptScheme"), ("rdfs:label", _text("Synthetic lesion types"))])
    root = f"{PHANTOM}type/lesion"
    yield _concept(root, "synthetic lesion", "A made-up lesion of a synthetic picture; no real disease.", [])
    for key, (label, definition, noun) in SHAPES.items():
        family, shape = f"{PHANTOM}type/{noun}", f"{PHANTOM}shape/{key}"
        yield _concept(shape, f"synthetic shape: {label}", definition, [])
        meaning = f"A synthetic lesion that shows as a {label}."
        yield _concept(family, f"synthetic {noun}", meaning, [("skos:broader", iri(root))])
    for key, (label, definition, _) in SIGNS.items():
        yield _concept(f"{PHANTOM}sign/{key}", f"synthetic sign: {label}", definition, [])
    for kind in table():
        yield _type_node(kind)


def _type_node(kind: LesionType) -> str:
    shape, sign = SHAPES[kind.shape], SIGNS[kind.sign]
    meaning = f"A synthetic lesion that shows as a {shape[0]} and comes with {sign[0]}."
    links = [
        ("skos:broader", iri(f"{PHANTOM}type/{shape[2]}")),
        (iri(_SHOWS), iri(f"{PHANTOM}shape/{kind.shape}")),
        (iri(_COMES), iri(f"{PHANTOM}sign/{kind.sign}")),
    ]
    return _concept(kind.iri, f"synthetic {sign[2]} {shape[2]}", meaning, links)


def _concept(subject: str, label: str, definition: str, links: list[Statement]) -> str:
    facts = [("a", "skos:Concept"), ("skos:prefLabel", _text(label)), ("skos:definition", _text(definition))]
    return node(iri(subject), [*facts, *links, ("skos:inScheme", iri(f"{PHANTOM}type/"))])


def _text(text: str) -> str:
    return literal(text, "en")
