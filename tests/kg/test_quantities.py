"""Numbers in nodes of their own: each pattern on a few lines of Turtle."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from kg.texts import last_segment

HEAD = """@prefix : <http://example.org/> . @prefix schema: <http://schema.org/> .
@prefix qudt: <http://qudt.org/schema/qudt/> . @prefix unit: <http://qudt.org/vocab/unit/> .
"""
UNIT = "http://qudt.org/vocab/unit/"
DECIMAL = "http://www.w3.org/2001/XMLSchema#decimal"


def load(folder: Path, turtle: str) -> KnowledgeGraph:
    (folder / "a.ttl").write_text(HEAD + turtle, encoding="utf-8")
    return read([folder / "a.ttl"])[0]


def told(graph: KnowledgeGraph) -> list[tuple[str, str, str, str | None]]:
    names = [last_segment(iri) for iri in graph.entities.to_pylist()]
    return [
        (names[row["entity"]], last_segment(row["predicate"]), row["value"], row["datatype"])
        for row in graph.literals.to_pylist()
    ]


@pytest.mark.parametrize(
    ("node", "datatype"),
    [
        ("[ qudt:numericValue 3.5 ; qudt:unit unit:BAR ]", UNIT + "BAR"),
        ("[ a qudt:QuantityValue ; qudt:value 3.5 ; qudt:hasUnit unit:BAR ]", UNIT + "BAR"),
        ('[ a schema:QuantitativeValue ; schema:value 3.5 ; schema:unitCode "BAR" ]', "urn:unit:BAR"),
        ('[ schema:value 3.5 ; schema:unitText "m/s" ; schema:unitCode "MTS" ]', "urn:unit:MTS"),
        ('[ schema:value 3.5 ; schema:unitText "l/min" ]', "urn:unit:l/min"),
        ("[ qudt:value 3.5 ; qudt:unit <http://other.org/bar> ]", "urn:unit:http%3A//other.org/bar"),
        ("[ schema:value 3.5 ]", DECIMAL),
    ],
)
def test_the_number_is_told_of_the_thing_and_the_node_is_no_entity(
    tmp_path: Path, node: str, datatype: str
) -> None:
    graph = load(tmp_path, f':pump a :Pump ; :pressure {node} ; :name "P"@en .')
    assert [last_segment(iri) for iri in graph.entities.to_pylist()] == ["Pump", "pump"]
    assert told(graph) == [("pump", "name", "P", None), ("pump", "pressure", "3.5", datatype)]
    assert graph.literals["language"].to_pylist() == ["en", None]
    assert len(graph.triples) == 1


def test_a_node_with_a_name_of_its_own_that_two_things_share_gives_it_to_both(tmp_path: Path) -> None:
    graph = load(tmp_path, ":a :height :h . :b :width :h . :h qudt:numericValue 2 ; qudt:unit unit:M .")
    assert told(graph) == [("a", "height", "2", UNIT + "M"), ("b", "width", "2", UNIT + "M")]
    assert [last_segment(iri) for iri in graph.entities.to_pylist()] == ["a", "b"]


@pytest.mark.parametrize(
    "node",
    [
        '[ qudt:numericValue 3 ; qudt:unit unit:BAR ; :method "gauge" ]',
        "[ qudt:numericValue 3 ; qudt:unit unit:BAR ; :takenBy :ann ]",
        "[ qudt:numericValue 3 , 4 ; qudt:unit unit:BAR ]",
    ],
)
def test_a_node_that_says_more_stays_an_entity(tmp_path: Path, node: str) -> None:
    graph = load(tmp_path, f":pump :pressure {node} .")
    assert any(predicate == "numericValue" for _, predicate, _, _ in told(graph))
    assert "pressure" in [last_segment(iri) for iri in graph.relations.to_pylist()]


def test_a_node_that_nothing_points_to_is_a_thing_with_a_value(tmp_path: Path) -> None:
    graph = load(tmp_path, ":p qudt:numericValue 3 ; qudt:unit unit:BAR .")
    assert told(graph) == [("p", "numericValue", "3", "http://www.w3.org/2001/XMLSchema#integer")]
    assert len(graph.triples) == 1
