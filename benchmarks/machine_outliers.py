"""What each detector flags in each run, under every setting that it may have; none is chosen here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine_rivals import conv_autoencoder, forest, t2q
from benchmarks.machine_runs import FITTING, Knowledge, MachineRun
from fusion.outliers import Watch, fit, watched

FACTORS = (0.75, 1.0, 1.25, 1.5, 2.0)
WINDOWS, STRENGTHS, RECENT = (10, 20, 30), (0.3, 1e9), (200, 400)
FOLLOW, RELEASE = (0.0, 200.0, 400.0, 800.0), (0.0, 0.2, 0.3, 0.4)
SLOW_WEIGHTS = (0.0, 1 / 3, 1.0)
RIVAL_FACTORS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class Candidates:
    """A method under all its settings.

    Shapes:
        seeds: for each seed (settings, runs, 4) as hits, false alarms, misses, rest
    """

    names: list[str]
    seeds: list[np.ndarray]
    published: int | None = None

    def where(self, part: str) -> Candidates:
        """Those whose name has this part."""
        places = [place for place, name in enumerate(self.names) if part in name]
        return Candidates([self.names[place] for place in places], [counts[places] for counts in self.seeds])


def ours(runs: list[MachineRun], knows: Knowledge, *, quick: bool) -> dict[str, Candidates]:
    """The detector: with the graph, without it, and without each thing that it does."""
    known = _watched(runs, knows.ties, knows.slow, SLOW_WEIGHTS, quick)
    free = _watched(runs, torch.ones_like(knows.ties), knows.slow, (1.0,), quick)
    alone = free.where("strength 1e+09")
    return {
        "with the graph": known,
        "without the graph": free,
        "each sensor alone": alone,
        "the graph, the reference fixed": known.where("follow 0,"),
        "the graph, no end by the peak": known.where("release 0;"),
        "each sensor alone, neither": alone.where("follow 0,").where("release 0;"),
    }


def _watched(
    runs: list[MachineRun], ties: Tensor, slow: Tensor, slow_weights: tuple[float, ...], quick: bool
) -> Candidates:
    names, counts = [], []
    windows = (20,) if quick else WINDOWS
    settings = list(product(FACTORS, FOLLOW, RELEASE))
    limits, rates, ends = torch.tensor(settings).t()
    for window, strength, recent, weight in product(windows, STRENGTHS, RECENT, slow_weights):
        weights = torch.where(slow, weight, 1.0)
        watch = Watch(window=window, strength=strength, recent=recent)
        detectors = [fit(run.values[:FITTING], watch, ties, weights) for run in runs]
        means = [one.means(run.values[FITTING:]).float() for one, run in zip(detectors, runs, strict=True)]
        found = watched(
            torch.nn.utils.rnn.pad_sequence(means).unsqueeze(2),
            torch.stack([one.reference for one in detectors]).float().unsqueeze(1),
            torch.stack([one.scale for one in detectors]).float().unsqueeze(1),
            torch.stack([one.highest for one in detectors]).float().unsqueeze(1) * limits,
            follow=rates, release=ends, relearn=watch.relearn,
        )  # fmt: skip
        flags = [found.alarm[: len(each), place].t().numpy() for place, each in enumerate(means)]
        counts.append(_counts(flags, runs))
        told = f"window {window}, strength {strength:g}, recent {recent}, slow sensors {weight:.2g}"
        names += [f"{told}, factor {f:g}, follow {r:g}, release {e:g};" for f, r, e in settings]
    return Candidates(names, [np.concatenate(counts)])


def rivals(runs: list[MachineRun], _: Knowledge, *, quick: bool) -> dict[str, Candidates]:
    """Rivals, their limit chosen as ours is; the published limit is the factor 1."""
    seeds = range(1 if quick else 3)
    epochs = 3 if quick else 30
    return {
        "PCA T2 + Q": _limited([[t2q(run) for run in runs]], runs),
        "isolation forest": replace(
            _limited([[forest(run, seed) for run in runs] for seed in seeds], runs), published=None
        ),
        "convolutional autoencoder": _limited([conv_autoencoder(runs, seed, epochs) for seed in seeds], runs),
    }


def _limited(seeds: list[list[np.ndarray]], runs: list[MachineRun]) -> Candidates:
    factors = np.array(RIVAL_FACTORS)[:, None]
    counts = [_counts([score[None] > factors for score in scores], runs) for scores in seeds]
    return Candidates([f"factor {factor:g}" for factor in RIVAL_FACTORS], counts, RIVAL_FACTORS.index(1.0))


def always(runs: list[MachineRun]) -> np.ndarray:
    """Counts of calling every row an outlier: what F1 is worth here."""
    flags = [np.ones((1, len(run.outlier) - FITTING), dtype=bool) for run in runs]
    counts: np.ndarray = _counts(flags, runs)[0].sum(0)
    return counts


def clock(runs: list[MachineRun]) -> np.ndarray:
    """Counts of calling outliers the rows where the other runs had theirs: no sensor is read."""
    spans = np.array([run.outlier.nonzero().flatten()[[0, -1]].tolist() for run in runs])
    flags = []
    for place, run in enumerate(runs):
        start, end = np.median(np.delete(spans, place, axis=0), axis=0)
        rows = np.arange(FITTING, len(run.outlier))
        flags.append(((rows >= start) & (rows <= end))[None])
    counts: np.ndarray = _counts(flags, runs)[0].sum(0)
    return counts


def _counts(flags: list[np.ndarray], runs: list[MachineRun]) -> np.ndarray:
    """``(settings, runs, 4)`` of flags ``(settings, rows)`` for each run."""
    found = []
    for flagged, run in zip(flags, runs, strict=True):
        truth = run.outlier[FITTING:].numpy()
        pairs = ((flagged, truth), (flagged, ~truth), (~flagged, truth), (~flagged, ~truth))
        found.append(np.stack([(one & two).sum(-1) for one, two in pairs], axis=-1))
    return np.stack(found, axis=1)
