"""Turtle by hand, for the recipes of this folder: full IRIs, so that no name needs escaping."""

from collections.abc import Iterable
from urllib.parse import quote

MEDICINE = "https://example.org/medicine/"
PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "med": MEDICINE,
    "owl": "http://www.w3.org/2002/07/owl#",
    "qudt": "http://qudt.org/schema/qudt/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "unit": "http://qudt.org/vocab/unit/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
MEASUREMENTS = {
    "age": ("age", "unit:YR"),
    "temperature": ("body temperature", "unit:DEG_C"),
    "saturation": ("oxygen saturation", "unit:PERCENT"),
    "heartRate": ("heart rate", "unit:BEAT-PER-MIN"),
    "marker": ("marker in the blood", "unit:MilliGM-PER-L"),
}
"""Properties of a study whose value is a number: local name to label and QUDT unit."""

_IRI_SAFE = "/!$&'()*+,;=:@~#?%"  # what an IRI may hold as it is (RFC 3987)
_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)

Statement = tuple[str, str]
"""A predicate and an object, both as Turtle writes them."""


def header() -> str:
    """The prefix lines."""
    return "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in PREFIXES.items())


def node(subject: str, statements: Iterable[Statement]) -> str:
    """One subject with its statements, after an empty line."""
    lines = " ;\n".join(f"    {predicate} {value}" for predicate, value in statements)
    return f"\n{subject}\n{lines} .\n"


def iri(text: str) -> str:
    """An IRI in angle brackets; what it may not hold is percent-encoded."""
    return f"<{quote(text, safe=_IRI_SAFE)}>"


def literal(text: str, language: str = "") -> str:
    """A quoted string; control characters that Turtle has no letter for are left out."""
    escaped = text.translate(_ESCAPES)
    printable = "".join(sign for sign in escaped if sign >= " " and sign != "\x7f")
    return f'"{printable}"' + (f"@{language}" if language else "")


def number(value: float) -> str:
    """A typed xsd:decimal, without an exponent and without needless zeros."""
    digits = f"{value:.6f}".rstrip("0").rstrip(".")
    return f'"{digits}"^^xsd:decimal'


def measurement_properties(names: Iterable[str]) -> str:
    """What each measured property is called and which unit its numbers are in."""
    return "".join(
        node(
            f"med:{name}",
            [
                ("a", "rdf:Property"),
                ("rdfs:label", literal(MEASUREMENTS[name][0], "en")),
                ("qudt:hasUnit", MEASUREMENTS[name][1]),
            ],
        )
        for name in names
    )
