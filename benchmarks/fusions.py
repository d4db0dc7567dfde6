"""Each sense alone, every fusion, with the graph and without, and what is lost when a sense is missing.

python -m benchmarks.fusions [--quick]

Two sets: the synthetic phantom (data/medicine), whose finding only picture and report tell together; and
the stamps of the demo (data/stamps), of which the folder is to be told, one of 100, by picture, caption,
sound and WordNet. Every model of a split is trained and stopped by the same parts; the test part is scored
once for each. Of the phantom's rare types one example is left, and the F1 on them is compared with that of
the same model without the ontology: neither its facts nor its definitions.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from benchmarks.measure import Row, parser, report
from data.medicine.phantom import GRAPH, write_phantom
from data.medicine.phantom import Settings as Phantom
from data.medicine.phantom_types import table
from data.medicine.turtle import MEDICINE
from kg.splits import Split
from pipelines.building.build import build
from pipelines.evaluation.damage import without_observations
from pipelines.evaluation.damage_curves import LEARNED, ZEROS
from pipelines.evaluation.labels import ENSEMBLE, WITH_GRAPH, evaluate_labels
from pipelines.evaluation.robustness import robustness
from pipelines.labels.learn import Lesson, prepare, probabilities
from pipelines.labels.split import Taught
from pipelines.labels.training import train_labels
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.deviation import deviation_said

FINDING, FOLDER = f"{MEDICINE}finding", "https://schema.org/category"
SEEDS, RARE, PHANTOM_SEED = 3, 20, 61
"""The phantom's seed is one that no choice was made on; it has this many of each rare type."""
BEATS, THIRD = 0.15, 1 / 3


def stores(quick: bool) -> Iterator[tuple[str, str, Store]]:
    """Name, target and store of each set."""
    settings = Settings(epochs=2, label_width=128) if quick else Settings()
    phantom = Phantom(studies=240 if quick else 600, rare=10 if quick else RARE, seed=PHANTOM_SEED)
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder), phantom)
        store = build(Path(folder) / GRAPH, Path(folder) / "store", settings=settings)
        yield "synthetic phantom, finding", FINDING, store
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            yield "stamps, folder", FOLDER, build((), Path(folder) / "store", settings=settings)


def comparisons(name: str, scored: dict[str, Any], beats: float) -> list[Row]:
    """Attention with the graph against each sense alone and against the other fusions, by accuracy."""
    accuracy = {row: scores["accuracy"] for row, scores in scored["rows"].items()}
    ours = accuracy["attention" + WITH_GRAPH]
    alone = max(value for row, value in accuracy.items() if row.endswith(" alone"))
    rivals = {row: accuracy[row] for row in accuracy if row.startswith(("concat", "autoencoder"))}
    best = max(rivals, key=lambda row: rivals[row])
    spread = deviation_said(scored["spread"]["attention" + WITH_GRAPH]["accuracy"])
    what = f"{name}, attention with the graph (mean of {scored['seeds']} seeds, {spread})"
    return [
        gain(f"{what}, against the best sense alone", ours, alone, beats),
        gain(f"{what}, against the best of the other fusions ({best})", ours, rivals[best], 0),
        gain(f"{name}, attention with the graph, against without", ours, accuracy["attention"], 0),
    ]


def gain(what: str, ours: float, rival: float, least: float) -> Row:
    """A claim of a difference in a score."""
    target = f"ours - rival >= {least:g}"
    return Row(what, "", ours, rival, ours - rival, target, ours - rival >= least)


def when_missing(name: str, result: dict[str, Any]) -> list[Row]:
    """What is lost when half of the test entities miss a sense; and a learned absent state against zeros."""
    lost = {fusion: one["loss"] for fusion, one in result["half missing"]["all"].items()}
    ours, rival = lost["attention"], lost["concat"]
    mean = {
        absent: statistics.fmean(
            accuracy
            for curve in result["curves"]
            if curve["panel"] == "missing" and (curve["fusion"], curve["absent"]) == ("attention", absent)
            for accuracy in curve["accuracy"]
        )
        for absent in (LEARNED, ZEROS)
    }
    share = ours / rival if rival > 0 else float("nan")
    what = f"{name}, accuracy lost when half miss a sense, summed over senses, against concat"
    return [
        Row(what, "", ours, rival, share, "ours / rival <= 1/3", share <= THIRD),
        gain(
            f"{name}, mean as senses go missing: absent learned, against zeros", mean[LEARNED], mean[ZEROS], 0
        ),
    ]


def rare_types(store: Store, seeds: int) -> tuple[float, float]:
    """Mean F1 on the rare types, of which one example is known, with the ontology and without it."""
    pairs = []
    for seed in range(seeds):
        settings = replace(store.settings, seed=seed)
        pairs.append([_rare_f1(store, settings, ontology) for ontology in (True, False)])
    with_it, without = np.mean(pairs, axis=0).tolist()
    return with_it, without


def _rare_f1(store: Store, settings: Settings, ontology: bool) -> float:
    lesson = prepare(store.graph, store.observations, store.observed, FINDING, settings, facts=ontology)
    target, joint = lesson.target, lesson.joint
    if not ontology:
        terms = np.setdiff1d(np.arange(joint.num_entities), target.entities)
        joint = without_observations(joint, "text", terms)
    kinds = {kind.iri for kind in table() if kind.rare}
    rare = [place for place, iri in enumerate(target.names) if iri in kinds]
    split = _with_one(lesson, rare, settings.seed)
    labeller = train_labels(joint, Taught.of(target, split), settings, _silent)
    found = probabilities(labeller, joint, target.entities[split.test]).argmax(1)
    return float(f1_score(target.classes[split.test], found, labels=rare, average="macro", zero_division=0))


def _with_one(lesson: Lesson, rare: Sequence[int], seed: int) -> Split:
    """The split whose training part keeps one example of each rare class."""
    order = np.random.default_rng(seed).permutation(lesson.split.train)
    classes = lesson.target.classes[order]
    first = [int(order[classes == label][0]) for label in rare]
    common = order[~np.isin(classes, rare)]
    return replace(lesson.split, train=np.sort(np.concatenate([common, np.array(first)])))


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody of the progress."""


def main() -> int:
    """Parse, measure, report."""
    quick = parser("Every fusion, and what it bears.").parse_args().quick
    seeds, rows, details = 1 if quick else SEEDS, [], {}
    for name, iri, store in stores(quick):
        scores = evaluate_labels(store, iri, seeds=seeds, members=1 if quick else 3)
        rows += comparisons(name, scores, BEATS if iri == FINDING else 0)
        print(f"{name}: {_accuracies(scores)}", file=sys.stderr)
        lost = robustness(store, iri, seeds=seeds, panels=())
        rows += when_missing(name, lost)
        details[name] = {key: scores[key] for key in ("rows", "spread", ENSEMBLE)} | {"missing": lost}
        if iri == FINDING:
            ours, rival = rare_types(store, seeds)
            what = f"{name}, F1 on rare types with one example each: with the ontology, against without"
            rows.append(Row(what, "", ours, rival, ours - rival, "ours - rival > 0", ours > rival))
    return report("fusions", rows, quick=quick, details=details)


def _accuracies(scores: dict[str, Any]) -> str:
    return ", ".join(f"{name} {row['accuracy']:.3f}" for name, row in scores["rows"].items())


if __name__ == "__main__":
    sys.exit(main())
