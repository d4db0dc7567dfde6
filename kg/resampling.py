"""How sure a mean over queries is, and whether two runs differ on the same queries: by resampling, seeded.

Scores of ranks take few values, so each resample draws how often every value comes, not every query: the
same distribution, whatever the number of queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000
SURE = 0.95
"""Share of the resampled means that lies within an interval."""
_HELD = 1 << 22  # counts held at a time


@dataclass(frozen=True)
class Difference:
    """Mean of what one run has over another, query by query, its interval, and the chance of as much by luck.

    `p` is two-sided, of the paired permutation test that swaps the two runs' scores of queries at random.
    """

    mean: float
    low: float
    high: float
    p: float
    queries: int


def interval(parts: Sequence[Floats], seed: int = 0) -> tuple[float, float] | None:
    """The percentile bootstrap interval of a mean (10.1214/aos/1176344552); None without a query.

    Args:
        parts: scores ``(q,)`` of the queries of each split; the mean is that of the splits' means, and the
            queries of each are drawn anew within it.
        seed: of the draws.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    low, high = np.quantile(_means(parts, seed), [(1 - SURE) / 2, (1 + SURE) / 2])
    return float(low), float(high)


def paired_difference(one: Sequence[Floats], other: Sequence[Floats], seed: int = 0) -> Difference:
    """Compare two runs of the same queries, split by split: ``(q,)`` scores of each.

    Raises:
        ValueError: if there are no queries, or not the same number of them on both sides.
    """
    sizes = [[len(part) for part in run] for run in (one, other)]
    if sizes[0] != sizes[1] or not sum(sizes[0]):
        raise ValueError(f"expected scores of the same queries (got {sizes[0]} and {sizes[1]} of them)")
    found = [mine - yours for mine, yours in zip(one, other, strict=True) if len(mine)]
    low, high = np.quantile(_means(found, seed), [(1 - SURE) / 2, (1 + SURE) / 2])
    mean = float(np.mean([part.mean() for part in found]))
    by_luck = np.abs(_swapped(found, seed)) >= abs(mean) - 1e-12
    p = (1 + int(by_luck.sum())) / (1 + RESAMPLES)
    return Difference(mean, float(low), float(high), p, sum(map(len, found)))


def _means(parts: Sequence[Floats], seed: int) -> Floats:
    """Means of resampled scores: ``(RESAMPLES,)``."""
    random, total = np.random.default_rng(seed), np.zeros(RESAMPLES)
    for part in parts:
        value, count = np.unique(part, return_counts=True)
        for rows in _blocks(len(value)):
            drawn = random.multinomial(len(part), count / len(part), size=rows.stop - rows.start)
            total[rows] += drawn @ value / len(part)
    return np.asarray(total / len(parts), dtype=np.float64)


def _swapped(parts: Sequence[Floats], seed: int) -> Floats:
    """Mean differences where it is a matter of luck which run got which score: ``(RESAMPLES,)``."""
    random, total = np.random.default_rng(seed + 1), np.zeros(RESAMPLES)
    for part in parts:
        size, count = np.unique(np.abs(part), return_counts=True)
        for rows in _blocks(len(size)):
            kept = random.binomial(count, 0.5, size=(rows.stop - rows.start, len(count)))
            total[rows] += (2 * kept - count) @ size / len(part)
    return np.asarray(total / len(parts), dtype=np.float64)


def _blocks(width: int) -> Iterator[slice]:
    """The resamples some at a time, so that a table of them stays small."""
    step = max(_HELD // max(width, 1), 1)
    for start in range(0, RESAMPLES, step):
        yield slice(start, min(start + step, RESAMPLES))
