"""How far repeated measurements lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample (divided by one less than its size); a single value has none."""
    return float(statistics.stdev(values)) if len(values) > 1 else None


def splits(count: int) -> str:
    """What a table of means says of them: ``3 splits, mean ± standard deviation``."""
    return "a single split, so no deviation" if count == 1 else f"{count} splits, mean ± standard deviation"


def deviation_said(value: float | None, digits: int = 3) -> str:
    """``deviation 0.012``, or that there is none."""
    return "a single one, so no deviation" if value is None else f"deviation {value:.{digits}f}"
