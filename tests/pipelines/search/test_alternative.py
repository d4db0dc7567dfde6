"""A store as if something were otherwise, against stores and joint graphs made so from the start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pipelines.search.alternative import embedded_anew, with_prior, without_facts, without_observations
from pipelines.search.neighbourhood import neighbour_attention
from pipelines.senses.joint import joint_graph

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher

ABOUT = "https://schema.org/about"
BROADER = "http://www.w3.org/2004/02/skos/core#broader"


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert one.keys() == other.keys()
    return all(torch.allclose(value, other[name], atol=1e-5) for name, value in one.items())


def test_a_prior_of_one_gives_the_stored_embeddings(searcher: Searcher) -> None:
    again = with_prior(searcher, {ABOUT: 1.0, BROADER: 1.0})
    assert same(again.store.tensors, searcher.store.tensors)
    assert again.search("a cat") == searcher.search("a cat")


def test_a_prior_of_zero_is_a_store_whose_graph_lacks_those_facts(searcher: Searcher) -> None:
    graph = searcher.store.graph
    kept = graph.triples[:, 1] != graph.relation_id(ABOUT)
    assert 0 < kept.sum() < len(kept)
    rows = {name: getattr(graph, name)[kept] for name in ("triples", "weights", "origin")}
    lesser = embedded_anew(searcher.store, graph=replace(graph, **rows))
    silenced = with_prior(searcher, {ABOUT: 0.0})
    assert same(silenced.store.tensors, lesser.tensors)
    assert not same(silenced.store.tensors, searcher.store.tensors)
    asked = silenced.asker.asked([])
    assert asked == []
    assert [hit.score for hit in silenced.search("a cat")] == pytest.approx(
        [hit.score for hit in searcher.over(lesser).search("a cat")], abs=1e-5
    )


def test_no_chain_of_facts_goes_by_a_relation_of_prior_zero(searcher: Searcher) -> None:
    # "animal" names a kind; by broader and about it reaches its cards, and by nothing else
    asked = {"text": "animal", "weights": {"text": 0.0}, "k": 6}
    assert all(hit.path for hit in searcher.search(**asked))
    assert not any(hit.path for hit in with_prior(searcher, {BROADER: 0.0}).search(**asked))
    assert all(hit.path for hit in with_prior(searcher, {BROADER: 0.01}).search(**asked))


def test_the_store_itself_stays_as_it_is(searcher: Searcher) -> None:
    before = {name: value.clone() for name, value in searcher.store.tensors.items()}
    with_prior(searcher, {ABOUT: 0.0})
    assert all(torch.equal(value, searcher.store.tensors[name]) for name, value in before.items())
    assert searcher.store.settings.prior == {}


def attention_on(searcher: Searcher, relation: str) -> torch.Tensor:
    """What each entity hears by one relation, either way."""
    store = searcher.store
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    place = store.graph.relation_id(relation)
    chosen = joint.edges.edge_type % store.graph.num_relations == place
    heard = neighbour_attention(searcher.scorer, joint)[chosen]
    return torch.zeros(joint.num_entities).index_add(0, joint.edges.sources.row[chosen], heard)


def test_raising_a_prior_moves_attention_to_its_relation_for_everyone(searcher: Searcher) -> None:
    masses = [attention_on(with_prior(searcher, {BROADER: prior}), BROADER) for prior in (0.05, 0.3, 1.0)]
    concepts = masses[0] > 0
    assert int(concepts.sum()) == 15  # ten concepts and five kinds
    low, middle, high = (mass[concepts] for mass in masses)
    mixed = low < 0.999  # who hears by nothing else hears all by it anyway
    assert int(mixed.sum()) >= 10
    assert bool((low[mixed] < middle[mixed]).all())
    assert bool((middle[mixed] < high[mixed]).all())


def test_a_prior_multiplies_the_odds_of_its_facts(searcher: Searcher) -> None:
    full, tenth = (attention_on(with_prior(searcher, {BROADER: prior}), BROADER) for prior in (1.0, 0.1))
    entity = searcher.store.graph.entity_id("https://example.org/c/cat")
    before, after = float(full[entity]), float(tenth[entity])
    # a mean over senses, in each of which the odds fall to a tenth: exact where all senses hear alike
    assert after < before
    assert 0.05 < after / (1 - after) / (before / (1 - before)) < 0.2


def test_raising_a_prior_brings_what_it_ties_to_the_question_further_up(searcher: Searcher) -> None:
    # "animal" names the kind: its cards hang on it by about and then by broader
    asked = {"text": "animal", "weights": {"text": 0.0}, "k": 31}
    ranks = []
    for prior in (0.0, 0.05, 1.0):
        order = [hit.entity for hit in with_prior(searcher, {BROADER: prior}).search(**asked)]
        animals = [f"https://example.org/c/{name}{n}" for name in ("cat", "wolf") for n in range(3)]
        ranks.append(sum(map(order.index, animals)))
    assert ranks[0] > ranks[2]
    assert ranks[1] >= ranks[2]
    assert ranks[2] == sum(range(6))


def test_facts_that_are_not_stated_are_not_heard_and_not_walked(searcher: Searcher, collection: Any) -> None:
    graph = searcher.store.graph
    cat, about, card = (
        graph.entity_id(collection.iri("cat")),
        graph.relation_id(ABOUT),
        graph.entity_id(collection.iri("cat0")),
    )
    other = searcher.over(without_facts(searcher.store, [(card, about, cat)]))
    assert len(other.store.graph.triples) == len(graph.triples) - 1
    near = {hit.entity: hit.modalities["graph"] for hit in other.search("a cat", k=31)}
    assert near[collection.iri("cat0")] < near[collection.iri("cat1")]
    assert same(without_facts(searcher.store, []).tensors, searcher.store.tensors)


def test_an_observation_that_was_not_made_is_not_compared(searcher: Searcher, collection: Any) -> None:
    store = searcher.store
    entity = store.graph.entity_id(collection.iri("lemon1"))
    row = int(torch.nonzero(store.observations.owners["image"] == entity)[0])
    other = searcher.over(without_observations(store, {"image": [row]}))
    hits = other.search(image=collection.picture("lemon1"), k=31)
    lemon = next(hit for hit in hits if hit.entity == collection.iri("lemon1"))
    assert "image" not in lemon.modalities
    assert len(other.store.observations.owners["image"]) == len(store.observations.owners["image"]) - 1
    assert np.isclose(searcher.search(image=collection.picture("lemon1"), k=1)[0].modalities["image"], 1)


@pytest.mark.parametrize(
    ("priors", "sentence"),
    [
        ({ABOUT: 1.5}, r"expected a prior in \[0, 1\] for https://schema.org/about \(got 1.5\)"),
        ({"urn:nothing": 0.5}, "expected relation of this graph"),
    ],
)
def test_a_prior_that_cannot_be_is_told(searcher: Searcher, priors: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        with_prior(searcher, priors)
