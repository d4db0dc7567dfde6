"""What is picked becomes SPARQL that says the same: by hand, and against what brute force finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kg.vocabulary import DEFAULT, RDF_TYPE
from pipelines import Searcher
from pipelines.page.catalogue import Catalogue
from pipelines.page.pattern import Literal, Names, Picked, pattern

EX = "https://example.org/c/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
XSD = "http://www.w3.org/2001/XMLSchema#"
SCHEMA = "https://schema.org/"
NAMES = Names({"ex": EX}, [SKOS + "broader"])


def test_a_class_a_value_and_what_is_not_so_are_a_line_each() -> None:
    picked = [
        Picked(SCHEMA + "about", EX + "animal"),
        Picked(SCHEMA + "about", EX + "cat", below=False, wanted=False),
        Picked(SCHEMA + "audio", wanted=True),
    ]
    assert pattern(NAMES, EX + "Card", picked) == (
        "?x a ex:Card .\n"
        "?x schema:about/skos:broader* ex:animal .\n"
        "?x schema:audio ?value3 .\n"
        "FILTER NOT EXISTS { ?x schema:about ex:cat . }"
    )


def test_numbers_have_bounds_and_literals_their_kind() -> None:
    picked = [
        Picked(EX + "weight", least=-1.5, most=2e6),
        Picked(EX + "note", Literal('so "it"\n\\', "en-GB")),
        Picked(EX + "code", Literal("7", None, XSD + "integer")),
        Picked(EX + "plain", Literal("7", None, XSD + "string")),
    ]
    assert pattern(NAMES, None, picked) == (
        "?x ex:weight ?value1 . FILTER(?value1 >= -1.5 && ?value1 <= 2000000)\n"
        '?x ex:note "so \\"it\\"\\n\\\\"@en-GB .\n'
        '?x ex:code "7"^^xsd:integer .\n'
        '?x ex:plain "7" .'
    )


def test_hierarchies_run_either_way_and_classes_have_theirs() -> None:
    rdfs = "http://www.w3.org/2000/01/rdf-schema#"
    both = Names({}, [SKOS + "broader", rdfs + "subClassOf"], [SKOS + "narrower"])
    assert pattern(both, EX + "1/odd", [Picked(RDF_TYPE, EX + "a b".replace(" ", "-"))]) == (
        "?x a/rdfs:subClassOf* <https://example.org/c/1/odd> .\n"
        "?x a/(skos:broader|rdfs:subClassOf|^skos:narrower)* <https://example.org/c/a-b> ."
    )
    assert Names({}, [], [SKOS + "narrower"]).above() == "/(^skos:narrower)*"
    assert Names({}).above() == ""


def test_nothing_picked_is_no_pattern_and_a_negation_alone_is_about_things() -> None:
    assert pattern(NAMES, None, []) is None
    only = pattern(Names({}, terms=[SKOS + "Concept"]), None, [Picked(SCHEMA + "audio", wanted=False)])
    assert only == (
        "?x ?relation ?anything .\n"
        "FILTER NOT EXISTS { ?member a ?x }\n"
        "FILTER NOT EXISTS { VALUES ?term { skos:Concept } ?x a ?term }\n"
        "FILTER NOT EXISTS { ?x schema:audio ?value1 . }"
    )


@pytest.mark.parametrize(
    "iri", ["", "a b", "x> . ?y ?p ?o . <x", 'x"', "x{y}", "x\\u003e", "x\n", "x`", "x|y", "x^y"]
)
def test_what_is_no_iri_is_refused(iri: str) -> None:
    with pytest.raises(ValueError, match="expected an IRI"):
        pattern(NAMES, iri, [])
    with pytest.raises(ValueError, match="expected an IRI"):
        pattern(NAMES, None, [Picked(iri, EX + "cat")])


def test_a_bound_is_finite_and_no_value_beside_it() -> None:
    with pytest.raises(ValueError, match="finite bounds"):
        Picked(EX + "weight", least=float("nan"))
    with pytest.raises(ValueError, match="got both"):
        Picked(EX + "weight", EX + "cat", most=1.0)
    with pytest.raises(ValueError, match="tag of a language"):
        pattern(NAMES, None, [Picked(EX + "note", Literal("a", 'en" . ?x ?y ?z'))])


def facts_of(searcher: Searcher, relation: str) -> list[tuple[int, int]]:
    graph = searcher.store.graph
    place = graph.relation_id(relation)
    return [(head, tail) for head, other, tail in graph.triples.tolist() if other == place]


def having(searcher: Searcher, one: Picked) -> set[int]:
    """What has a relation to a value, by looking at every fact, again and again for what is below."""
    rows, broader = facts_of(searcher, one.relation), facts_of(searcher, SKOS + "broader")
    if one.value is None:
        return {head for head, _ in rows}
    wanted = {searcher.store.graph.entity_id(str(one.value))}
    while one.below and (more := {head for head, tail in broader if tail in wanted} - wanted):
        wanted |= more
    return {head for head, tail in rows if tail in wanted}


def test_every_pattern_gives_what_brute_force_gives(searcher: Searcher) -> None:
    graph = searcher.store.graph
    catalogue = Catalogue(graph, searcher.labels, DEFAULT, (), searcher.allowed(None))
    entities, kinds = graph.types()
    about = SCHEMA + "about"
    values = [EX + "animal", EX + "cat", None]
    singles = [
        Picked(about, value, below=deep, wanted=wanted)
        for value, deep, wanted in itertools.product(values, (True, False), (True, False))
    ]
    picks = [(), *((one,) for one in singles), *itertools.product(singles[:4], singles[4:8])]
    for kind, picked in itertools.product((None, EX + "Card", SKOS + "Concept"), picks):
        where = pattern(catalogue.names, kind, picked)
        expected = set(searcher.allowed(None).tolist())
        if kind is not None:
            expected = set(entities[kinds == graph.entity_id(kind)].tolist())
        elif any(one.wanted for one in picked):
            expected = set(range(graph.num_entities))
        for one in picked:
            had = having(searcher, one)
            expected = expected & had if one.wanted else expected - had
        assert set(np.asarray(searcher.allowed(where)).tolist()) == expected, where
