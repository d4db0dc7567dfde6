"""How well a store's senses and facts tell a property: each alone, by every fusion, and by several seeds.

Each seed draws a new split of the labels. Every model is trained on the same training part, stops by the same
validation part, and is scored on the test part once.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusion import FUSIONS
from fusion.base import JointGraph
from kg.ranking import realistic_ranks
from kg.splits import Seal
from pipelines.labels.learn import Lesson, prepare, probabilities
from pipelines.labels.scores import confusion, label_scores
from pipelines.labels.training import Labeller, train_labels
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.deviation import deviation
from pipelines.training.ranked import Ranked, intervals

if TYPE_CHECKING:
    from pipelines.training.history import Progress

WITH_GRAPH, ENSEMBLE = " + graph", "ensemble"

NEXT_MEMBER = 1000
"""Between the seeds of an ensemble's members, so that no member is another split's model."""


@dataclass(frozen=True)
class Variant:
    """One row of the table: which senses a model sees, how it fuses them, and whether it sees the facts."""

    name: str
    fusion: str
    sense: str | None = None
    facts: bool = True


def evaluate_labels(
    store: Store,
    iri: str,
    *,
    seeds: int = 3,
    fusion: str | None = None,
    label_share: float | None = None,
    group: str | None = None,
    members: int = 3,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train and test the label models of one target over several splits.

    Args:
        store: the opened store; only its facts, features and settings are used.
        iri: the property to predict; the store need not have been built for it.
        seeds: number of splits, from the store's own seed upwards.
        fusion: compare with this one alone; by default with all, and attention is the main one.
        label_share: share of the labels to learn and to validate from; by default the store's.
        group: who shares its value is in one part of each split; by default the store's.
        members: models of the ensemble, which differ in their seeds and share each split.
        device: cpu, cuda or auto.
        progress: called with stage, models done, models in all.

    Returns:
        ``rows`` and ``spread`` (name -> measure -> mean and standard deviation of the sample of seeds, None
        where there is none), ``intervals`` (of the accuracy, 95 % by bootstrap over the entities within the
        splits), ``ranks`` (of the true class, for ``--compare``: R@1 is the accuracy), ``opened`` (for each
        split when its test was opened, and what was chosen before), ``ensemble`` (what it gains in accuracy
        over the mean of its members), ``classes`` and ``confusion`` (of the model with the graph, rows are
        the truth, summed over the seeds), ``rare`` (the rare classes), ``left out`` (properties that would
        give the target away).

    Raises:
        ValueError: for fewer than one seed or member, an unknown fusion, or a property that tells no classes.
    """
    from pipelines.building.build import resolve_device

    check_counts(seeds, members)
    main = checked_fusion(fusion or "attention")
    settings = store.settings if label_share is None else replace(store.settings, label_share=label_share)
    settings = settings if group is None else replace(settings, group=group)
    runs, tables, gains, rare, leaks = [], [], [], set(), set()
    ranked: list[dict[str, Ranked]] = []
    opened = []
    for number in range(seeds):
        own = replace(settings, seed=settings.seed + number, fusion=main)
        lessons = both_lessons(store, iri, own, resolve_device(device))
        run = _Run(lessons, own, members, _said(progress, f"split {number + 1}"))
        runs.append(run.rows(_variants(lessons[True], main, others=fusion is None)))
        ranked.append(run.ranked(store.graph.entities))
        opened.append(run.seal.record)
        tables.append(run.confusion)
        gains.append(runs[-1][ENSEMBLE]["accuracy"] - run.member_accuracy)
        target = lessons[True].target
        rare |= {target.names[label] for label in rare_classes(lessons[True])}
        leaks |= {f"{leak.iri} ({leak.reason})" for leak in lessons[True].leaks}
    return {
        "target": iri,
        "seeds": seeds,
        "fusion": main,
        "label_share": settings.label_share,
        "group": settings.group,
        "rows": {name: _over(runs, name, statistics.fmean) for name in runs[0]},
        "spread": {name: _over(runs, name, deviation) for name in runs[0]},
        "intervals": {
            name: {"accuracy": intervals([one[name] for one in ranked])["R@1"]} for name in runs[0]
        },
        "opened": opened,
        "ranks": {name: [one[name].as_json() for one in ranked] for name in runs[0]},
        "ensemble": {"members": members, "gain": float(np.mean(gains)), "spread": deviation(gains)},
        "classes": list(target.names),
        "confusion": np.sum(tables, axis=0).tolist(),
        "rare": sorted(rare),
        "left out": sorted(leaks),
    }


def check_counts(seeds: int, members: int = 1) -> None:
    """Refuse what cannot be averaged.

    Raises:
        ValueError: for fewer than one.
    """
    if seeds < 1:
        raise ValueError(f"expected at least 1 seed (got {seeds})")
    if members < 1:
        raise ValueError(f"expected an ensemble of at least 1 (got {members})")


def checked_fusion(name: str) -> str:
    """The name, where there is such a fusion.

    Raises:
        ValueError: where there is none.
    """
    if name not in FUSIONS:
        raise ValueError(f"expected a fusion among {', '.join(FUSIONS)} (got {name!r})")
    return name


def both_lessons(store: Store, iri: str, settings: Settings, device: str) -> dict[bool, Lesson]:
    """The same split with the facts (True) and without them (False), on a device.

    Raises:
        ValueError: if the property tells no classes, or a split leaves nothing to test.
    """
    out = {}
    for facts in (True, False):
        graph = store.graph_without_hints(iri)
        lesson = prepare(graph, store.observations, store.observed, iri, settings, facts=facts)
        out[facts] = replace(lesson, joint=lesson.joint.to(device))
    if not len(out[True].split.test):
        count = len(out[True].target.entities)
        got = f"{count}, all needed to learn from" + (f", by {settings.group}" if settings.group else "")
        raise ValueError(f"expected labels of {iri} to test with (got {got})")
    return out


def rare_classes(lesson: Lesson) -> NDArray[np.int64]:
    """Classes with less than half the mean number of training examples."""
    count = lesson.target.counts(lesson.split.train)
    return np.flatnonzero(count < count.mean() / 2)


def scores_of(lesson: Lesson, probability: NDArray[np.float64]) -> dict[str, float]:
    """All measures on the test part, and the accuracy on its rare classes: ``(m, classes)``."""
    truth = lesson.target.judged(lesson.split.test, probability.argmax(1))
    is_rare = np.isin(truth, rare_classes(lesson))
    right = probability.argmax(1) == truth
    return label_scores(probability, truth) | {
        "rare": float(right[is_rare].mean()) if is_rare.any() else float("nan"),
        "rare queries": float(is_rare.sum()),
    }


class _Run:
    """One split: every variant trained on it, then the test opened for all of them, and the ensemble."""

    def __init__(
        self, lessons: dict[bool, Lesson], settings: Settings, members: int, say: Callable[[int, int], None]
    ) -> None:
        self._lessons, self._settings, self._members, self._say = lessons, settings, members, say
        self.member_accuracy = 0.0
        self.confusion = np.zeros((0, 0), dtype=np.int64)
        self.seal = Seal()
        self.told: dict[str, NDArray[np.float64]] = {}

    def rows(self, variants: Sequence[Variant]) -> dict[str, dict[str, float]]:
        """Scores by name of the variant; the ensemble's last."""
        seed, steps = self._settings.seed, len(variants) + self._members - 1
        members = [(f"member {n}", variants[-1], seed + NEXT_MEMBER * n) for n in range(1, self._members)]
        trained = {}
        for number, (name, variant, own) in enumerate([*((v.name, v, seed) for v in variants), *members]):
            trained[name] = self._train(variant, own)
            self._say(number + 1, steps)
        lesson = self._lessons[True]
        chosen = {name: labeller.history.chosen() for name, (labeller, _) in trained.items()}
        test = self.seal.open(lesson.split, chosen)
        self.told = {
            name: probabilities(labeller, joint, lesson.target.entities[test])
            for name, (labeller, joint) in trained.items()
        }
        told = [self.told[variants[-1].name], *(self.told.pop(name) for name, _, _ in members)]
        best = [one.argmax(1) for one in told]
        self.confusion = confusion(told[0], lesson.target.judged(test, best[0]))
        right = [(one == lesson.target.judged(test, one)).mean() for one in best]
        self.member_accuracy = float(np.mean(right))
        self.told[ENSEMBLE] = np.mean(told, axis=0)
        return {name: scores_of(lesson, probability) for name, probability in self.told.items()}

    def ranked(self, entities: pa.Array) -> dict[str, Ranked]:
        """Rank of the true class of each test entity by variant; R@1 is the accuracy."""
        lesson, out = self._lessons[True], {}
        test = lesson.split.test
        names = entities.take(pa.array(lesson.target.entities[test])).to_pylist()
        for name, probability in self.told.items():
            truth = lesson.target.judged(test, probability.argmax(1))
            out[name] = Ranked.of(names, realistic_ranks(probability, truth))
        return out

    def _train(self, variant: Variant, seed: int) -> tuple[Labeller, JointGraph]:
        lesson = self._lessons[variant.facts]
        joint = lesson.joint
        if variant.sense is not None:
            chosen = variant.sense
            joint = replace(
                joint, features={chosen: joint.features[chosen]}, owners={chosen: joint.owners[chosen]}
            )
        settings = replace(self._settings, seed=seed, fusion=variant.fusion)
        return train_labels(joint, lesson.taught, settings, _silent), joint


def _variants(lesson: Lesson, main: str, *, others: bool) -> list[Variant]:
    """The rows in the order of the table; the main fusion with the graph is the last."""
    rivals = [name for name in FUSIONS if name != main] if others else []
    return [
        *(Variant(f"{sense} alone", main, sense, facts=False) for sense in lesson.joint.features),
        *(
            Variant(name + (WITH_GRAPH if facts else ""), name, facts=facts)
            for name in [*rivals, main]
            for facts in (False, True)
        ),
    ]


def _over(
    runs: Sequence[dict[str, dict[str, float]]], name: str, of: Callable[[list[float]], float | None]
) -> dict[str, float | None]:
    """One figure for each measure over the seeds that have it."""
    out: dict[str, float | None] = {}
    for measure in runs[0][name]:
        known = [run[name][measure] for run in runs if not math.isnan(run[name][measure])]
        out[measure] = of(known) if known else None
    return out


def _said(progress: Progress | None, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done, total) if progress else None


def _silent(stage: str, done: int, total: int) -> None:
    """Steps within a model are not shown: there are many models."""
