"""Training of both objectives: it learns, keeps what is held out apart, and repeats itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from fusion import objectives
from fusion.attention import CrossModalAttention
from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store
from pipelines.training import alignment as alignment_training
from pipelines.training import train as training
from pipelines.training.train import aligned, concept_split, joint_triples, train

if TYPE_CHECKING:
    from torch import Tensor

    from fusion.base import Senses, View
    from pipelines.settings import Settings

BROADER = "http://www.w3.org/2004/02/skos/core#broader"


def test_the_losses_fall_and_the_held_out_scores_beat_chance(store_folder: Path, settings: Settings) -> None:
    store = Store.open(store_folder)
    longer = replace(settings, epochs=15, patience=30)
    trained = train(store.graph, store.observations, longer, progress=lambda *_: None)
    losses = trained.histories["links"].losses
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    chance = np.mean(1 / np.arange(1, 13))  # mean reciprocal rank of a random order of 12
    assert trained.held_out["text to image"]["MRR"] > chance
    assert trained.held_out["image to text"]["MRR"] > chance
    assert trained.opened["links"]["chosen_by_validation"]["links"] == trained.histories["links"].chosen()
    assert trained.opened["alignment"]["parts"] == {"train": 15, "valid": 3, "test": 12}


def test_what_was_observed_of_the_test_changes_nothing_that_is_learned_to_the_bit(
    store_folder: Path, settings: Settings
) -> None:
    store = Store.open(store_folder)
    observations, short = store.observations, replace(settings, epochs=4)
    test = torch.from_numpy(concept_split(store.graph, observations, short).test)
    features = {name: rows.clone() for name, rows in observations.features.items()}
    for name, owners in observations.owners.items():
        rows = torch.isin(owners, test)
        assert rows.any()
        features[name][rows] = torch.randn(int(rows.sum()), features[name].shape[1])
    found = [
        aligned(store.graph, seen, short, progress=lambda *_: None)[0]
        for seen in (observations, replace(observations, features=features))
    ]
    weights = [one.model.state_dict() for one in found]
    assert found[0].history.losses
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_an_alignment_that_is_no_number_ends_the_training_with_the_best_state_before(
    store_folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(store_folder)
    whole, real, calls = objectives.alignment, {"epochs": 4, "patience": 30}, []

    def broken(*given: Any) -> torch.Tensor:
        calls.append(given)
        return whole(*given) * (float("nan") if len(calls) == 13 else 1.0)

    monkeypatch.setattr(alignment_training.objectives, "alignment", broken)
    found = aligned(store.graph, store.observations, replace(settings, **real), progress=lambda *_: None)[0]
    assert len(calls) == 13
    assert len(found.history.losses) == 12
    assert found.history.stopped[0].startswith(
        "learning alignments stopped: expected numbers (got a loss of nan in step 13); the best state "
    )
    assert all(torch.isfinite(value).all() for value in found.model.state_dict().values())


def test_of_many_some_are_taken_spread_evenly() -> None:
    rows = np.arange(100, 110)
    assert alignment_training.at_most(10, rows) is rows
    assert alignment_training.at_most(3, rows).tolist() == [100, 103, 106]


def test_of_a_large_set_a_step_asks_some_and_hides_the_rest_of_their_concepts_too(
    store_folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked, hidden = Store.open(store_folder), [], []
    for name, count in (("ASKED", 2), ("JUDGED", 2), ("BANK", 3), ("BLOCK", 5)):
        monkeypatch.setattr(alignment_training, name, count)
    embed = CrossModalAttention.embed

    def looked_at(self: CrossModalAttention, view: View, memory: Senses, visible: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            asked.append(len(view))
            hidden.append(int((~visible).sum()))
        return embed(self, view, memory, visible)

    monkeypatch.setattr(CrossModalAttention, "embed", looked_at)
    short = replace(settings, epochs=4, hidden_share=0.6)
    found = aligned(store.graph, store.observations, short, progress=lambda *_: None)[0]
    assert found.history.losses
    assert max(asked) == 2
    # the validation part, and more than the two that are asked of
    assert min(hidden) > len(found.split.valid) + 2


def test_parts_that_judge_do_not_grow_without_end(
    store_folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(store_folder)
    every = concept_split(store.graph, store.observations, settings)
    monkeypatch.setattr(training, "JUDGED", 1)
    few = concept_split(store.graph, store.observations, settings)
    sizes = [[len(part) for part in (one.train, one.valid, one.test)] for one in (every, few)]
    assert sum(sizes[0]) == sum(sizes[1])
    assert sizes[1][2] < sizes[0][2]


def test_hubs_are_found_in_parts_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, bank = torch.randn(13, 4), torch.randn(20, 4)
    whole = alignment_training.hubness(gallery, bank)
    monkeypatch.setattr(alignment_training, "BLOCK", 5)
    torch.testing.assert_close(alignment_training.hubness(gallery, bank), whole)


def test_facts_come_back_from_the_joint_graph_in_their_order(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    assert np.array_equal(joint_triples(store.graph, joint), store.graph.triples)


def test_every_stage_reports_to_its_last_step_or_stops_early(store_folder: Path, settings: Settings) -> None:
    store = Store.open(store_folder)
    told: dict[str, list[tuple[int, int]]] = {}

    def listen(stage: str, done: int, total: int) -> None:
        told.setdefault(stage, []).append((done, total))

    train(store.graph, store.observations, replace(settings, epochs=2), progress=listen)
    assert list(told) == ["links", "rules", "alignment", "without graph", "embedding"]
    for steps in told.values():
        done = [number for number, _ in steps]
        assert done == sorted(done)
        assert steps[-1][0] == steps[-1][1]


def test_an_entity_without_any_observation_or_fact_has_a_vector_all_the_same(
    store_folder: Path, collection: Any
) -> None:
    store = Store.open(store_folder)
    bare = store.graph.entity_id(collection.iri("bare"))
    vectors = store.tensors["joint"]
    assert torch.isfinite(vectors).all()
    apples = [store.graph.entity_id(collection.iri(f"apple{number}")) for number in range(3)]
    boats = [store.graph.entity_id(collection.iri(f"boat{number}")) for number in range(3)]
    assert (vectors[apples] @ vectors[bare]).min() > (vectors[boats] @ vectors[bare]).max()


def test_a_store_trained_with_a_prior_of_zero_is_that_of_a_graph_without_these_facts_to_the_bit(
    store_folder: Path, settings: Settings
) -> None:
    store = Store.open(store_folder)
    graph, short = store.graph, replace(settings, epochs=3)
    kept = graph.triples[:, 1] != graph.relation_id(BROADER)
    assert int((~kept).sum()) == 10
    rows = {name: getattr(graph, name)[kept] for name in ("triples", "weights", "origin")}
    silent, bare, whole = (
        train(facts, store.observations, chosen, progress=lambda *_: None)
        for facts, chosen in (
            (graph, replace(short, prior={BROADER: 0.0})),
            (replace(graph, **rows), short),
            (graph, short),
        )
    )
    for one, other in ((silent.weights, bare.weights), (silent.tensors, bare.tensors)):
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert silent.held_out == bare.held_out
    assert not torch.equal(silent.tensors["joint"], whole.tensors["joint"])
