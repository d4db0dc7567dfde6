"""The kind of fault of a run, told from the other runs, but those that overlap it in time."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine_runs import FITTING, Knowledge, MachineRun
from fusion.outliers import Watch, fit
from pipelines.training.deviation import deviation


def fault_kinds(runs: list[MachineRun], knows: Knowledge, *, seeds: int) -> dict[str, Any]:
    """Accuracy and macro F1 of random trees on each kind of feature: rows as labelled, or as found.

    The bench was set up anew for each day, and a day had few kinds of fault. So the level of the sensors
    tells the kind without any fault: the fitting rows alone are the mark to beat, and features of a fault
    are what changed against them, in their own spread.
    """
    truth = np.array([run.kind for run in runs])
    labelled = [run.outlier[FITTING:] if run.outlier[FITTING:].any() else run.outlier for run in runs]
    found = [_alarms(run, knows) for run in runs]
    before = [torch.cat([run.values[:FITTING].mean(0), run.values[:FITTING].std(0)]) for run in runs]
    shift = [changes(run, rows) for run, rows in zip(runs, labelled, strict=True)]
    seen = [changes(run, rows) for run, rows in zip(runs, found, strict=True)]
    pooled = [torch.cat([each, neighbours(each, knows.ties)]) for each in shift]
    majority = max(set(truth.tolist()), key=truth.tolist().count)
    return {
        "always the most frequent kind": _scores(truth, np.full(len(truth), majority)),
        "no fault seen: the fitting rows alone": _left_out(before, runs, truth, seeds),
        "fault, concat": _left_out(shift, runs, truth, seeds),
        "fault, concat and the means over tied sensors of the graph": _left_out(pooled, runs, truth, seeds),
        "fault as the detector found it, concat": _left_out(seen, runs, truth, seeds),
        "fault and level (knows the day)": _left_out(
            [torch.cat(pair) for pair in zip(shift, before, strict=True)], runs, truth, seeds
        ),
    }


def _alarms(run: MachineRun, knows: Knowledge) -> Tensor:
    """Rows with an alarm under the default settings; all judged rows if there is none."""
    alarm = fit(run.values[:FITTING], Watch(), knows.ties, torch.where(knows.slow, 1 / 3, 1.0))(
        run.values[FITTING:]
    ).alarm
    return alarm if alarm.any() else torch.ones_like(alarm)


def changes(run: MachineRun, rows: Tensor) -> Tensor:
    """Shift and spread of some rows against the fitting rows, on a signed log scale: ``(3 s,)``.

    `rows` (n,) bool may be of the judged rows or of all.
    """
    normal = run.values[:FITTING]
    values = run.values[len(run.values) - len(rows) :][rows]
    spread = normal.std(0).clamp(min=1e-9)
    shift = (values.mean(0) - normal.mean(0)) / spread
    share = (values.mean(0) - normal.mean(0)) / normal.mean(0).abs().clamp(min=1e-9) * 100
    wider = (values.std(0, correction=0).clamp(min=1e-9) / spread).log()
    return torch.cat([shift.sign() * shift.abs().log1p(), share.sign() * share.abs().log1p(), wider])


def neighbours(features: Tensor, ties: Tensor) -> Tensor:
    """The mean of each feature over the sensors tied to each, itself among them: ``(3 s,)``."""
    share = ties.double() / ties.double().sum(1, keepdim=True)
    return (features.view(-1, len(ties)).double() @ share.t()).flatten()


def _left_out(
    features: list[Tensor], runs: list[MachineRun], truth: np.ndarray, seeds: int
) -> dict[str, Any]:
    from sklearn.ensemble import ExtraTreesClassifier

    table = torch.stack(features).numpy()
    each = []
    for seed in range(seeds):
        told = []
        for place, run in enumerate(runs):
            others = np.array([not run.overlaps(other) for other in runs])
            model = ExtraTreesClassifier(100, random_state=seed, class_weight="balanced")
            told.append(model.fit(table[others], truth[others]).predict(table[place : place + 1])[0])
        each.append(_scores(truth, np.array(told)))
    accuracy, macro = ([one[key] for one in each] for key in ("accuracy", "macro f1"))
    return {
        "accuracy": float(np.mean(accuracy)),
        "accuracy deviation": deviation(accuracy),
        "macro f1": float(np.mean(macro)),
        "macro f1 deviation": deviation(macro),
        "confusion": each[0]["confusion"],
    }


def _scores(truth: np.ndarray, told: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import confusion_matrix, f1_score

    kinds = sorted(set(truth.tolist()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a kind that is never told has no precision
        macro = float(f1_score(truth, told, average="macro"))
    matrix = confusion_matrix(truth, told, labels=kinds).tolist()
    return {
        "accuracy": float((truth == told).mean()),
        "macro f1": macro,
        "confusion": dict(zip(kinds, matrix, strict=True)),
    }
