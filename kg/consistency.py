"""Contradictions in the facts, each named with the triples at fault.

The checks are those of OWL 2 RL that end in "false", as far as they can be asked of single facts:
https://www.w3.org/TR/owl2-profiles/#OWL_2_RL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from kg.patterns import Row, filled, rows

MOST = 1_000
"""Contradictions of one kind that are listed."""

_LIST = "/rdf:rest*/rdf:first"


@dataclass(frozen=True)
class Check:
    """One kind of contradiction.

    Attributes:
        kind: What it is called.
        schema: The pattern of what the vocabulary says, few rows.
        facts: The pattern of what the things would have to say, asked for each of those rows.
        sentence: How it is told.
        shown: The triples at fault.
    """

    kind: str
    schema: str
    facts: str
    sentence: str
    shown: tuple[str, ...]


_BOTH = ("?x rdf:type ?c", "?x rdf:type ?d")
_DIFFERENT = "(owl:differentFrom|^owl:differentFrom)"
CHECKS = (
    Check(
        "disjoint classes",
        "?c owl:disjointWith ?d",
        "?x rdf:type ?c . ?x rdf:type ?d",
        "{x} is a {c} and a {d}, which are disjoint",
        (*_BOTH, "?c owl:disjointWith ?d"),
    ),
    Check(
        "disjoint classes",
        f"?l rdf:type owl:AllDisjointClasses . ?l owl:members{_LIST} ?c, ?d . FILTER(STR(?c) < STR(?d))",
        "?x rdf:type ?c . ?x rdf:type ?d",
        "{x} is a {c} and a {d}, which are disjoint",
        (*_BOTH, "?l rdf:type owl:AllDisjointClasses"),
    ),
    Check(
        "complement",
        "?c owl:complementOf ?d",
        "?x rdf:type ?c . ?x rdf:type ?d",
        "{x} is a {c} and a {d}, which is all that is no {c}",
        (*_BOTH, "?c owl:complementOf ?d"),
    ),
    Check(
        "empty class",
        "?c rdfs:subClassOf* owl:Nothing",
        "?x rdf:type ?c",
        "{x} is a {c}, which nothing can be",
        ("?x rdf:type ?c",),
    ),
    Check(
        "same and different",
        "?x owl:differentFrom ?y",
        "{ ?x owl:sameAs ?y } UNION { ?y owl:sameAs ?x } UNION { FILTER(sameTerm(?x, ?y)) }",
        "{x} is said to be the same as {y} and different from it",
        ("?x owl:differentFrom ?y", "?x owl:sameAs ?y"),
    ),
    Check(
        "same and different",
        "?l rdf:type owl:AllDifferent . "
        f"?l (owl:members|owl:distinctMembers){_LIST} ?x, ?y . FILTER(STR(?x) < STR(?y))",
        "{ ?x owl:sameAs ?y } UNION { ?y owl:sameAs ?x }",
        "{x} is said to be the same as {y} and different from it",
        ("?l rdf:type owl:AllDifferent", "?x owl:sameAs ?y"),
    ),
    Check(
        "functional property",
        "?p rdf:type owl:FunctionalProperty",
        "?x ?p ?a . ?x ?p ?b . FILTER(isLiteral(?a) && isLiteral(?b) && ?a != ?b && STR(?a) <= STR(?b))",
        "{x} has the values {a} and {b} of {p}, which has one at most",
        ("?x ?p ?a", "?x ?p ?b", "?p rdf:type owl:FunctionalProperty"),
    ),
    Check(
        "functional property",
        "?p rdf:type owl:FunctionalProperty",
        f"?x ?p ?a . ?x ?p ?b . ?a {_DIFFERENT} ?b . FILTER(STR(?a) < STR(?b))",
        "{x} has the values {a} and {b} of {p}, which has one at most, and they are different",
        ("?x ?p ?a", "?x ?p ?b", "?p rdf:type owl:FunctionalProperty", "?a owl:differentFrom ?b"),
    ),
    Check(
        "inverse functional property",
        "?p rdf:type owl:InverseFunctionalProperty",
        f"?x ?p ?a . ?y ?p ?a . ?x {_DIFFERENT} ?y . FILTER(STR(?x) < STR(?y))",
        "{x} and {y} share the value {a} of {p}, which tells things apart, and they are different",
        ("?x ?p ?a", "?y ?p ?a", "?p rdf:type owl:InverseFunctionalProperty", "?x owl:differentFrom ?y"),
    ),
    Check(
        "asymmetric property",
        "?p rdf:type owl:AsymmetricProperty",
        "?x ?p ?y . ?y ?p ?x . FILTER(STR(?x) <= STR(?y))",
        "{x} and {y} are tied by {p} both ways, which is asymmetric",
        ("?x ?p ?y", "?y ?p ?x", "?p rdf:type owl:AsymmetricProperty"),
    ),
    Check(
        "irreflexive property",
        "?p rdf:type owl:IrreflexiveProperty",
        "?x ?p ?x",
        "{x} is tied to itself by {p}, which is irreflexive",
        ("?x ?p ?x", "?p rdf:type owl:IrreflexiveProperty"),
    ),
    Check(
        "disjoint properties",
        "?p owl:propertyDisjointWith ?q",
        "?x ?p ?y . ?x ?q ?y",
        "{x} and {y} are tied by {p} and by {q}, which are disjoint",
        ("?x ?p ?y", "?x ?q ?y", "?p owl:propertyDisjointWith ?q"),
    ),
    Check(
        "negative statement",
        "?n owl:sourceIndividual ?x ; owl:assertionProperty ?p ; owl:targetIndividual|owl:targetValue ?y",
        "?x ?p ?y",
        "{x} has {y} as {p}, and is said not to",
        ("?x ?p ?y", "?n owl:sourceIndividual ?x"),
    ),
    Check(
        "cardinality",
        "?c owl:maxCardinality ?k ; owl:onProperty ?p . FILTER(?k = 0)",
        "?x rdf:type ?c . ?x ?p ?y",
        "{x} has {y} as {p}, of which a {c} has none",
        ("?x ?p ?y", "?x rdf:type ?c", "?c owl:maxCardinality ?k"),
    ),
)  # fmt: skip


def contradictions(store: ox.Store, check: Check) -> list[dict[str, Any]]:
    """Find the contradictions of one kind, each as kind, sentence and triples, sorted; at most `MOST`."""
    found: dict[tuple[str, ...], Row] = {}
    wholes = (whole for row in rows(store, check.schema) for whole in rows(store, check.facts, row))
    for whole in wholes:
        key = tuple(sorted(map(str, whole.values())))  # said both ways it is one contradiction
        if key not in found and len(found) == MOST:
            break
        found[key] = min(found.get(key, whole), whole, key=_spelt)
    return [_told(check, found[key]) for key in sorted(found)]


def _spelt(row: Row) -> list[tuple[str, str]]:
    return sorted((name, str(term)) for name, term in row.items())


def _told(check: Check, row: Row) -> dict[str, Any]:
    return {
        "kind": check.kind,
        "sentence": check.sentence.format(**{name: _text(term) for name, term in row.items()}),
        "triples": [[_text(term) for term in filled(one, row)] for one in check.shown],
    }


def _text(term: Any) -> str:
    return str(term.value) if isinstance(term, ox.NamedNode) else str(term)
