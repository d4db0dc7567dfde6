"""The label objective: it learns, stays honest, and repeats itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from fusion import FUSIONS
from fusion.base import JointGraph, View, unit
from kg.sparse import SortedEdges
from kg.splits import Split
from pipelines.labels import training as label_training
from pipelines.labels.split import Taught
from pipelines.labels.target import Target
from pipelines.labels.training import class_weights, fitted_temperature, learn_kept, logits_of, train_labels
from pipelines.settings import Settings
from pipelines.training.course import TrainingError

COUNT = 400
SETTINGS = Settings(epochs=40, label_width=16, reconstruction=1.0)


def pair_of_senses() -> tuple[JointGraph, Target]:
    """Things whose class is the pair of what one sense tells and what the other tells: two bits."""
    random = torch.Generator().manual_seed(0)
    bits = torch.randint(2, (COUNT, 2), generator=random)
    features = {}
    for place, name in enumerate(("image", "text")):
        rows = torch.randn(COUNT, 8, generator=random) * 0.3
        rows[:, 0] += 2.0 * bits[:, place] - 1
        features[name] = unit(rows)
    owners = dict.fromkeys(features, torch.arange(COUNT))
    none = torch.empty(2, 0, dtype=torch.int64)
    edges = SortedEdges.of(none, none[0], COUNT, 1)
    graph = JointGraph(COUNT, features, owners, edges, torch.empty(0), None)
    classes = (2 * bits[:, 0] + bits[:, 1]).numpy()
    names = ("a", "b", "c", "d")
    return graph, Target("t", np.arange(COUNT), classes, names, np.full(4, -1), np.arange(0))


SPLIT = Split(np.arange(100), np.arange(100, 160), np.arange(160, COUNT))


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_two_senses_together_tell_what_neither_tells_alone(fusion: str) -> None:
    graph, target = pair_of_senses()
    settings = replace(SETTINGS, fusion=fusion)

    def accuracy(senses: tuple[str, ...]) -> float:
        part = replace(
            graph,
            features={name: graph.features[name] for name in senses},
            owners={name: graph.owners[name] for name in senses},
        )
        model = train_labels(part, Taught.of(target, SPLIT), settings, lambda stage, done, total: None).model
        found = logits_of(model, part, torch.from_numpy(SPLIT.test)).argmax(1).numpy()
        return float((found == target.classes[SPLIT.test]).mean())

    alone = max(accuracy(("image",)), accuracy(("text",)))
    assert alone < 0.7
    assert accuracy(("image", "text")) > alone + 0.2


def test_two_trainings_agree_to_the_bit_and_labels_of_the_test_change_nothing() -> None:
    graph, target = pair_of_senses()
    rows = torch.from_numpy(SPLIT.test)
    changed = target.classes.copy()
    changed[SPLIT.test] = (changed[SPLIT.test] + 1) % 4
    found = [
        logits_of(train_labels(graph, Taught.of(one, SPLIT), SETTINGS, lambda *_: None).model, graph, rows)
        for one in (target, target, replace(target, classes=changed))
    ]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize(("sign", "kept"), [(1.0, 1.0), (-1.0, 0.0)])
def test_of_the_learned_term_as_much_is_kept_where_a_sense_is_missing_as_is_right_there(
    sign: float, kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, target = pair_of_senses()
    model = train_labels(graph, Taught.of(target, SPLIT), replace(SETTINGS, epochs=1), lambda *_: None).model
    rows, labels = torch.arange(COUNT), torch.from_numpy(target.classes)
    truth = functional.one_hot(labels, 4).float()
    monkeypatch.setattr(model, "learned", lambda view, memory: sign * truth[view.entities])
    model.kept.fill_(0.5)
    learn_kept(model, graph, rows, labels)
    assert model.kept.tolist() == [kept, kept]


def test_weights_even_out_the_classes() -> None:
    weight = class_weights(torch.tensor([0, 0, 0, 1]), 3)
    assert float(3 * weight[0]) == pytest.approx(float(weight[1]))
    assert float(weight[torch.tensor([0, 0, 0, 1])].mean()) == pytest.approx(1)
    assert torch.isfinite(weight).all()


def test_the_temperature_is_that_by_which_logits_were_scaled() -> None:
    random = torch.Generator().manual_seed(0)
    honest = torch.randn(4000, 3, generator=random)
    classes = torch.multinomial(honest.softmax(1), 1, generator=random).squeeze(1)
    assert fitted_temperature(3 * honest, classes) == pytest.approx(3, rel=0.15)
    assert fitted_temperature(honest[:0], classes[:0]) == 1.0


def test_three_labels_that_are_right_are_no_reason_to_be_certain() -> None:
    logits = 2 * torch.eye(3)
    assert fitted_temperature(logits, torch.arange(3)) > 0.7
    assert fitted_temperature(logits.repeat(200, 1), torch.arange(3).repeat(200)) < 0.5


def test_what_training_is_given_knows_no_value_of_the_test() -> None:
    _, target = pair_of_senses()
    taught = Taught.of(target, SPLIT)
    assert taught.target.entities.tolist() == list(range(160))
    assert taught.target.classes.tolist() == target.classes[:160].tolist()
    assert taught.target.candidates.tolist() == list(range(160, COUNT))
    assert taught.held.tolist() == list(range(100, COUNT))
    assert not hasattr(taught.split, "test")


def test_a_loss_that_is_no_number_ends_the_training_with_the_best_state_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph, target = pair_of_senses()
    settings = replace(SETTINGS, epochs=3, reconstruction=0.0)
    drawn, calls = label_training._drawn, []

    def broken(*given: Any) -> View:
        view = drawn(*given)
        calls.append(view)
        if len(calls) < 2:
            return view
        senses = {name: replace(one, vectors=one.vectors * np.nan) for name, one in view.senses.items()}
        return replace(view, senses=senses)

    monkeypatch.setattr(label_training, "_drawn", broken)
    labeller = train_labels(graph, Taught.of(target, SPLIT), settings, lambda *_: None)
    assert len(calls) == 2
    assert labeller.history.stopped[0].startswith(
        "learning labels stopped: expected numbers (got a loss of nan in step 2); the best state "
    )
    assert logits_of(labeller.model, graph, torch.from_numpy(SPLIT.test)).isfinite().all()


@pytest.mark.parametrize("broken_at", [3, 25])
def test_a_reconstruction_that_is_no_number_keeps_the_state_of_the_last_tenth_step(
    broken_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, target = pair_of_senses()
    settings = replace(SETTINGS, fusion="autoencoder", epochs=8)
    fusion = label_training.label_model(graph, Taught.of(target, SPLIT), settings).fusion
    fusion.fit_senses(graph, torch.ones(COUNT, dtype=torch.bool))
    own, whole, calls = fusion.own(graph), fusion.own_loss, []

    def broken(view: View) -> torch.Tensor:
        calls.append({name: value.clone() for name, value in fusion.state_dict().items()})
        return whole(view) * (float("nan") if len(calls) == broken_at else 1.0)

    monkeypatch.setattr(fusion, "own_loss", broken)
    if broken_at < 10:
        words = r"^expected numbers while reconstructions are learned \(got a loss of nan in step 3, before "
        with pytest.raises(TrainingError, match=words):
            label_training.learn_to_reconstruct(fusion, own, settings)
        return
    history = label_training.learn_to_reconstruct(fusion, own, settings)
    assert len(history.losses) == 24
    assert "of step 20, is kept" in history.stopped[0]
    assert all(torch.equal(value, calls[20][name]) for name, value in fusion.state_dict().items())
