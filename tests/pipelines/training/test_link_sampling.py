"""The surroundings of a batch: who is a candidate, and as a full pass where all is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from kg.links import both_directions
from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store
from pipelines.training.link_facts import edge_places
from pipelines.training.link_sampling import LinkSampler
from pipelines.training.links import LinkModel


def test_a_sample_of_all_facts_gives_the_rows_of_a_full_pass(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    torch.manual_seed(0)
    model = LinkModel(graph.num_entities, count, replace(store.settings, neighbors=1000)).eval()
    batch = torch.tensor([0, 2])
    hidden = edge_places(graph, len(triples))[batch].reshape(-1)
    facts = both_directions(triples[batch], count)
    near = LinkSampler(graph, graph.log_weight, (1000, 1000), seed=0).around(facts, hidden)
    rows = model.encoder(near.edges, near.log_weight, None, near.nodes)
    full = model.encoder(graph.edges, graph.log_weight.index_fill(0, hidden, float("-inf")))
    for end in (0, 2):
        torch.testing.assert_close(rows[near.facts[:, end]], full[facts[:, end]])
        assert torch.equal(near.nodes[near.facts[:, end]], facts[:, end])
    assert torch.equal(near.facts[:, 1], facts[:, 1])


def test_candidates_are_the_ends_of_the_batch_and_at_most_as_many_others(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples = torch.from_numpy(store.graph.triples)
    sampler = LinkSampler(graph, graph.log_weight, (2,), seed=0)
    facts = both_directions(triples[:1], store.graph.num_relations)
    seen = set()
    for _ in range(200):
        near = sampler.around(facts, torch.empty(0, dtype=torch.int64))
        candidates = set(near.nodes[: near.num_own].tolist())
        ends = set(facts[:, [0, 2]].reshape(-1).tolist())
        assert ends <= candidates
        assert len(candidates - ends) <= len(facts)
        seen |= candidates
    assert seen == set(range(graph.num_entities))
