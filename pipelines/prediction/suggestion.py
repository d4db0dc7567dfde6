"""Which labels to ask for next: candidates that the model is unsure of, no two of them near twins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suggested(
    probability: NDArray[np.float64], vectors: NDArray[np.float32], count: int
) -> NDArray[np.int64]:
    """Places of the candidates to ask for, in the order of choice.

    The first is the least sure; each next one has the largest product of its unsureness and its squared
    distance to those chosen before, so that near twins are not asked for twice (the idea of BADGE, arXiv
    1906.03671, without its random draws).

    Shapes: ``probability (m, c)``, ``vectors (m, d)`` unit rows -> ``(min(count, m),)``.

    Raises:
        ValueError: if the count is less than 1.
    """
    if count < 1:
        raise ValueError(f"expected at least 1 suggestion (got {count})")
    top = np.sort(probability, axis=1)[:, ::-1]
    unsure = 1 - (top[:, 0] - top[:, 1]) if probability.shape[1] > 1 else np.ones(len(top))
    distance = np.full(len(unsure), np.inf)
    chosen: list[int] = []
    while len(chosen) < min(count, len(unsure)):
        value = unsure if not chosen else unsure * distance
        value = np.where(np.isin(np.arange(len(value)), chosen), -np.inf, value)
        chosen.append(int(value.argmax()))
        gap = vectors - vectors[chosen[-1]]
        distance = np.minimum(distance, (gap * gap).sum(1))
    return np.array(chosen, dtype=np.int64)
