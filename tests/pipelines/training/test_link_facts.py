"""What training is given of the links holds the training facts alone, and is otherwise the same graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kg.splits import Split
from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store
from pipelines.training.link_facts import LinkFacts, edge_places
from pipelines.training.links import LinkModel, masked


def test_its_edges_are_the_training_facts_in_their_order(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings)
    triples = torch.from_numpy(store.graph.triples)
    rows = np.arange(len(triples))
    split = Split(np.sort(np.concatenate([rows[::3], rows[1::3]])), rows[2::6], rows[5::6])
    facts = LinkFacts.of(joint, triples, split.learning())
    count = store.graph.num_relations
    assert facts.num_relations == count
    assert torch.equal(facts.train, triples[torch.from_numpy(split.train)])
    assert torch.equal(facts.valid, triples[torch.from_numpy(split.valid)])
    first = edge_places(facts.graph, len(facts.train))[:, 0]
    source, target = facts.graph.edges.edge_index[:, first]
    assert torch.equal(torch.stack([source, facts.graph.edges.edge_type[first], target], 1), facts.train)
    assert len(facts.graph.log_weight) == 2 * len(facts.train)
    assert (facts.graph.features, facts.graph.affinity) == ({}, None)
    assert facts.met.nonzero().squeeze(1).tolist() == sorted(set(facts.train[:, [0, 2]].reshape(-1).tolist()))


def test_it_is_seen_as_the_whole_graph_is_without_the_other_facts(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples = torch.from_numpy(store.graph.triples)
    held = np.arange(0, len(triples), 4)
    split = Split(np.setdiff1d(np.arange(len(triples)), held), held[::2], held[1::2])
    facts = LinkFacts.of(joint, triples, split.learning())
    torch.manual_seed(0)
    model = LinkModel(joint.num_entities, facts.num_relations, store.settings).eval()
    seen = masked(joint.log_weight, edge_places(joint, len(triples)), torch.from_numpy(held))
    with torch.no_grad():
        expected = model.encoder(joint.edges, seen)
        found = model.encoder(facts.graph.edges, facts.graph.log_weight)
    torch.testing.assert_close(found, expected)


def test_where_all_is_to_be_learned_from_the_graph_is_taken_as_it_is(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples = torch.from_numpy(store.graph.triples)
    every = np.arange(len(triples))
    assert LinkFacts.of(joint, triples, Split(every, every[:0], every[:0]).learning()).graph is joint
