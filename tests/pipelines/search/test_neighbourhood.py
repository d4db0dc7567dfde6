"""The facts around an entity: those that are there, and attention that sums to what it should."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import networkx
import pytest
import torch

from pipelines.search.neighbourhood import neighbour_attention
from pipelines.senses.joint import joint_graph

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher

ABOUT = "https://schema.org/about"


def test_what_an_entity_hears_by_all_its_facts_sums_to_one(searcher: Searcher) -> None:
    store = searcher.store
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    attention = neighbour_attention(searcher.scorer, joint)
    heard = torch.zeros(joint.num_entities).index_add(0, joint.edges.sources.row, attention)
    linked = joint.edges.sources.indptr.diff() > 0
    assert torch.allclose(heard[linked], torch.ones(int(linked.sum())), atol=1e-5)
    assert not heard[~linked].any()


def test_a_neighbourhood_holds_the_facts_among_what_is_heard_most(
    searcher: Searcher, collection: Any
) -> None:
    graph = searcher.neighbourhood(collection.iri("cat0"), 4)
    assert graph.graph["centre"] == collection.iri("cat0")
    assert graph.number_of_nodes() == 5
    assert collection.iri("cat") in graph
    stated = {tuple(step) for step in searcher.named(searcher.store.graph.triples.tolist())}
    drawn = {(head, relation, tail) for head, tail, relation in graph.edges(keys=True)}
    among = {fact for fact in stated if fact[0] in graph and fact[2] in graph}
    assert drawn == among
    assert networkx.is_connected(graph.to_undirected())
    fact = graph.edges[collection.iri("cat0"), collection.iri("cat"), ABOUT]
    assert (fact["label"], fact["weight"], fact["path"]) == ("about", 1.0, False)
    assert 0 < fact["attention"] <= 1
    assert graph.nodes[collection.iri("cat")]["label"] == "cat"
    assert graph.nodes[collection.iri("cat0")]["heard"] == 1


def test_the_most_heard_come_first(searcher: Searcher, collection: Any) -> None:
    small, large = (searcher.neighbourhood(collection.iri("cat0"), k) for k in (2, 6))
    assert set(small) < set(large)
    kept = min(small.nodes[node]["heard"] for node in small)
    assert all(large.nodes[node]["heard"] <= kept + 1e-9 for node in set(large) - set(small))


def test_paths_are_in_it_and_marked(searcher: Searcher, collection: Any) -> None:
    from pipelines.search.neighbourhood import neighbourhood

    reasons = searcher.explain(collection.iri("wolf0"), "cat")
    assert reasons.paths
    graph = neighbourhood(searcher, collection.iri("wolf0"), 2, reasons.paths)
    marked = {
        (head, relation, tail) for head, tail, relation, on in graph.edges(keys=True, data="path") if on
    }
    assert marked == {step for path in reasons.paths for step in path}
    assert graph.nodes[collection.iri("cat")]["heard"] == 0


def test_a_fusion_that_sees_no_facts_counts_each_alike(searcher: Searcher) -> None:
    store = searcher.store
    from fusion.concat import Concatenation
    from pipelines.search.scoring import Scorer

    shape = store.manifest["model"]
    plain = Concatenation(shape["feature_sizes"], shape["num_relations"], structure_width=16, width=32)
    scorer = Scorer(store.as_if(replace(store.settings, fusion="concat"), model=plain))
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    attention = neighbour_attention(scorer, joint)
    degree = joint.edges.sources.indptr.diff().float()
    assert torch.allclose(attention, 1 / degree[joint.edges.sources.row])


def test_what_has_no_neighbourhood_is_told(searcher: Searcher, collection: Any) -> None:
    assert searcher.neighbourhood(collection.iri("bare")).number_of_nodes() == 1
    with pytest.raises(ValueError, match="expected entity of this graph"):
        searcher.neighbourhood("urn:nobody")
    with pytest.raises(ValueError, match=r"expected at least 1 neighbour \(got 0\)"):
        searcher.neighbourhood(collection.iri("cat0"), 0)
