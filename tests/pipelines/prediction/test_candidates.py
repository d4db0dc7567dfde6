"""Who may be the missing end of a fact, by classes written down by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.prediction.candidates import Candidates

EX = "https://example.org/k/"
HEAD = f"""@prefix ex: <{EX}> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
ex:Capital rdfs:subClassOf ex:City . ex:City rdfs:subClassOf ex:Place .
ex:rome a ex:Capital . ex:ulm a ex:City . ex:alps a ex:Place . ex:ada a ex:Person . ex:bob a ex:Person .
ex:blank ex:near ex:ulm .
"""


@pytest.fixture
def graph_of(tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201
    def make(more: str) -> KnowledgeGraph:
        (tmp_path / "k.ttl").write_text(HEAD + more, encoding="utf-8")
        return read([tmp_path / "k.ttl"])[0]

    return make


def names(graph: KnowledgeGraph, relation: str, *, heads: bool = False) -> set[str]:
    number = graph.relation_id(EX + relation) + graph.num_relations * heads
    kept, _ = Candidates(graph).of(number)
    return {graph.entities[i].as_py().removeprefix(EX) for i in kept.nonzero()[0].tolist()}


def test_a_range_takes_the_classes_below_it_and_things_without_a_type(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    graph = graph_of(
        "ex:livesIn rdfs:range ex:City . ex:ada ex:livesIn ex:ulm . ex:bob ex:livesIn ex:blank ."
    )
    found = names(graph, "livesIn")
    assert {"rome", "ulm", "blank"} <= found  # a capital is a city
    assert not {"alps", "ada", "bob"} & found


def test_types_never_seen_in_the_place_are_no_candidates(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    graph = graph_of("ex:ada ex:livesIn ex:ulm, ex:rome .")
    assert names(graph, "livesIn") == {"ulm", "rome"}
    assert names(graph, "livesIn", heads=True) == {"ada", "bob"}


def test_a_domain_narrows_the_heads(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    graph = graph_of("ex:likes rdfs:domain ex:Person . ex:blank ex:likes ex:ulm .")
    candidates = Candidates(graph)
    number = graph.relation_id(EX + "likes")
    assert "alps" not in names(graph, "likes", heads=True)
    assert candidates.allows(number, graph.entity_id(EX + "ada"))
    assert not candidates.allows(number, graph.entity_id(EX + "alps"))


def test_what_is_of_a_class_disjoint_with_the_range_is_ruled_out(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    more = "ex:livesIn rdfs:range ex:City . ex:Place owl:disjointWith ex:Person . ex:ulm a ex:Person ."
    graph = graph_of(
        more + "ex:ada ex:livesIn ex:ulm, ex:rome . ex:bob ex:livesIn ex:alm . ex:alm a ex:City ."
    )
    assert names(graph, "livesIn") == {"rome", "alm"}


def test_a_constraint_that_leaves_nobody_is_dropped(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    # only what has no type may be a ship, and of the type of those that were owned is none of them
    graph = graph_of("ex:owns rdfs:range ex:Ship . ex:ada ex:owns ex:ulm .")
    assert names(graph, "owns") == {"blank"}


def test_classes_are_candidates_only_where_classes_were_seen(graph_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    graph = graph_of("ex:ada ex:near ex:blank .")
    assert names(graph, "near") == {"ulm", "rome", "blank"}
    kept, _ = Candidates(graph).of(graph.relation_id("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"))
    found = {graph.entities[i].as_py().removeprefix(EX) for i in kept.nonzero()[0].tolist()}
    assert found == {"Capital", "City", "Place", "Person"}
