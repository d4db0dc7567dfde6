"""Contradictions, one of each kind, with the triples at fault."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from kg.consistency import CHECKS, contradictions

HEAD = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TWO = ":l1 rdf:first :A ; rdf:rest :l2 . :l2 rdf:first :B ; rdf:rest rdf:nil ."


def facts(text: str) -> ox.Store:
    store = ox.Store()
    store.load((HEAD + text).encode(), format=ox.RdfFormat.TRIG)
    return store


def found(text: str) -> list[tuple[str, str]]:
    store = facts(text)
    return [(one["kind"], one["sentence"]) for check in CHECKS for one in contradictions(store, check)]


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (
            ":A owl:disjointWith :B . :B owl:disjointWith :A . :x a :A , :B .",
            "disjoint classes",
            "urn:x is a urn:A and a urn:B, which are disjoint",
        ),
        (
            f":d a owl:AllDisjointClasses ; owl:members :l1 . {TWO} :x a :A , :B .",
            "disjoint classes",
            "urn:x is a urn:A and a urn:B, which are disjoint",
        ),
        (
            ":A owl:complementOf :B . :x a :A , :B .",
            "complement",
            "urn:x is a urn:A and a urn:B, which is all that is no urn:A",
        ),
        (
            ":A rdfs:subClassOf owl:Nothing . :x a :A .",
            "empty class",
            "urn:x is a urn:A, which nothing can be",
        ),
        (
            ":x owl:differentFrom :y . :y owl:sameAs :x .",
            "same and different",
            "urn:x is said to be the same as urn:y and different from it",
        ),
        (
            f":d a owl:AllDifferent ; owl:distinctMembers :l1 . {TWO} :A owl:sameAs :B .",
            "same and different",
            "urn:A is said to be the same as urn:B and different from it",
        ),
        (
            ":p a owl:FunctionalProperty . :x :p 'one' , 'two' .",
            "functional property",
            'urn:x has the values "one" and "two" of urn:p, which has one at most',
        ),
        (
            ":p a owl:FunctionalProperty . :x :p :a , :b . :b owl:differentFrom :a .",
            "functional property",
            "urn:x has the values urn:a and urn:b of urn:p, which has one at most, and they are different",
        ),
        (
            ":p a owl:InverseFunctionalProperty . :x :p 'k' . :y :p 'k' . :x owl:differentFrom :y .",
            "inverse functional property",
            'urn:x and urn:y share the value "k" of urn:p, which tells things apart, and they are different',
        ),
        (
            ":p a owl:AsymmetricProperty . :x :p :y . :y :p :x .",
            "asymmetric property",
            "urn:x and urn:y are tied by urn:p both ways, which is asymmetric",
        ),
        (
            ":p a owl:IrreflexiveProperty . :x :p :x .",
            "irreflexive property",
            "urn:x is tied to itself by urn:p, which is irreflexive",
        ),
        (
            ":p owl:propertyDisjointWith :q . :x :p :y ; :q :y .",
            "disjoint properties",
            "urn:x and urn:y are tied by urn:p and by urn:q, which are disjoint",
        ),
        (
            ":n owl:sourceIndividual :x ; owl:assertionProperty :p ; owl:targetIndividual :y . :x :p :y .",
            "negative statement",
            "urn:x has urn:y as urn:p, and is said not to",
        ),
        (
            ":A owl:onProperty :p ; owl:maxCardinality '0'^^xsd:nonNegativeInteger . :x a :A ; :p :y .",
            "cardinality",
            "urn:x has urn:y as urn:p, of which a urn:A has none",
        ),
    ],
)
def test_each_kind_of_contradiction_is_named_once(text: str, kind: str, sentence: str) -> None:
    assert found(text) == [(kind, sentence)]


@pytest.mark.parametrize(
    "text",
    [
        ":A owl:disjointWith :B . :x a :A . :y a :B .",
        ":p a owl:FunctionalProperty . :x :p 1 , 1.0 , '01'^^xsd:integer .",
        ":p a owl:FunctionalProperty . :x :p :a , :b .",
        ":p a owl:InverseFunctionalProperty . :x :p 'k' . :y :p 'k' .",
        ":p a owl:AsymmetricProperty . :x :p :y . :y :q :x .",
        ":x owl:differentFrom :y . :x owl:sameAs :z .",
        ":A rdfs:subClassOf owl:Nothing .",
    ],
)
def test_what_can_be_true_is_no_contradiction(text: str) -> None:
    assert found(text) == []


def test_the_triples_at_fault_are_given_as_they_stand_in_whatever_graphs() -> None:
    store = facts(":g { :A owl:disjointWith :B } :h { :x a :A } :x a :B .")
    (one,) = contradictions(store, CHECKS[0])
    kind = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    assert one["triples"] == [
        ["urn:x", kind, "urn:A"],
        ["urn:x", kind, "urn:B"],
        ["urn:A", "http://www.w3.org/2002/07/owl#disjointWith", "urn:B"],
    ]
