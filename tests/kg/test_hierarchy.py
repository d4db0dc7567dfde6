"""Declared hierarchies: which facts set what below what, in both spellings, and where they go round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.hierarchy import MOST, cycles, hierarchy_of
from kg.rdf import read
from kg.vocabulary import PREFIXES

HEAD = "@prefix : <urn:> . " + " ".join(
    f"@prefix {name}: <{PREFIXES[name]}> ." for name in ("rdf", "rdfs", "owl", "skos")
)


def graph_of(folder: Path, text: str) -> KnowledgeGraph:
    (folder / "facts.trig").write_text(HEAD + text, encoding="utf-8")
    return read([folder / "facts.trig"])[0]


def around(graph: KnowledgeGraph, *more: str) -> list[tuple[str, str]]:
    """Each way round: the last word of its relation, and the entities without `urn:`."""
    return [
        (one["relation"].rpartition("#")[2], "".join(iri.removeprefix("urn:") for iri in one["entities"]))
        for one in cycles(graph, hierarchy_of(graph, more))
    ]


def test_what_is_below_is_told_by_either_spelling(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, ":cat skos:broader :animal . :animal skos:narrower :dog ; :knows :cat .")
    found = hierarchy_of(graph)
    names = [tuple(str(graph.entities[int(place)]) for place in step) for step in found.steps[:, [0, 2]]]
    assert names == [("urn:cat", "urn:animal"), ("urn:dog", "urn:animal")]
    broader, narrower = (graph.relation_id(PREFIXES["skos"] + name) for name in ("broader", "narrower"))
    # asked from the narrower thing, the fact is walked against its direction
    assert found.upward.tolist() == [broader, narrower + graph.num_relations]
    assert len(set(found.knot.tolist())) == graph.num_entities


def test_a_user_names_further_hierarchies_and_only_ones_that_are_there(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, ":wheel :partOf :car . :car :partOf :wheel .")
    assert len(hierarchy_of(graph).steps) == 0
    assert around(graph) == []
    assert around(graph, "urn:partOf") == [("urn:partOf", "carwheelcar")]
    with pytest.raises(ValueError, match=r"expected relation of this graph \(got unknown 'urn:partof'\)"):
        hierarchy_of(graph, ["urn:partof"])


def test_hierarchies_that_go_round_are_shown_once_each(tmp_path: Path) -> None:
    text = """:a rdfs:subClassOf :b . :b rdfs:subClassOf :c . :c rdfs:subClassOf :a , :d , :c .
        :d rdfs:subClassOf :e . :u skos:broader :v . :v skos:broader :u .
        :w skos:broader :w , :u . :p rdfs:subPropertyOf :q , :p ."""
    assert around(graph_of(tmp_path, text)) == [("subClassOf", "abca"), ("broader", "uvu"), ("broader", "ww")]


def test_an_order_may_go_round_by_several_relations(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, ":a skos:broader :b . :a skos:narrower :b .")
    (one,) = cycles(graph, hierarchy_of(graph))
    assert one["entities"] == ["urn:a", "urn:b", "urn:a"]
    assert one["relation"] == f"{PREFIXES['skos']}broader and {PREFIXES['skos']}narrower"


def test_what_was_inferred_is_no_reason_to_complain(tmp_path: Path) -> None:
    text = ":a skos:broader :b . <urn:sensegraph:inferred/r/1> { :b skos:broader :a }"
    graph = graph_of(tmp_path, text)
    assert len(graph.triples) == 2
    assert around(graph) == []


def test_only_what_is_below_each_other_shares_a_knot(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, ":a skos:broader :b . :b skos:broader :a , :c . :d skos:broader :a .")
    knot = hierarchy_of(graph).knot
    a, b, c, d = graph.entity_ids([f"urn:{name}" for name in "abcd"])
    assert knot[a] == knot[b]
    assert len({int(knot[i]) for i in (a, c, d)}) == 3


def test_many_knots_are_found_at_once_and_listed_up_to_a_limit(tmp_path: Path) -> None:
    pairs = np.arange(3 * MOST)
    text = " ".join(f":x{i} skos:broader :y{i} . :y{i} skos:broader :x{i} ." for i in pairs)
    assert len(around(graph_of(tmp_path, text))) == MOST


def test_only_the_facts_that_count_set_one_below_another_or_tie_a_knot(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, ":a skos:broader :b . :b skos:broader :a , :c .")
    whole, part = hierarchy_of(graph), hierarchy_of(graph, facts=graph.triples[1:])
    assert (len(whole.steps), len(part.steps)) == (3, 2)
    assert part.upward.tolist() == whole.upward.tolist()
    a, b = (graph.entity_id(f"urn:{name}") for name in "ab")
    assert whole.knot[a] == whole.knot[b]
    assert part.knot[a] != part.knot[b]
