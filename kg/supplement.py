"""The rules of RDFS and OWL 2 RL that the reasoner in `kg.closure` leaves out, as patterns.

Their names are those of https://www.w3.org/TR/owl2-profiles/#OWL_2_RL. Which ones are missing was found by
comparison with the package `owlrl`, and is tested so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from kg.closure import tells_nothing
from kg.patterns import Row, filled, listed, rows


@dataclass(frozen=True)
class Axiom:
    """What follows wherever two patterns hold: one of the vocabulary, one of the things."""

    schema: str
    facts: str
    conclusions: tuple[str, ...]


_LIST = "/rdf:rest*/rdf:first"
_TWO = "FILTER(isIRI(?a) && isIRI(?b) && !sameTerm(?a, ?b))"
_PAIR = "?r owl:onProperty ?p . ?s owl:onProperty ?p ."
_SUBPROPERTIES = Axiom(  # scm-spo
    "?p rdfs:subPropertyOf ?q . ?q rdfs:subPropertyOf ?r", "", ("?p rdfs:subPropertyOf ?r",)
)
_AXIOMS = (
    _SUBPROPERTIES,
    Axiom(  # scm-eqc1
        "?c owl:equivalentClass ?d",
        "",
        ("?c rdfs:subClassOf ?d", "?d rdfs:subClassOf ?c", "?d owl:equivalentClass ?c"),
    ),
    Axiom(  # scm-eqp1
        "?p owl:equivalentProperty ?q",
        "",
        ("?p rdfs:subPropertyOf ?q", "?q rdfs:subPropertyOf ?p", "?q owl:equivalentProperty ?p"),
    ),
    Axiom(  # scm-eqc2
        "?c rdfs:subClassOf ?d . ?d rdfs:subClassOf ?c", "", ("?c owl:equivalentClass ?d",)
    ),
    Axiom(  # scm-eqp2
        "?p rdfs:subPropertyOf ?q . ?q rdfs:subPropertyOf ?p", "", ("?p owl:equivalentProperty ?q",)
    ),
    Axiom(  # prp-ifp
        "?p rdf:type owl:InverseFunctionalProperty",
        "?x ?p ?v . ?y ?p ?v . FILTER(!sameTerm(?x, ?y))",
        ("?x owl:sameAs ?y",),
    ),
    Axiom(f"?c owl:oneOf{_LIST} ?x", "", ("?x rdf:type ?c",)),  # cls-oo
    Axiom(f"?c owl:intersectionOf{_LIST} ?d", "", ("?c rdfs:subClassOf ?d",)),  # scm-int
    Axiom(f"?c owl:unionOf{_LIST} ?d", "", ("?d rdfs:subClassOf ?c",)),  # scm-uni
    Axiom(  # cls-maxc2
        "?c owl:maxCardinality ?n ; owl:onProperty ?p . FILTER(?n = 1)",
        f"?x rdf:type ?c . ?x ?p ?a . ?x ?p ?b . {_TWO}",
        ("?a owl:sameAs ?b",),
    ),
    Axiom(  # cls-maxqc3
        "?c owl:maxQualifiedCardinality ?n ; owl:onProperty ?p ; owl:onClass ?d . FILTER(?n = 1)",
        f"?x rdf:type ?c . ?x ?p ?a . ?x ?p ?b . ?a rdf:type ?d . ?b rdf:type ?d . {_TWO}",
        ("?a owl:sameAs ?b",),
    ),
    Axiom(  # cls-maxqc4
        "?c owl:maxQualifiedCardinality ?n ; owl:onProperty ?p ; owl:onClass owl:Thing . FILTER(?n = 1)",
        f"?x rdf:type ?c . ?x ?p ?a . ?x ?p ?b . {_TWO}",
        ("?a owl:sameAs ?b",),
    ),
    Axiom(  # scm-svf1, scm-avf1
        f"{_PAIR} ?r owl:someValuesFrom ?c . ?s owl:someValuesFrom ?d . ?c rdfs:subClassOf ?d",
        "",
        ("?r rdfs:subClassOf ?s",),
    ),
    Axiom(
        f"{_PAIR} ?r owl:allValuesFrom ?c . ?s owl:allValuesFrom ?d . ?c rdfs:subClassOf ?d",
        "",
        ("?r rdfs:subClassOf ?s",),
    ),
    Axiom(  # scm-svf2, scm-avf2, scm-hv
        "?r owl:someValuesFrom ?c ; owl:onProperty ?p . ?s owl:someValuesFrom ?c ; owl:onProperty ?q . "
        "?p rdfs:subPropertyOf ?q",
        "",
        ("?r rdfs:subClassOf ?s",),
    ),
    Axiom(
        "?r owl:allValuesFrom ?c ; owl:onProperty ?p . ?s owl:allValuesFrom ?c ; owl:onProperty ?q . "
        "?p rdfs:subPropertyOf ?q",
        "",
        ("?s rdfs:subClassOf ?r",),
    ),
    Axiom(
        "?r owl:hasValue ?v ; owl:onProperty ?p . ?s owl:hasValue ?v ; owl:onProperty ?q . "
        "?p rdfs:subPropertyOf ?q",
        "",
        ("?r rdfs:subClassOf ?s",),
    ),
)


def supplement(store: ox.Store, profile: str) -> Iterator[ox.Triple]:
    """Derive once what the reasoner leaves out; stated facts may be among the result."""
    axioms = [_SUBPROPERTIES]
    if profile == "owl":
        axioms = [*_AXIOMS, *_chains(store), *_keys(store)]
    for axiom in axioms:
        for row in rows(store, axiom.schema):
            for whole in rows(store, axiom.facts, row):
                for template in axiom.conclusions:
                    triple = _triple(template, whole)
                    if triple is not None and not tells_nothing(triple):
                        yield triple


def _chains(store: ox.Store) -> Iterator[Axiom]:
    """What chains of properties stand for (prp-spo2)."""
    for row in rows(store, "?p owl:propertyChainAxiom ?l"):
        steps = [str(step) for step in listed(store, row["l"])]
        if steps:
            # the property is asked for again, so that the conclusion can name it
            schema = f"?p owl:propertyChainAxiom {row['l']}"
            yield Axiom(schema, f"?x {'/'.join(steps)} ?y", ("?x ?p ?y",))


def _keys(store: ox.Store) -> Iterator[Axiom]:
    """Things of a class that share all values of its keys are the same (prp-key)."""
    for row in rows(store, "?c owl:hasKey ?l"):
        keys = [str(key) for key in listed(store, row["l"])]
        if keys:
            shared = " ".join(f"?x {key} ?k{i} . ?y {key} ?k{i} ." for i, key in enumerate(keys))
            kind = f"?x rdf:type {row['c']} . ?y rdf:type {row['c']} ."
            yield Axiom("", f"{kind} {shared} FILTER(!sameTerm(?x, ?y))", ("?x owl:sameAs ?y",))


def _triple(template: str, row: Row) -> ox.Triple | None:
    """Make a conclusion; None where a literal would be its subject."""
    head, relation, tail = filled(template, row)
    return ox.Triple(head, relation, tail) if isinstance(head, ox.NamedNode) else None
