"""New facts beside an old graph."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from kg.graph import KnowledgeGraph
from kg.merge import merged, with_relations
from kg.rdf import read

OLD = """
@prefix : <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:b :near :d ; rdfs:label "b" .
:d :near :f .
"""
NEW = """
@prefix : <http://example.org/> .
@prefix schema: <https://schema.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:c :near :d ; :far :b ; schema:image "c.png" .
:b :near :d ; rdfs:label "b", "bee" .
"""


def graph_of(text: str, folder: Path, name: str) -> KnowledgeGraph:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read([path])[0]


def test_both_graphs_stand_in_one_and_the_old_relations_alone(tmp_path: Path) -> None:
    old, new = graph_of(OLD, tmp_path, "old.ttl"), graph_of(NEW, tmp_path, "new.ttl")
    both = merged(old, new)
    assert [iri.rsplit("/", 1)[1] for iri in both.graph.entities.to_pylist()] == ["b", "c", "d", "f"]
    assert both.old.tolist() == [0, 2, 3]
    assert both.new.tolist() == [0, 1, 2]
    assert both.graph.relations.equals(old.relations)
    assert both.graph.triples.tolist() == [[0, 0, 2], [1, 0, 2], [2, 0, 3]]
    assert both.unknown == 1  # far
    assert sorted(both.graph.literals["value"].to_pylist()) == ["b", "bee"]
    assert both.graph.media.to_pylist()[0]["entity"] == 1


def test_a_graph_merged_with_itself_is_itself(tmp_path: Path) -> None:
    old = graph_of(OLD + NEW.replace("@prefix", "@prefix"), tmp_path, "old.ttl")
    assert merged(old, old).graph.equals(old)


def test_a_graph_knows_relations_without_facts_and_means_the_same(tmp_path: Path) -> None:
    graph = graph_of(NEW, tmp_path, "new.ttl")
    known = with_relations(graph, pa.array(["http://example.org/between", "http://example.org/near"]))
    assert [iri.rsplit("/", 1)[1] for iri in known.relations.to_pylist()] == ["between", "far", "near"]
    assert set(known.to_networkx().edges(data="relation")) == set(graph.to_networkx().edges(data="relation"))
    assert with_relations(graph, graph.relations).equals(graph)
