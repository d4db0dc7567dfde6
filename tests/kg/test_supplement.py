"""Reasoner and supplement together derive what `owlrl`, the reference, derives, but for trivia."""

from __future__ import annotations

import warnings

import owlrl
import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.closure import _triple
from kg.fixpoint import Follower

HEAD = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
ONE = "'1'^^xsd:nonNegativeInteger"
TWO = ":l1 rdf:first :A ; rdf:rest :l2 . :l2 rdf:first :B ; rdf:rest rdf:nil ."
INVERSE_FUNCTIONAL = ":p a owl:InverseFunctionalProperty ."
ONTOLOGIES = {
    "subclasses": ":A rdfs:subClassOf :B . :B rdfs:subClassOf :C . :x a :A .",
    "classes in a circle": ":A rdfs:subClassOf :B . :B rdfs:subClassOf :A . :x a :A .",
    "subproperties": ":p rdfs:subPropertyOf :q . :q rdfs:subPropertyOf :r . "
    ":q rdfs:domain :D ; rdfs:range :E . :D rdfs:subClassOf :F . :a :p :b . :c :p 'lit' .",
    "a label by another name": ":title rdfs:subPropertyOf rdfs:label . :x :title 'T' , 'U'@de .",
    "equivalent classes": ":A owl:equivalentClass :B . :x a :A . :y a :B .",
    "equivalent properties": ":p owl:equivalentProperty :q . :x :p :y . :z :q 'lit'@en .",
    "symmetric and transitive": ":p a owl:SymmetricProperty , owl:TransitiveProperty . :a :p :b . :b :p :c .",
    "inverse": ":p owl:inverseOf :q . :a :p :b . :c :q :d .",
    "functional": ":p a owl:FunctionalProperty . :x :p :a , :b . :a :n 'q' . :z :m :b .",
    "inverse functional": ":p a owl:InverseFunctionalProperty . :a :p :x . :b :p :x . :a :n 3 .",
    "same": ":a owl:sameAs :b . :b owl:sameAs :c . :a :p :z . :w :p :c . :p owl:sameAs :q .",
    "different": ":a owl:differentFrom :b . :a owl:sameAs :c .",
    "chain": ":u owl:propertyChainAxiom :l1 . :l1 rdf:first :p ; rdf:rest :l2 . "
    ":l2 rdf:first :q ; rdf:rest rdf:nil . :a :p :b . :b :q :c .",
    "chain of three": ":u owl:propertyChainAxiom :l1 . :l1 rdf:first :p ; rdf:rest :l2 . "
    ":l2 rdf:first :q ; rdf:rest :l3 . :l3 rdf:first :p ; rdf:rest rdf:nil . "
    ":a :p :b . :b :q :c . :c :p :d . :d :q :e . :e :p :f .",
    "key": ":P owl:hasKey :l . :l rdf:first :id ; rdf:rest rdf:nil . :a a :P ; :id :k . :b a :P ; :id :k .",
    "intersection": ":C owl:intersectionOf :l1 . " + TWO + " :x a :A, :B . :y a :C .",
    "union": ":C owl:unionOf :l1 . " + TWO + " :x a :A .",
    "one of": ":C owl:oneOf :l1 . " + TWO,
    "some values": ":R owl:onProperty :p ; owl:someValuesFrom :D . :x :p :y . :y a :D .",
    "some value of anything": ":R owl:onProperty :p ; owl:someValuesFrom owl:Thing . :x :p :y .",
    "some values of a subclass": ":R owl:onProperty :p ; owl:someValuesFrom :D . "
    ":S owl:onProperty :p ; owl:someValuesFrom :E . :D rdfs:subClassOf :E .",
    "all values": ":R owl:onProperty :p ; owl:allValuesFrom :D . :x :p :y ; a :R .",
    "all values of a subproperty": ":R owl:onProperty :p ; owl:allValuesFrom :D . "
    ":S owl:onProperty :q ; owl:allValuesFrom :D . :p rdfs:subPropertyOf :q . :x a :S . :x :p :y .",
    "a value": ":R owl:onProperty :p ; owl:hasValue :v . :x :p :v . :z a :R .",
    "a value of a subproperty": ":R owl:onProperty :p ; owl:hasValue :v . "
    ":S owl:onProperty :q ; owl:hasValue :v . :p rdfs:subPropertyOf :q . :x a :R .",
    "one at most": f":R owl:onProperty :p ; owl:maxCardinality {ONE} . :x a :R ; :p :a, :b .",
    "one of a class at most": f":R owl:onProperty :p ; owl:maxQualifiedCardinality {ONE} ; owl:onClass :D . "
    ":x a :R ; :p :a, :b . :a a :D . :b a :D .",
    "one of anything at most": f":R owl:onProperty :p ; owl:maxQualifiedCardinality {ONE} ; "
    "owl:onClass owl:Thing . :x a :R ; :p :a, :b .",
    "told apart by what they share": f"{INVERSE_FUNCTIONAL} :a :p :k, 'v' . :b :p :k . :c :p 'v' .",
    "a chain that tells nothing apart": f"{INVERSE_FUNCTIONAL} :a :p :b . :b :p :c . :c :p :a .",
    "nothing": ":A rdfs:subClassOf owl:Nothing . :x a :A .",
}


def ours(text: str, profile: str) -> set[ox.Triple]:
    store = ox.Store()
    store.load((HEAD + text).encode(), format=ox.RdfFormat.TURTLE)
    follower = Follower(store, {}, (), 1_000, lambda step: None)
    follower.follow(profile, [])
    return {quad.triple for quad in follower.inferred}


def reference(text: str, profile: str) -> set[ox.Triple]:
    graph = rdflib.Graph().parse(data=HEAD + text, format="turtle")
    stated = set(graph)
    semantics = owlrl.RDFS_Semantics if profile == "rdfs" else owlrl.OWLRL_Semantics
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it measures time in a way of its own
        owlrl.DeductiveClosure(semantics, axiomatic_triples=False, datatype_axioms=False).expand(graph)
    found = (_triple(*triple) for triple in graph if triple not in stated)
    return {triple for triple in found if triple is not None}


@pytest.mark.parametrize("name", ONTOLOGIES)
def test_owl_is_what_the_reference_derives(name: str) -> None:
    assert ours(ONTOLOGIES[name], "owl") == reference(ONTOLOGIES[name], "owl")


@pytest.mark.parametrize("name", sorted(ONTOLOGIES.keys() - {"nothing"}))
def test_rdfs_is_what_the_reference_derives(name: str) -> None:
    assert ours(ONTOLOGIES[name], "rdfs") == reference(ONTOLOGIES[name], "rdfs")


def test_rdfs_knows_no_class_of_nothing() -> None:
    assert ours(ONTOLOGIES["nothing"], "rdfs") == set()


def test_a_key_of_two_needs_both_to_agree() -> None:
    text = """:P owl:hasKey :l1 . :l1 rdf:first :id ; rdf:rest :l2 . :l2 rdf:first :nr ; rdf:rest rdf:nil .
        :a a :P ; :id :k ; :nr 3 . :b a :P ; :id :k ; :nr 3 . :c a :P ; :id :k ; :nr 4 ."""
    same = "<http://www.w3.org/2002/07/owl#sameAs>"
    assert {str(triple) for triple in ours(text, "owl")} == {
        f"<urn:a> {same} <urn:b>",
        f"<urn:b> {same} <urn:a>",
    }


def test_a_list_that_goes_round_comes_to_an_end() -> None:
    text = ":C owl:oneOf :l1 . :l1 rdf:first :a ; rdf:rest :l2 . :l2 rdf:first :b ; rdf:rest :l1 ."
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:C>"
    assert {str(triple) for triple in ours(text, "owl")} == {f"<urn:a> {kind}", f"<urn:b> {kind}"}
    assert ours(text.replace("oneOf", "propertyChainAxiom"), "owl") == set()


_things = st.sampled_from([":a", ":b", ":c", ":d"])
_classes = st.sampled_from([":A", ":B", ":C"])
_properties = st.sampled_from([":p", ":q", ":r"])
_kinds = st.sampled_from(
    ["owl:" + name + "Property" for name in ("Symmetric", "Transitive", "Functional", "InverseFunctional")]
)


def _statements(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


_random = st.one_of(
    _statements(_things, _properties, _things),
    _statements(_things, "a", _classes),
    _statements(_classes, st.sampled_from(["rdfs:subClassOf", "owl:equivalentClass"]), _classes),
    _statements(
        _properties,
        st.sampled_from(["rdfs:subPropertyOf", "owl:equivalentProperty", "owl:inverseOf"]),
        _properties,
    ),
    _statements(_properties, st.sampled_from(["rdfs:domain", "rdfs:range"]), _classes),
    _statements(_properties, "a", _kinds),
    _statements(_things, "owl:sameAs", _things),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(_random, min_size=1, max_size=8), st.sampled_from(["owl", "rdfs"]))
def test_random_ontologies_have_the_closure_of_the_reference(lines: list[str], profile: str) -> None:
    text = "".join(f"{line} .\n" for line in lines)
    assert ours(text, profile) == reference(text, profile)
