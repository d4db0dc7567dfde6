"""Random convolutions over one series: how often each of 84 fixed kernels, dilated, is above a threshold.

MiniRocket (Dempster, Schmidt and Webb, arXiv 2012.08791) with one change: the thresholds come from a fixed
set of made series and not from the user's, so that a row depends on its own content alone.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DILATIONS = (1, 2, 4, 8, 16, 32, 64)
_SIZE = 9  # of a kernel: six weights of -1 and three of 2, so that level does not count
_KERNELS = np.array(
    [
        [2.0 if place in chosen else -1.0 for place in range(_SIZE)]
        for chosen in combinations(range(_SIZE), 3)
    ],
    dtype=np.float32,
)
_LENGTH, _MADE = 256, 64  # of the made series: their length, and how many set the thresholds
_SHRINK = 0.05  # keeps a share that hardly varies on made series from growing without bound


class RandomConvolutions:
    """The features of a standardised series: per kernel and dilation the shares above the thresholds.

    Each share is less its mean over made series, by its spread there.
    """

    def __init__(self, thresholds: int) -> None:
        levels = (np.arange(thresholds) + 0.5) / thresholds
        made = _made_series(seed=0, count=_MADE)
        self._thresholds = [
            np.quantile(np.concatenate([_convolved(row, step) for row in made], axis=1), levels, axis=1)
            .T.astype(np.float32)
            for step in DILATIONS
        ]  # fmt: skip
        self.dim = len(_KERNELS) * len(DILATIONS) * thresholds
        shares = np.stack([self._shares(row) for row in _made_series(seed=1, count=2 * _MADE)])
        self._mean, self._spread = shares.mean(axis=0), shares.std(axis=0) + _SHRINK

    def __call__(self, series: Floats) -> Floats:
        """Features of one series.

        Shapes: series (points,) of mean 0 and deviation 1; result (dim,).
        """
        scaled: Floats = (self._shares(series) - self._mean) / self._spread
        return scaled

    def _shares(self, series: Floats) -> Floats:
        out = []
        for step, thresholds in zip(DILATIONS, self._thresholds, strict=True):
            convolved = _convolved(series, step)
            out += [(convolved > column[:, None]).mean(axis=1) for column in thresholds.T]
        return np.concatenate(out)


def standardised(series: Floats) -> Floats:
    """Mean 0 and deviation 1; a constant series becomes zeros."""
    largest = float(np.abs(series).max(initial=0))
    if largest == 0:
        return np.zeros_like(series)
    scaled = series / largest  # squares of large readings overflow
    centred = scaled - scaled.mean()
    deviation = float(centred.std())
    return centred / deviation if deviation > 1e-9 else np.zeros_like(series)


def _convolved(series: Floats, dilation: int) -> NDArray[np.float32]:
    """All kernels at one dilation; beyond its ends a series counts as its mean.

    Shapes: series (points,); result (84, points).
    """
    reach = dilation * (_SIZE // 2)
    padded = np.pad(series.astype(np.float32), reach)
    shifted = [padded[place * dilation : place * dilation + len(series)] for place in range(_SIZE)]
    convolved: NDArray[np.float32] = _KERNELS @ np.stack(shifted)
    return convolved


def _made_series(seed: int, count: int) -> list[Floats]:
    """Four kinds of signal in turn: a random walk, noise with memory, waves, and steps."""
    random = np.random.default_rng(seed)
    time = np.arange(_LENGTH) / _LENGTH
    out = []
    for number in range(count):
        noise = random.normal(size=_LENGTH)
        if number % 4 == 0:
            series = np.cumsum(noise)
        elif number % 4 == 1:
            memory = random.uniform(0.5, 0.95) ** np.arange(_LENGTH)
            series = np.convolve(noise, memory)[:_LENGTH]
        elif number % 4 == 2:
            waves = zip(random.normal(size=3), random.uniform(1, 40, 3), random.uniform(size=3), strict=True)
            series = sum(size * np.sin(2 * np.pi * (rate * time + phase)) for size, rate, phase in waves)
            series = series + 0.2 * noise
        else:
            jumps = random.uniform(size=_LENGTH) < 8 / _LENGTH
            series = np.cumsum(noise * jumps) + 0.1 * random.normal(size=_LENGTH)
        out.append(standardised(series))
    return out
