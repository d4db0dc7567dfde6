"""The link objective's loss and ranks against a plain cross-entropy and a dense table of known facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from fusion.objectives import disorder
from kg.graph import KnowledgeGraph
from kg.hierarchy import Hierarchy, hierarchy_of
from kg.links import both_directions
from kg.ranking import realistic_ranks
from kg.rdf import read
from kg.splits import Learning, triple_split
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training import links as link_training
from pipelines.training.link_facts import LinkFacts
from pipelines.training.link_sampling import Surroundings
from pipelines.training.links import LinkModel, LinkSteps, Order, link_ranks, train_links


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
    ranks = link_ranks(model, graph, triples[asked], triples)

    both = both_directions(triples[asked], count)
    known = np.zeros((6, graph.num_entities), dtype=bool)
    for place, (head, relation, _) in enumerate(both.tolist()):
        for one, kind, tail in both_directions(triples, count).tolist():
            known[place, tail] |= (one, kind) == (head, relation)
    rows = model.encoder(graph.edges, graph.log_weight)
    scores = model.scorer(rows[both[:, 0]], both[:, 1], rows).detach().numpy()
    np.testing.assert_array_equal(ranks, realistic_ranks(scores, both[:, 2].numpy(), known))


def steps_of(store: Store, hierarchy: Hierarchy | None = None, **changed: int) -> LinkSteps:
    """Steps on all facts of the store, and a model that is not trained yet."""
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    settings = replace(store.settings, **changed)
    torch.manual_seed(0)
    model = LinkModel(graph.num_entities, store.graph.num_relations, settings)
    triples = torch.from_numpy(store.graph.triples)
    facts = LinkFacts(graph, triples, triples[:0], store.graph.num_relations)
    return LinkSteps(model, facts, settings, hierarchy)


def test_a_step_moves_only_the_rows_that_its_sample_reaches(store_folder: Path) -> None:
    steps = steps_of(Store.open(store_folder), neighbors=1)
    assert steps.sampler is not None
    reached: list[set[int]] = []
    around = steps.sampler.around

    def watched(facts: torch.Tensor, hidden: torch.Tensor) -> Surroundings:
        near = around(facts, hidden)
        reached.append(set(near.nodes.tolist()))
        return near

    steps.sampler.around = watched  # type: ignore[method-assign]
    rows = steps.model.encoder.rows
    for fact in range(5):
        before = rows.detach().clone()
        steps.step(torch.tensor([fact]))
        assert rows.grad is not None
        assert rows.grad.is_sparse
        moved = set((rows != before).any(1).nonzero().squeeze(1).tolist())
        assert moved
        assert moved <= reached[-1]  # nor by the momentum of the steps before
    assert set.union(*reached[:-1]) - reached[-1]


def test_a_full_step_takes_its_facts_out_of_the_attention(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_training, "FRESH", 0.0)
    steps = steps_of(Store.open(store_folder))
    steps.model.eval()
    batch = torch.tensor([1, 3])
    out = steps.log_weight.index_fill(0, steps.place[batch].reshape(-1), float("-inf"))
    facts = both_directions(steps.triples[batch], steps.model.num_relations)
    with torch.no_grad():
        rows = steps.model.encoder(steps.graph.edges, out)
        expected = float(steps.model.loss(rows, facts, steps.settings.n3))
    assert steps.step(batch) == pytest.approx(expected, rel=1e-5)


def test_training_on_sampled_neighbours_learns(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    triples, count = torch.from_numpy(store.graph.triples), store.graph.num_relations
    settings = replace(store.settings, neighbors=2, epochs=60, patience=60, learning_rate=0.05)
    _, history = train_links(LinkFacts(graph, triples, triples[:0], count), settings, lambda *_: None)
    assert history.losses[-1] < 0.8 * history.losses[0]


def test_no_asked_facts_have_no_ranks(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    model = LinkModel(graph.num_entities, store.graph.num_relations, store.settings)
    triples = torch.from_numpy(store.graph.triples)
    assert link_ranks(model, graph, triples[:0], triples).shape == (0,)


BROADER = "http://www.w3.org/2004/02/skos/core#broader"


def test_only_facts_of_a_hierarchy_that_does_not_go_round_are_ordered() -> None:
    # three relations: 0 leads up, the inverse of 1 leads up, 2 is no hierarchy; 4 and 5 are below each other
    hierarchy = Hierarchy(
        upward=np.array([0, 1 + 3]), steps=np.empty((0, 3), np.int64), knot=np.array([0, 1, 2, 3, 4, 4])
    )
    facts = both_directions(
        torch.tensor([[0, 0, 1], [2, 1, 3], [0, 2, 3], [4, 0, 5], [5, 0, 4], [1, 0, 1]]), 3
    )
    order = Order.of(hierarchy, torch.device("cpu"))
    low, high = order.pairs(facts)
    assert sorted(zip(low.tolist(), high.tolist(), strict=True)) == [(0, 1), (3, 2)]
    # places in a sample: entity 4 stands at 0, 5 at 1, 1 at 2
    low, high = order.pairs(torch.tensor([[0, 0, 1], [0, 0, 2]]), torch.tensor([4, 5, 1]))
    assert (low.tolist(), high.tolist()) == ([0], [2])


def tree(folder: Path) -> KnowledgeGraph:
    """A root, four branches of four twigs of four leaves, and two things about each leaf."""
    names = ["r", *(f"r{a}" for a in range(4)), *(f"r{a}{b}" for a in range(4) for b in range(4))]
    names += [f"{name}{c}" for name in names[5:] for c in range(4)]
    lines = [f"<urn:{name}> <{BROADER}> <urn:{name[:-1]}> ." for name in names[1:]]
    leaves = [name for name in names if len(name) == 4]
    lines += [f"<urn:t{n}{name}> <urn:about> <urn:{name}> ." for name in leaves for n in range(2)]
    (folder / "tree.nt").write_text("\n".join(lines), encoding="utf-8")
    return read([folder / "tree.nt"])[0]


@pytest.mark.parametrize("neighbors", [0, 3])
def test_the_order_of_a_hierarchy_reaches_facts_that_training_does_not_see(
    tmp_path: Path, neighbors: int
) -> None:
    graph, none = tree(tmp_path), Observations({}, {})
    settings = Settings(
        epochs=15, patience=15, structure_width=16, neighbors=neighbors, batch=64, learning_rate=0.02
    )
    joint = joint_graph(graph, none, settings, diffusion=False)
    triples, hierarchy = torch.from_numpy(graph.triples), hierarchy_of(graph)
    split = triple_split(graph.triples, valid=0.1, test=0.15, seed=0)
    facts = LinkFacts.of(joint, triples, split.learning())
    held = np.concatenate([split.valid, split.test])
    broader = held[graph.triples[held, 1] == graph.relation_id(BROADER)]
    assert len(broader) == 53
    low, _, high = triples[broader].unbind(1)
    wrong = {}
    for weight in (0.0, 0.1):
        with_order = replace(settings, order=weight)
        model, _ = train_links(facts, with_order, lambda *_: None, hierarchy)
        rows = model.encoder(facts.graph.edges, facts.graph.log_weight)
        off = disorder(rows[low], rows[high]) >= disorder(rows[high], rows[low])
        wrong[weight] = float(off.float().mean())
    assert wrong[0.0] > 0.3
    assert wrong[0.1] < 0.15


def test_without_weight_a_hierarchy_changes_nothing(store_folder: Path) -> None:
    store = Store.open(store_folder)
    hierarchy = hierarchy_of(store.graph)
    assert len(hierarchy.steps) == 10
    plain, bare = steps_of(store, order=0), steps_of(store, order=0)
    ordered = steps_of(store, order=1, hierarchy=hierarchy)
    weightless = steps_of(store, order=0, hierarchy=hierarchy)
    for steps in (plain, bare, ordered, weightless):
        torch.manual_seed(1)
        steps.step(torch.arange(len(steps.triples)))
    rows = [steps.model.encoder.rows for steps in (plain, bare, ordered, weightless)]
    assert torch.equal(rows[0], rows[1])
    assert torch.equal(rows[0], rows[3])
    assert not torch.equal(rows[0], rows[2])


def test_a_loss_that_is_no_number_ends_the_training_with_the_best_state_before(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_of(Store.open(store_folder))
    every = np.arange(len(steps.triples))
    facts = LinkFacts.of(steps.graph, steps.triples, Learning(every[3:], every[:3]))
    settings = replace(steps.settings, epochs=6, batch=10_000)
    whole, before = (train_links(facts, replace(settings, epochs=n), lambda *_: None) for n in (6, 4))
    assert len(whole[1].losses) == 6
    step, taken = LinkSteps.step, []

    def broken(self: LinkSteps, batch: torch.Tensor) -> float:
        taken.append(step(self, batch))
        return float("nan") if len(taken) == 5 else taken[-1]

    monkeypatch.setattr(LinkSteps, "step", broken)
    model, history = train_links(facts, settings, lambda *_: None)
    assert len(taken) == 5
    assert history.losses == whole[1].losses[:4]
    kept = before[0].state_dict()
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    assert history.stopped == [
        "learning links stopped: expected numbers (got a loss of nan in step 5); "
        f"the best state before, of step {history.chosen()['after']}, is kept"
    ]
