"""The link objective's loss and ranks against a plain cross-entropy and a dense table of known facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from kg.links import both_directions
from kg.ranking import realistic_ranks
from kg.splits import Split
from pipelines import link_training
from pipelines.joint import joint_graph
from pipelines.link_training import LinkModel, link_ranks, train_links
from pipelines.settings import Settings
from pipelines.store import Store


def test_the_loss_is_the_mean_cross_entropy_of_every_fact_and_the_penalty() -> None:
    torch.manual_seed(0)
    model = LinkModel(6, 2, Settings(structure_width=8)).double()
    # two tails of one query, and the same tail of two
    facts = both_directions(torch.tensor([[0, 0, 1], [0, 0, 2], [3, 1, 2], [4, 1, 2]]), 2)
    rows = torch.randn(6, 8, dtype=torch.float64, requires_grad=True)
    head, relation, tail = facts.unbind(1)
    plain = functional.cross_entropy(model.scorer(rows[head], relation, rows), tail)
    plain = plain + 0.1 * model.scorer.n3(rows[head], relation, rows[tail])
    loss = model.loss(rows, facts, 0.1)
    torch.testing.assert_close(loss, plain)
    factors = (rows, model.scorer.relation)
    torch.testing.assert_close(torch.autograd.grad(loss, factors), torch.autograd.grad(plain, factors))


def test_ranks_are_those_of_tails_then_heads_without_other_known_answers(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    model = LinkModel(graph.num_entities, count, store.settings)
    asked = np.array([4, 0, 7])
    ranks = link_ranks(model, graph, graph.log_weight, triples, asked)

    both = both_directions(triples[asked], count)
    known = np.zeros((6, graph.num_entities), dtype=bool)
    for place, (head, relation, _) in enumerate(both.tolist()):
        for one, kind, tail in both_directions(triples, count).tolist():
            known[place, tail] |= (one, kind) == (head, relation)
    rows = model.encoder(graph.edges, graph.log_weight)
    scores = model.scorer(rows[both[:, 0]], both[:, 1], rows).detach().numpy()
    np.testing.assert_array_equal(ranks, realistic_ranks(scores, both[:, 2].numpy(), known))


def test_a_sample_of_all_facts_gives_the_rows_of_a_full_pass(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_training, "FRESH", 0.0)
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    model = LinkModel(graph.num_entities, count, store.settings).eval()
    batch = torch.tensor([0, 2])
    hidden = link_training.edge_places(graph, len(triples))[batch]
    sampler = link_training._sampler(model, graph, replace(store.settings, neighbors=1000))
    facts = both_directions(triples[batch], count)
    rows, local = link_training._sampled(model, graph, sampler, graph.log_weight, hidden.reshape(-1), facts)
    full = model.encoder(graph.edges, graph.log_weight.index_fill(0, hidden.reshape(-1), float("-inf")))
    for end in (0, 2):
        torch.testing.assert_close(rows[local[:, end]], full[facts[:, end]])
    assert torch.equal(local[:, 1], facts[:, 1])


def test_training_on_sampled_neighbours_learns(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    every = np.arange(len(triples))
    split = Split(train=every, valid=every[:0], test=every[:0])
    settings = replace(store.settings, neighbors=2, epochs=60, patience=60, learning_rate=0.05)
    _, history = train_links(graph, triples, split, count, settings, lambda *_: None)
    assert history.losses[-1] < 0.8 * history.losses[0]


def test_no_asked_facts_have_no_ranks(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    model = LinkModel(graph.num_entities, store.graph.num_relations, store.settings)
    none = np.empty(0, dtype=np.int64)
    triples = torch.from_numpy(store.graph.triples)
    assert link_ranks(model, graph, graph.log_weight, triples, none).shape == (0,)
