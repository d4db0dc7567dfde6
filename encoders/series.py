"""Sensor readings to vectors without a trained model: random convolutions for shape, statistics for level.

Each channel is described alone; a signed hash by the channel's name then adds all of them into one row, so
that series of differing channels can be compared, and channels of one name match. Knows no task.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .readings import read_series
from .rocket import RandomConvolutions, standardised

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float64]
    _Hash = tuple[NDArray[np.int64], NDArray[np.float32]]

_VERSION = 1  # raise it when the features change: cached ones are then made anew
LONGEST = 2048  # points that are convolved; a longer series is averaged down to so many
_LARGEST = 1e100  # a reading beyond counts as this: its square would not be finite
_TINY = 1e-4  # where the logarithm of a level begins to be linear
_BANDS, _LAGS = 7, (1, 2, 3, 5, 8, 13, 21, 34)
# Shares of the parts in the length of a channel's features, and how sharply statistics are told apart:
# chosen on the training parts of PLAID and ACSF1 (benchmarks/appliances.py opens the test part).
_WEIGHTS = {"shape": 1.0, "steps": 0.5, "level": 0.5, "relative": 0.3, "spectrum": 0.3}
_LEVELS, _LEVEL_WIDTH = np.arange(-7, 7.1, 0.25), 0.15  # powers of ten
_RELATIVE, _RELATIVE_WIDTH = np.linspace(-2.5, 2.5, 7), 0.8
_SPECTRUM, _SPECTRUM_WIDTH = np.linspace(-2, 2, 7), 0.7


class SeriesEncoder:
    """Random convolutions and statistics of each channel, added into one row by the channels' names."""

    modality = "series"
    name = f"convolutions@{_VERSION}"
    dim = 2048

    def __init__(self, device: str = "cpu") -> None:
        del device  # a row takes some milliseconds of one core
        self._shape, self._steps = RandomConvolutions(3), RandomConvolutions(1)
        self._hashes: dict[str, _Hash] = {}
        self._lock = threading.Lock()

    def load(self, reference: str | Path) -> NDArray[np.float32]:
        """The row of a file of readings, before it has unit length.

        Shapes: result (dim,) float32.

        Raises:
            MediaError: not a CSV, Parquet or NPY file of numbers, or too few of them.
        """
        series = read_series(reference)
        row = np.zeros(self.dim, dtype=np.float32)
        for name, channel in zip(series.names, series.values, strict=True):
            features = self._describe(channel).astype(np.float32)
            places, signs = self._hash(name, len(features))
            np.add.at(row, places, features * signs)
        return row

    def encode(self, items: Sequence[NDArray[np.float32]]) -> Tensor:
        """One unit vector a series.

        Shapes: result (n, dim) float32 on the CPU.
        """
        import torch

        rows = np.array(items, dtype=np.float32).reshape(len(items), self.dim)
        return torch.nn.functional.normalize(torch.from_numpy(rows), dim=1)

    def _describe(self, channel: Floats) -> Floats:
        """The features of one channel, each part as long as its weight says.

        Shapes: channel (points,); result (features,) of length 1.
        """
        short = _averaged(channel, LONGEST)
        level = _level(channel)
        largest = np.abs(level).max()
        parts = {
            "shape": self._shape(standardised(short)),
            "steps": self._steps(standardised(np.diff(short))),
            "level": _bumps(_powers(level, _TINY), _LEVELS, _LEVEL_WIDTH),
            "relative": _bumps(_powers(level / (largest or 1.0), 1e-2), _RELATIVE, _RELATIVE_WIDTH),
            "spectrum": _bumps(_spectrum(channel), _SPECTRUM, _SPECTRUM_WIDTH),
        }
        total = sum(_WEIGHTS.values())
        return np.concatenate(
            [np.sqrt(_WEIGHTS[name] / total) * part / np.linalg.norm(part) for name, part in parts.items()]
        )

    def _hash(self, name: str, size: int) -> _Hash:
        """Where each feature of a channel of this name goes in the row, and under which sign.

        Permutations one after the other, so that no place gets more features than it must (count sketch:
        Charikar, Chen and Farach-Colton 2002).
        """
        key = " ".join(name.split()).casefold()
        with self._lock:
            if key not in self._hashes:
                digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
                random = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
                rounds = [random.permutation(self.dim) for _ in range(-(-size // self.dim))]
                signs = 2 * random.integers(0, 2, size) - 1
                self._hashes[key] = np.concatenate(rounds)[:size], signs.astype(np.float32)
            return self._hashes[key]


def _averaged(channel: Floats, most: int) -> Floats:
    """At most so many points, each the mean of its stretch."""
    if len(channel) <= most:
        return channel
    bounds = np.linspace(0, len(channel), most + 1).astype(np.int64)
    means: Floats = np.add.reduceat(channel, bounds[:-1]) / np.diff(bounds)
    return means


def _level(channel: Floats) -> Floats:
    """Where the readings lie and how they move, in their own unit."""
    channel = np.clip(channel, -_LARGEST, _LARGEST)
    time = np.linspace(-1, 1, len(channel))
    step, mean = np.diff(channel), channel.mean()
    slope = time @ (channel - mean) / (time @ time)
    motion = [np.abs(step).mean(), step.std(), step.max(), step.min()]
    size = np.sqrt((channel**2).mean())
    quantiles = np.quantile(channel, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    return np.array([mean, channel.std(), slope, *motion, size, *quantiles])


def _spectrum(channel: Floats) -> Floats:
    """Power by octave below half the sampling rate, autocorrelation, skewness, kurtosis and length."""
    series = standardised(channel)
    power = np.abs(np.fft.rfft(series))[1:] ** 2
    share = power / max(power.sum(), 1e-12)
    edges = [0, *(len(power) >> octave for octave in range(_BANDS - 1, 0, -1)), len(power)]
    octaves = np.array([share[low:high].sum() for low, high in pairwise(edges)])
    memory = [(series[:-lag] * series[lag:]).mean() if len(series) > lag else 0.0 for lag in _LAGS]
    tails = [np.arcsinh((series**3).mean()), np.log(np.sqrt((series**4).mean()) + 1e-9)]
    return np.array([*(np.log10(octaves + 1e-4) + 2), *memory, *tails, np.log(len(series)) - 5])


def _powers(values: Floats, tiny: float) -> Floats:
    """The power of ten of each value, with its sign, linear around 0."""
    powers: Floats = np.arcsinh(values / tiny) / np.log(10)
    return powers


def _bumps(values: Floats, centres: Floats, width: float) -> Floats:
    """Each value as its nearness to some centres, which a linear model reads any curve from.

    Shapes: values (v,), centres (c,); result (v * c,).
    """
    clipped = np.clip(values, centres[0], centres[-1])
    return np.exp(-0.5 * ((clipped[:, None] - centres) / width) ** 2).ravel()
