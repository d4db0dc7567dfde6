"""Outliers of sensors that watch each other: hide each, predict it from its ties, watch what is left.

Tensors only. Nothing is learned from labels, and the limit of an alarm comes from the fitting rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Watch:
    """How a detector is fitted and how it watches.

    Attributes:
        window: Rows of the trailing mean; an alarm sees no later row.
        strength: Ridge penalty of the prediction, for each fitting row; it is also the variance of the
            noise under which a linear denoising autoencoder would learn the same prediction.
        factor: The limit, in times of the highest score among the fitting rows.
        follow: Rows in which the reference follows slow drift while there is no alarm; 0 for never.
        release: An alarm ends below this share of its own peak: a fault may end at a new level.
        relearn: Rows after such an end in which the new level becomes the reference.
        recent: Last fitting rows that the reference starts from.
    """

    window: int = 20
    strength: float = 0.3
    factor: float = 1.25
    follow: float = 400.0
    release: float = 0.3
    relearn: int = 30
    recent: int = 200

    def __post_init__(self) -> None:
        if self.window < 1 or self.recent < 1 or self.relearn < 0 or self.follow < 0:
            raise ValueError(
                "expected window and recent of at least 1 row, relearn and follow of at least 0 "
                f"(got {self.window}, {self.recent}, {self.relearn}, {self.follow})"
            )
        if not (self.strength > 0 and self.factor > 0 and 0 <= self.release < 1):
            raise ValueError(
                "expected strength and factor above 0 and release in [0, 1) "
                f"(got {self.strength}, {self.factor}, {self.release})"
            )


@dataclass(frozen=True)
class Alarms:
    """What was seen in each row.

    Shapes:
        score (n,); alarm (n,) bool; sensor (n,) int64, the one that carries the score
    """

    score: Tensor
    alarm: Tensor
    sensor: Tensor


@dataclass(frozen=True)
class Detector:
    """A fitted detector.

    Shapes:
        centre, spread (s,): the units of the sensors; prediction (s, s): column j predicts sensor j, its own
        row is 0; reference, scale (s,); highest (): the highest score among the fitting rows;
        tail (window - 1, s): the last fitting rows, as residuals
    """

    watch: Watch
    centre: Tensor
    spread: Tensor
    prediction: Tensor
    reference: Tensor
    scale: Tensor
    highest: Tensor
    tail: Tensor

    def residuals(self, values: Tensor) -> Tensor:
        """What the other sensors do not tell of each, in units of its spread: ``(n, s)`` of ``(n, s)``."""
        units = (checked(values) - self.centre) / self.spread
        return units - units @ self.prediction

    def means(self, values: Tensor) -> Tensor:
        """Trailing means of the residuals of rows that follow the fitting rows: ``(n, s)`` of ``(n, s)``.

        Raises:
            ValueError: if the sensors are others than in fitting, or a reading is not finite.
        """
        if checked(values).shape[1] != len(self.centre):
            raise ValueError(f"expected {len(self.centre)} sensors, as in fitting (got {values.shape[1]})")
        return trailing_mean(torch.cat([self.tail, self.residuals(values)]), self.watch.window)

    def __call__(self, values: Tensor) -> Alarms:
        """Watch the rows that follow the fitting rows: ``(n, s)``."""
        watch = self.watch
        means = self.means(values)
        return watched(
            means,
            self.reference,
            self.scale,
            watch.factor * self.highest,
            follow=torch.tensor(watch.follow),
            release=torch.tensor(watch.release),
            relearn=watch.relearn,
        )


def fit(values: Tensor, watch: Watch, ties: Tensor | None = None, weights: Tensor | None = None) -> Detector:
    """Fit on rows that are taken to be normal.

    Args:
        values: ``(n, s)`` readings, a row for each time.
        watch: The settings.
        ties: ``(s, s)`` bool: which sensors (rows) may predict which (columns); all by default.
        weights: ``(s,)`` of at least 0: how much a deviation of each sensor counts; 1 by default.

    Raises:
        ValueError: if there are fewer than two windows of rows, or a shape or value does not fit.
    """
    values = checked(values)
    rows, sensors = values.shape
    if rows < 2 * watch.window:
        raise ValueError(f"expected at least two windows, {2 * watch.window} rows, to fit on (got {rows})")
    centre = values.mean(0)
    # a sensor that stands still: the least change counts, but nothing is divided by 0
    spread = values.std(0).maximum(1e-6 * centre.abs()).clamp(min=1e-12)
    units = (values - centre) / spread
    prediction = _prediction(units, watch.strength, _tied(ties, sensors))
    residuals = units - units @ prediction
    means = trailing_mean(residuals, watch.window)
    scale = (means.square().mean(0).sqrt() + 1e-3) / _weights(weights, sensors)
    return Detector(
        watch, centre, spread, prediction,
        reference=residuals[-watch.recent :].mean(0),
        scale=scale,
        highest=(means.abs() / scale).amax(),
        tail=residuals[rows - watch.window + 1 :],
    )  # fmt: skip


def watched(
    means: Tensor,
    reference: Tensor,
    scale: Tensor,
    limit: Tensor,
    *,
    follow: Tensor,
    release: Tensor,
    relearn: int,
) -> Alarms:
    """Row by row: the score, whether there is an alarm, and what becomes of the reference.

    The reference follows the readings while there is no alarm, stands still during one, and is learnt anew
    when an alarm has ended at another level. Many series, or many settings, can be watched at once.

    Shapes:
        means (n, ..., s); reference, scale (..., s); limit, follow, release (...); all give (n, ...)
    """
    rate = torch.where(follow > 0, 1 / follow.clamp(min=1), 0.0)
    shapes = (limit.shape, follow.shape, release.shape)
    shape = torch.broadcast_shapes((means[0] / scale).shape[:-1], reference.shape[:-1], *shapes)
    peak = means.new_zeros(shape)
    waiting, alarm = torch.zeros_like(peak), torch.zeros_like(peak, dtype=torch.bool)
    seen = []
    for row in means:
        deviation = row - reference
        score, sensor = (deviation.abs() / scale).max(-1)
        peak = torch.where(alarm, torch.maximum(peak, score), score)
        ends = alarm & ((score < limit) | (score < release * peak))
        starts = ~alarm & (waiting == 0) & (score > limit)
        share = torch.where(alarm | starts, 0.0, torch.where(waiting > 0, 1.0, rate))
        reference = reference + share.unsqueeze(-1) * deviation
        waiting = torch.where(ends & (score >= limit), float(relearn), (waiting - 1).clamp(min=0))
        alarm = (alarm & ~ends) | starts
        seen.append((score.expand(shape), alarm, sensor.expand(shape)))
    return Alarms(*(torch.stack(parts) for parts in zip(*seen, strict=True)))


def trailing_mean(values: Tensor, window: int) -> Tensor:
    """The mean of each row and the `window` - 1 before it: ``(n - window + 1, s)`` of ``(n, s)``."""
    return values.unfold(0, window, 1).mean(-1)


def checked(values: Tensor) -> Tensor:
    """The same readings in double precision.

    Raises:
        ValueError: if they are no table, or one is not finite.
    """
    if values.ndim != 2 or not len(values) or values.shape[1] == 0:
        raise ValueError(f"expected readings as (rows, sensors), none of them 0 (got {tuple(values.shape)})")
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise ValueError(
            f"expected finite readings (got {bad} that are NaN or infinite): fill the gaps first"
        )
    return values.double()


def _prediction(units: Tensor, strength: float, ties: Tensor) -> Tensor:
    """Each sensor from those tied to it, by ridge regression: ``(s, s)``, column j for sensor j."""
    rows, sensors = units.shape
    gram = units.t() @ units / rows
    prediction = torch.zeros_like(gram)
    for sensor in range(sensors):
        others = ties[:, sensor].nonzero().flatten()
        inner = gram[others][:, others] + strength * torch.eye(len(others), dtype=gram.dtype)
        prediction[others, sensor] = torch.linalg.solve(inner, gram[others, sensor])
    return prediction


def _tied(ties: Tensor | None, sensors: int) -> Tensor:
    """Which may predict which; a sensor never predicts itself."""
    if ties is None:
        ties = torch.ones(sensors, sensors, dtype=torch.bool)
    if ties.shape != (sensors, sensors) or ties.dtype != torch.bool:
        raise ValueError(
            f"expected ties as a ({sensors}, {sensors}) bool (got {tuple(ties.shape)} {ties.dtype})"
        )
    return ties & ~torch.eye(sensors, dtype=torch.bool)


def _weights(weights: Tensor | None, sensors: int) -> Tensor:
    if weights is None:
        return torch.ones(sensors, dtype=torch.float64)
    if weights.shape != (sensors,) or not bool((weights >= 0).all()) or not bool((weights > 0).any()):
        raise ValueError(f"expected {sensors} weights of at least 0, one above it (got {weights.tolist()})")
    return weights.double()
