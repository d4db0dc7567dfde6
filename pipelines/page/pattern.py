"""From what a person picks, class, relation and value, to the SPARQL pattern that says the same.

It knows IRIs and marks only: no store, no page. What it writes binds ``?x``, as `Searcher.search` wants it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg.vocabulary import PREFIXES, RDF_TYPE

_BAD = re.compile(r"[<>\"{}|^`\\\x00-\x20]")
_LOCAL = re.compile(r"[A-Za-z_][\w\-]*", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_SUBCLASS = PREFIXES["rdfs"] + "subClassOf"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Literal:
    """A value that is no entity: a text or number, as the data writes it."""

    value: str
    language: str | None = None
    datatype: str | None = None


@dataclass(frozen=True)
class Picked:
    """One condition.

    Args:
        relation: IRI of the relation.
        value: IRI of an entity, a literal, or None for any value at all.
        below: whether what is narrower than the entity counts as well.
        wanted: False for what must not be so.
        least: smallest number, where there is no value.
        most: largest number, where there is no value.

    Raises:
        ValueError: a bound is no finite number, or stands beside a value.
    """

    relation: str
    value: str | Literal | None = None
    below: bool = True
    wanted: bool = True
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.least, self.most) if bound is not None]
        if bounds and self.value is not None:
            raise ValueError("expected either a value or bounds of a number (got both)")
        if not all(math.isfinite(bound) for bound in bounds):
            raise ValueError(f"expected finite bounds of a number (got {self.least} to {self.most})")


@dataclass(frozen=True)
class Names:
    """How IRIs are written, and which relations lead to what is broader.

    Args:
        prefixes: IRI by prefix; those that every query may use come with them.
        up: relations from what is narrower to what is broader.
        down: relations that run the other way.
        terms: classes whose members are vocabulary and do not answer unless they are asked for.
    """

    prefixes: Mapping[str, str]
    up: Sequence[str] = ()
    down: Sequence[str] = ()
    terms: Sequence[str] = ()

    def iri(self, iri: str) -> str:
        """An IRI, short where a prefix fits.

        Raises:
            ValueError: it holds what no IRI may hold.
        """
        if not iri or _BAD.search(iri):
            raise ValueError(f"expected an IRI (got {iri[:80]!r})")
        known = {**PREFIXES, **self.prefixes}
        for prefix, base in sorted(known.items(), key=lambda pair: -len(pair[1])):
            if iri.startswith(base) and _LOCAL.fullmatch(iri[len(base) :]):
                return f"{prefix}:{iri[len(base) :]}"
        return f"<{iri}>"

    def above(self) -> str:
        """The path from something to all that is broader, itself included; empty where there is none."""
        steps = [*map(self.iri, self.up), *(f"^{self.iri(one)}" for one in self.down)]
        if not steps:
            return ""
        return f"/{steps[0]}*" if len(steps) == 1 and steps[0][0] != "^" else f"/({'|'.join(steps)})*"


def pattern(names: Names, kind: str | None, picked: Sequence[Picked]) -> str | None:
    """The graph pattern of a class and conditions, a line each; None if nothing was picked.

    Args:
        names: how IRIs are written.
        kind: IRI of the class; those below it count as well.
        picked: what is so, and what is not; all of it has to hold.

    Raises:
        ValueError: something is no IRI, or no tag of a language.
    """
    lines = []
    if kind is not None:
        path = f"/{names.iri(_SUBCLASS)}*" if _SUBCLASS in names.up else ""
        lines.append(f"?x a{path} {names.iri(kind)} .")
    lines += [_stated(names, one, place) for place, one in enumerate(picked, start=1) if one.wanted]
    if picked and not lines:
        lines += _things(names)
    for place, one in enumerate(picked, start=1):
        if not one.wanted:
            lines.append(f"FILTER NOT EXISTS {{ {_stated(names, one, place)} }}")
    return "\n".join(lines) or None


def _things(names: Names) -> list[str]:
    """All that answers where nothing is picked: whatever something is said of, but for vocabulary."""
    lines = ["?x ?relation ?anything .", "FILTER NOT EXISTS { ?member a ?x }"]
    if names.terms:
        terms = " ".join(map(names.iri, names.terms))
        lines.append(f"FILTER NOT EXISTS {{ VALUES ?term {{ {terms} }} ?x a ?term }}")
    return lines


def _stated(names: Names, one: Picked, place: int) -> str:
    relation = "a" if one.relation == RDF_TYPE else names.iri(one.relation)
    if isinstance(one.value, Literal):
        return f"?x {relation} {_literal(names, one.value)} ."
    if one.value is not None:
        return f"?x {relation}{names.above() if one.below else ''} {names.iri(one.value)} ."
    bounds = [
        f"?value{place} {sign} {bound:.15g}"
        for sign, bound in ((">=", one.least), ("<=", one.most))
        if bound is not None
    ]
    return f"?x {relation} ?value{place} ." + (f" FILTER({' && '.join(bounds)})" if bounds else "")


def _literal(names: Names, literal: Literal) -> str:
    text = "".join(_ESCAPES.get(sign, sign) for sign in literal.value)
    if literal.language:
        if not _LANGUAGE.fullmatch(literal.language):
            raise ValueError(f"expected the tag of a language (got {literal.language[:40]!r})")
        return f'"{text}"@{literal.language}'
    if literal.datatype and literal.datatype != PREFIXES["xsd"] + "string":
        return f'"{text}"^^{names.iri(literal.datatype)}'
    return f'"{text}"'
