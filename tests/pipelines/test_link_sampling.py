"""The surroundings of a batch: as a full pass where all is drawn, and the chance of each candidate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from kg.links import both_directions
from pipelines.joint import joint_graph
from pipelines.link_sampling import LinkSampler
from pipelines.link_training import LinkModel, edge_places
from pipelines.store import Store


def test_a_sample_of_all_facts_gives_the_rows_of_a_full_pass(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    torch.manual_seed(0)
    model = LinkModel(graph.num_entities, count, replace(store.settings, neighbors=1000)).eval()
    batch = torch.tensor([0, 2])
    hidden = edge_places(graph, len(triples))[batch].reshape(-1)
    facts = both_directions(triples[batch], count)
    near = LinkSampler(graph, graph.log_weight, triples, (1000, 1000), seed=0).around(facts, hidden)
    rows = model.encoder(near.edges, near.log_weight, None, near.nodes)
    full = model.encoder(graph.edges, graph.log_weight.index_fill(0, hidden, float("-inf")))
    for end in (0, 2):
        torch.testing.assert_close(rows[near.facts[:, end]], full[facts[:, end]])
        assert torch.equal(near.nodes[near.facts[:, end]], facts[:, end])
    assert torch.equal(near.facts[:, 1], facts[:, 1])


def test_the_chance_of_a_candidate_is_how_often_it_is_one(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    sampler = LinkSampler(graph, graph.log_weight, triples, (1,), seed=0)
    torch.manual_seed(0)
    often, told = torch.zeros(graph.num_entities), torch.full((graph.num_entities,), float("nan"))
    none = torch.empty(0, dtype=torch.int64)
    for _ in range(1000):
        facts = both_directions(triples[torch.randperm(len(triples))[:3]], count)
        near = sampler.around(facts, none)
        candidates = near.nodes[: len(near.log_chance)]
        often[candidates] += 1
        told[candidates] = near.log_chance.exp()
    # facts are drawn without repeats, which the chance does not know; a count spreads by up to 16 in 1000
    torch.testing.assert_close(told, often / 1000, rtol=0.0, atol=0.08)


def test_an_entity_of_every_batch_is_sure_to_be_a_candidate(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples = torch.from_numpy(store.graph.triples)
    sampler = LinkSampler(graph, graph.log_weight, triples, (1,), seed=0)
    facts = both_directions(triples, store.graph.num_relations)
    near = sampler.around(facts, torch.empty(0, dtype=torch.int64))
    known = torch.isin(near.nodes[: len(near.log_chance)], triples[:, [0, 2]])
    assert known.any()
    torch.testing.assert_close(near.log_chance[known], torch.zeros(int(known.sum())))
