"""Ranks and their summaries: pure functions on arrays.

Ties are counted honestly: the rank of the true answer is the mean of its best and worst place among
equal scores (the *realistic* rank), so a constant score earns what chance earns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def realistic_ranks(
    scores: Floats, answers: NDArray[np.int64], known: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Rank of the true answer of each row, from 1; other known answers do not count against it.

    Shapes: ``scores (q, n)``, ``answers (q,)``, ``known (q, n)`` -> ``(q,)``.

    Raises:
        ValueError: if a score is not a number.
    """
    if np.isnan(scores).any():
        raise ValueError("expected scores that are numbers (got NaN)")
    rows = np.arange(len(answers))
    true = scores[rows, answers][:, None]
    rival = np.ones(scores.shape, dtype=bool) if known is None else ~known
    rival[rows, answers] = False
    better = ((scores > true) & rival).sum(1)
    equal = ((scores == true) & rival).sum(1)
    return np.asarray(1 + better + equal / 2, dtype=np.float64)


def mean_reciprocal_rank(ranks: NDArray[np.float64]) -> float:
    """Mean of 1 / rank; nan for no ranks."""
    return float(np.mean(1 / ranks)) if len(ranks) else float("nan")


def recall_at(ranks: NDArray[np.float64], k: int) -> float:
    """Share of the ranks that are k or better; nan for no ranks."""
    return float(np.mean(ranks <= k)) if len(ranks) else float("nan")


def scores_of(ranks: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What each rank counts by every measure of `summary`; the shape stays."""
    hits = {f"R@{k}": (ranks <= k).astype(np.float64) for k in (1, 5, 10)}
    return {"MRR": 1 / ranks, **hits}


def summary(ranks: NDArray[np.float64]) -> dict[str, float]:
    """The row that the tables show: MRR, R@1, R@5, R@10 and the number of queries."""
    return {
        "MRR": mean_reciprocal_rank(ranks),
        **{f"R@{k}": recall_at(ranks, k) for k in (1, 5, 10)},
        "queries": float(len(ranks)),
    }
