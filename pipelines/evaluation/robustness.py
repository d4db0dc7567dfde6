"""How label models bear what is missing, noisy, hostile or wrong: accuracy on the test part as damage grows.

For each seed every fusion is trained on a split of its own, once with a learned absent state and once with
zeros in its place; then the same test part is damaged step by step. Wrong links alone are trained with: a
graph that is wrong was wrong before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fusion import FUSIONS
from fusion.base import STRUCTURE, JointGraph, View
from fusion.label import disturbed
from pipelines.evaluation.attacks import Features, Loss, features_of, fgsm, label_loss, pgd, shown_features
from pipelines.evaluation.damage import chosen_share, without_observations, wrong_links
from pipelines.evaluation.damage_curves import HALF, LEARNED, SHARES, ZEROS, Key, curves_of, half_missing
from pipelines.evaluation.labels import both_lessons, check_counts
from pipelines.labels.learn import Lesson
from pipelines.labels.training import Labeller, logits_of, train_labels
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.store.store import Store

if TYPE_CHECKING:
    from pipelines.training.history import Progress

NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)
RADII = (0.0, 0.05, 0.1, 0.2, 0.4)
WRONG = (0.25, 0.5, 1.0)
ATTACKS: dict[str, Callable[[Loss, Features, float], Features]] = {"FGSM": fgsm, "PGD": pgd}
PANELS = ("missing", "noise", "attack", "wrong links")


@dataclass(frozen=True)
class Tried:
    """A trained model and what it was trained on."""

    lesson: Lesson
    labeller: Labeller

    @property
    def entities(self) -> torch.Tensor:
        """Those of the test part."""
        rows = self.lesson.target.entities[self.lesson.split.test]
        return torch.from_numpy(rows).to(self.lesson.joint.log_weight.device)

    @property
    def classes(self) -> torch.Tensor:
        """Their classes."""
        rows = self.lesson.target.classes[self.lesson.split.test]
        return torch.from_numpy(rows).to(self.lesson.joint.log_weight.device)

    def right(self, logits: torch.Tensor) -> float:
        """Accuracy of logits ``(m, classes)``."""
        chosen = logits.argmax(1).cpu().numpy()
        return float((chosen == self.lesson.target.judged(self.lesson.split.test, chosen)).mean())


def robustness(
    store: Store,
    iri: str,
    *,
    seeds: int = 3,
    group: str | None = None,
    panels: Collection[str] = PANELS,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure every curve.

    Args:
        store: the opened store; only its facts, features and settings are used.
        iri: the property to predict.
        seeds: number of splits; wrong links are measured on the first alone.
        group: who shares its value is in one part of each split; by default the store's.
        panels: which kinds of damage; what is missing is always among them.
        device: cpu, cuda or auto.
        progress: called with stage, models done, models in all.

    Returns:
        ``curves``: a list of panel, which, fusion, absent, and ``amount``, ``accuracy``, ``spread`` point by
        point (None of a single seed); ``half missing``: for each modality and fusion what is lost when half
        of the test entities miss it, and as a share of what concat loses (None where concat loses nothing).

    Raises:
        ValueError: for fewer than one seed, or a property that tells no classes.
    """
    from pipelines.building.build import resolve_device

    check_counts(seeds)
    where = resolve_device(device)
    base = store.settings if group is None else replace(store.settings, group=group)
    found: dict[Key, list[float]] = defaultdict(list)
    wrong = "wrong links" in panels
    total, done = seeds * 2 * len(FUSIONS) + wrong * len(WRONG) * len(FUSIONS), 0

    def counted() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress("robustness", done, total)

    for number in range(seeds):
        settings = replace(base, seed=base.seed + number)
        lesson = both_lessons(store, iri, settings, where)[True]
        for fusion in FUSIONS:
            for absent in (LEARNED, ZEROS):
                own = replace(settings, fusion=fusion, learn_absent=absent == LEARNED)
                kinds = panels if absent == LEARNED else ()
                for panel, which, amount, accuracy in _curves(_trained(lesson, own), kinds):
                    found[panel, which, fusion, absent, amount].append(accuracy)
                counted()
            if wrong and number == 0:
                whole = found["missing", next(iter(lesson.joint.features)), fusion, LEARNED, 0.0][0]
                found["wrong links", "retrained", fusion, LEARNED, 0.0].append(whole)
                for amount, accuracy in _wrong(store, lesson, replace(settings, fusion=fusion)):
                    found["wrong links", "retrained", fusion, LEARNED, amount].append(accuracy)
                    counted()
    curves = curves_of(found)
    return {"target": iri, "seeds": seeds, "curves": curves, "half missing": half_missing(curves)}


def _trained(lesson: Lesson, settings: Settings) -> Tried:
    def silent(stage: str, done: int, total: int) -> None:
        """There are many models."""

    return Tried(lesson, train_labels(lesson.joint, lesson.taught, settings, silent))


def _curves(tried: Tried, panels: Collection[str]) -> Iterator[tuple[str, str, float, float]]:
    """Panel, which, amount, accuracy."""
    yield from _missing(tried)
    if "noise" in panels:
        yield from _noisy(tried)
    if "attack" in panels:
        yield from _attacked(tried)


def _missing(tried: Tried) -> Iterator[tuple[str, str, float, float]]:
    """Test entities lose one modality; those that never had it cannot lose it, and do not count.

    Of two halves each loses it in turn.
    """
    joint, test = tried.lesson.joint, tried.entities.cpu().numpy()
    for number, modality in enumerate(joint.features):
        having = test[np.isin(test, joint.owners[modality].cpu().numpy())]
        for share in SHARES:
            gone = chosen_share(having, share, seed=number)
            accuracy = tried.right(_logits(tried, modality, gone))
            if (
                share == HALF
            ):  # and the other half: which one it is would move the result by more than fusions do
                others = np.setdiff1d(having, gone)
                accuracy = (accuracy + tried.right(_logits(tried, modality, others))) / 2
            yield "missing", modality, share, accuracy


def _logits(tried: Tried, modality: str, gone: np.ndarray) -> torch.Tensor:
    joint = without_observations(tried.lesson.joint, modality, gone)
    return logits_of(tried.labeller.model, joint, tried.entities)


@torch.no_grad()
def _noisy(tried: Tried) -> Iterator[tuple[str, str, float, float]]:
    """Gaussian noise on every sense but the structure, by length relative to a sense's unit vectors."""
    model, joint = tried.labeller.model, tried.lesson.joint
    memory = model.remember(joint)
    view = model.view(memory.senses, joint.affinity, tried.entities)
    for amount in NOISE:
        torch.manual_seed(0)
        noisy = {
            name: sense if name == STRUCTURE else disturbed(sense, amount)
            for name, sense in view.senses.items()
        }
        logits = model.logits(View(noisy, view.affinity, view.entities), memory)
        yield "noise", "all senses", amount, tried.right(logits)


def _attacked(tried: Tried) -> Iterator[tuple[str, str, float, float]]:
    model, joint = tried.labeller.model, tried.lesson.joint
    with torch.no_grad():
        memory = model.remember(joint)
        view = model.view(memory.senses, joint.affinity, tried.entities)
    features, owners = features_of(joint, tried.entities)
    loss = label_loss(model, memory, view, owners, tried.classes)
    for name, attack in ATTACKS.items():
        for radius in RADII:
            moved = attack(loss, features, radius) if radius else features
            with torch.no_grad():
                logits = model.logits(shown_features(model, view, moved, owners), memory)
            yield "attack", name, radius, tried.right(logits)


def _wrong(store: Store, lesson: Lesson, settings: Settings) -> Iterator[tuple[float, float]]:
    """Accuracy after training with a share of wrong links; the labels and the split stay as they are."""
    for share in WRONG:
        joint = _wrong_graph(store, lesson, settings, share)
        wrong = replace(lesson, joint=joint.to(lesson.joint.log_weight.device))
        tried = _trained(wrong, settings)
        yield share, tried.right(logits_of(tried.labeller.model, wrong.joint, tried.entities))


def _wrong_graph(store: Store, lesson: Lesson, settings: Settings, share: float) -> JointGraph:
    graph = wrong_links(
        store.graph_without_hints(lesson.target.iri), share, settings.seed, right=lesson.hidden
    )
    cpu = lesson.joint.to("cpu")
    seen = Observations(dict(cpu.features), dict(cpu.owners))
    hidden = frozenset(graph.relations.to_pylist()) & lesson.hidden
    return joint_graph(graph, seen, settings, without=hidden)
