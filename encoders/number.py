"""Numbers as observations: values to z-scores, z-scores to rows that can be compared.

The scale of a predicate is learned from its visible values only. Knows no graph: entities and predicates are
numbers, and which of them training may see is the caller's to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .literals import Numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float64]

MAX_BLOCKS = 64  # predicates with dimensions of their own; more share them
WIDTH = 32  # dimensions of a block
_LENGTHS = (0.3, 1.5)  # z-scores over which two values grow unlike: the fine and the coarse half of a block
_CLIP = 4.0  # z-scores; what lies further out is all alike
_SKEWED = 1.0  # the skewness from which a logarithm is tried


@dataclass(frozen=True)
class Standard:
    """The scale of each predicate: ``z = (g(value) - centre) / spread``, g a signed logarithm or nothing.

    Shapes: of p predicates, centre and spread (p,) float64, NaN where none was visible; log_scale (p,)
    float64, 0 where no logarithm is taken.
    """

    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    log_scale: Floats

    @classmethod
    def fit(cls, numbers: Numbers, visible: NDArray[np.bool_] | None = None) -> Standard:
        """Learn the scales from some of the numbers, by default from all.

        Centre and spread are the median and the quartiles' distance (as wide as a standard deviation of a
        normal distribution), so that a slip of the pen in one value moves none of the others.

        Shapes: visible (m,) bool.
        """
        chosen = np.ones(len(numbers.value), dtype=bool) if visible is None else visible
        if chosen.shape != numbers.value.shape:
            raise ValueError(f"expected visible {numbers.value.shape} (got {chosen.shape})")
        scales = np.full((3, len(numbers.names)), np.nan)
        scales[2] = 0
        order = np.argsort(numbers.predicate[chosen], kind="stable")
        predicate, value = numbers.predicate[chosen][order], numbers.value[chosen][order]
        starts = np.flatnonzero(np.diff(predicate, prepend=-1))
        for start, some in zip(starts, np.split(value, starts)[1:], strict=True):
            scales[:, predicate[start]] = _scale(some)
        return cls(numbers.names, *scales)

    def as_json(self) -> dict[str, Any]:
        """The scales as plain JSON values."""
        arrays = {name: getattr(self, name).tolist() for name in ("centre", "spread", "log_scale")}
        return {"names": list(self.names), **arrays}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Standard:
        """Read them back."""
        arrays = (np.array(values[name], dtype=float) for name in ("centre", "spread", "log_scale"))
        return cls(tuple(values["names"]), *arrays)

    def transform(self, numbers: Numbers) -> Floats:
        """The z-scores, at most 4 from 0; NaN for predicates of which no value was visible.

        Shapes: result (m,) float64.

        Raises:
            ValueError: the numbers are of other predicates.
        """
        if numbers.names != self.names:
            raise ValueError(f"expected the predicates that were fitted (got {len(numbers.names)} others)")
        at = numbers.predicate
        value = _logged(numbers.value, self.log_scale[at])
        clipped: Floats = np.clip((value - self.centre[at]) / self.spread[at], -_CLIP, _CLIP)
        return clipped


def _scale(value: Floats) -> tuple[float, float, float]:
    """Centre, spread, and the scale of the logarithm, taken where it makes the values less skewed."""
    size = float(np.median(np.abs(value[value != 0]))) if value.any() else 0.0
    log_scale = 0.0
    if size and abs(before := _skewness(value)) > _SKEWED:
        after = abs(_skewness(_logged(value, np.full(len(value), size))))
        log_scale = size if after < abs(before) else 0.0
    value = _logged(value, np.full(len(value), log_scale))
    low, centre, high = np.quantile(value, [0.25, 0.5, 0.75])
    spread = 0.7413 * (high - low) or float(np.std(value))
    # values that are all alike differ by rounding alone
    return (
        float(centre),
        spread if spread > 1e-12 * abs(centre) and spread > 0 else max(abs(centre), 1.0),
        log_scale,
    )


def _logged(value: Floats, scale: Floats) -> Floats:
    safe = np.where(scale > 0, scale, 1.0)
    return np.where(scale > 0, np.sign(value) * np.log1p(np.abs(value) / safe), value)


def _skewness(value: Floats) -> float:
    largest = np.abs(value).max()
    centred = value / largest - (value / largest).mean()  # cubes of large numbers overflow
    variance = float((centred**2).mean())
    return float((centred**3).mean()) / variance**1.5 if variance > 1e-24 else 0.0


def number_dim(num_predicates: int) -> int:
    """The width of the rows of so many predicates."""
    return WIDTH * max(1, min(num_predicates, MAX_BLOCKS))


def number_rows(numbers: Numbers, standard: Standard) -> tuple[Tensor, NDArray[np.int64]]:
    """Each number as an observation of its entity: a unit row that two near values nearly share.

    Random features (Rahimi and Recht 2007) at fixed frequencies, so that the product of two rows of one
    predicate is about ``(exp(-d^2 / 0.18) + exp(-d^2 / 4.5)) / 2`` for z-scores that are d apart. Rows of two
    predicates have product 0; where there are more than 64, some share a block under signs of their own, and
    their product is small. Numbers of predicates without any visible value are left out.

    Shapes: rows (k, number_dim) float32, owners (k,) int64 the entities of those.
    """
    import torch

    z = standard.transform(numbers)
    kept = np.flatnonzero(np.isfinite(z))
    predicate = numbers.predicate[kept]
    angle = z[kept, None] * _frequencies()
    wave = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) / np.sqrt(WIDTH / 2)
    block, sign = _layout(numbers.names)
    dim = number_dim(len(numbers.names))
    rows = np.zeros((len(kept), dim // WIDTH, WIDTH), dtype=np.float32)
    rows[np.arange(len(kept)), block[predicate]] = wave * sign[predicate]
    return torch.from_numpy(rows.reshape(len(kept), dim)), numbers.entity[kept]


@cache
def _frequencies() -> Floats:
    """Even quantiles of the normal distributions whose transform the two kernels are.

    Shapes: result (WIDTH / 2,).
    """
    from scipy.special import ndtri

    count = WIDTH // 2 // len(_LENGTHS)
    quantiles = ndtri(0.5 + (np.arange(count) + 0.5) / (2 * count))
    return np.concatenate([quantiles / length for length in _LENGTHS])


def _layout(names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The block of each predicate, one each while there are enough, and the signs of its dimensions."""
    digests = [hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() for name in names]
    block = np.arange(len(names))
    if len(names) > MAX_BLOCKS:
        block = np.array([int.from_bytes(digest[8:16], "little") % MAX_BLOCKS for digest in digests])
    bits = np.unpackbits(np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)[:, : WIDTH // 8], axis=1)
    return block.astype(np.int64), (2.0 * bits - 1).astype(np.float32)
