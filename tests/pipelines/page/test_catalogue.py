"""What can be picked: counted by hand over the cards, and over a small graph with literals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.rdf import read
from kg.vocabulary import DEFAULT, RDF_TYPE
from pipelines import Searcher
from pipelines.page.catalogue import Catalogue, Choice, readable
from pipelines.page.pattern import Literal

EX = "https://example.org/c/"
ABOUT = "https://schema.org/about"
INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
DATA = """@prefix ex: <https://example.org/c/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Boat rdfs:subClassOf ex:Vehicle .
ex:one a ex:Boat ; ex:length 7 ; ex:flag "red", "blue" ; ex:port ex:north ; rdfs:label "One" .
ex:two a ex:Boat ; ex:length 12 ; ex:flag "red" ; ex:port ex:south ; ex:sisterShip ex:one .
ex:cart a ex:Vehicle ; ex:length 3 .
ex:north skos:broader ex:coast . ex:coast skos:narrower ex:south . ex:coast skos:broader ex:world .
ex:north rdfs:label "port" . ex:south rdfs:label "port" .
"""


@pytest.fixture(scope="module")
def cards(searcher: Searcher) -> Catalogue:
    return Catalogue(searcher.store.graph, searcher.labels, DEFAULT, (), searcher.allowed(None))


@pytest.fixture
def boats(tmp_path: Path) -> Catalogue:
    path = tmp_path / "boats.ttl"
    path.write_text(DATA, encoding="utf-8")
    graph, _ = read([path])
    things = graph.entity_ids([EX + name for name in ("cart", "one", "two")])
    return Catalogue(graph, graph.labels(), DEFAULT, (), np.sort(things))


def told(choices: object) -> dict[str, int]:
    return {one.label: one.count for one in choices}  # type: ignore[attr-defined]


def test_classes_of_what_may_answer_come_first(cards: Catalogue) -> None:
    assert [(one.label, one.count) for one in cards.classes] == [("card", 30), ("concept", 15)]
    assert cards.classes[0].value == EX + "Card"
    assert cards.classes[0].shown == "card (30)"


def test_relations_are_those_of_the_members(cards: Catalogue) -> None:
    assert told(cards.relations(EX + "Card")) == {"about": 30}
    concepts = "http://www.w3.org/2004/02/skos/core#Concept"
    assert told(cards.relations(concepts)) == {"broader": 10}


def test_a_value_counts_all_that_is_below_it(cards: Catalogue) -> None:
    found = told(cards.offer(None, ABOUT).values)
    assert found["animal"] == found["fruit"] == 6
    assert found["cat"] == found["drum"] == 3
    assert len(found) == 15
    assert next(iter(found.values())) == 6


def test_values_of_one_entity_are_its_own(cards: Catalogue) -> None:
    place = cards.graph.entity_id(EX + "cat0")
    assert [one.value for one in cards.values_of(place, ABOUT)] == [EX + "cat"]


def test_members_of_a_class_are_those_of_classes_below_it(boats: Catalogue) -> None:
    names = [boats.graph.entities[place].as_py() for place in boats.members(EX + "Vehicle")]
    assert names == [EX + "cart", EX + "one", EX + "two"]
    assert len(boats.members(EX + "Boat")) == 2
    with pytest.raises(ValueError, match="unknown"):
        boats.members(EX + "Ship")


def test_numbers_are_offered_as_a_range_and_texts_as_values(boats: Catalogue) -> None:
    assert told(boats.relations(EX + "Boat")) == {"flag": 2, "length": 2, "port": 2, "sister ship": 1}
    length = boats.offer(EX + "Boat", EX + "length")
    assert (length.least, length.most, length.values) == (7.0, 12.0, ())
    assert boats.offer(None, EX + "length").least == 3.0
    flags = boats.offer(None, EX + "flag").values
    assert [(one.label, one.count) for one in flags] == [("red", 2), ("blue", 1)]
    assert isinstance(flags[0].value, Literal)
    assert flags[0].value.value == "red"


def test_hierarchies_count_whichever_way_they_are_stated(boats: Catalogue) -> None:
    found = told(boats.offer(None, EX + "port").values)
    assert found == {"coast": 2, "world": 2, "port, north": 1, "port, south": 1}


def test_one_number_alone_is_a_value(boats: Catalogue) -> None:
    place = boats.graph.entity_id(EX + "cart")
    alone = Catalogue(boats.graph, boats.labels, DEFAULT, (), np.array([place]))
    assert alone.offer(None, EX + "length").values == [Choice(Literal("3", None, INTEGER), "3", 1)]


def test_reach_is_a_row_for_each_member(boats: Catalogue) -> None:
    reach = boats.reach(boats.things, RDF_TYPE).toarray()
    assert reach.shape == (3, boats.graph.num_entities)
    assert reach.sum(axis=1).tolist() == [1, 2, 2]
    assert not boats.reach(boats.things, EX + "unknown").nnz


def test_relations_are_read_as_words() -> None:
    assert readable("https://schema.org/hasPart") == "has part"
    assert readable(EX + "some_thing") == "some thing"
    assert readable("urn:x#URL") == "URL"
