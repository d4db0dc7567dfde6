"""The outlier detector: what predicts what, when an alarm starts and ends, where its limit comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fusion.outliers import Watch, fit, trailing_mean, watched

WATCH = Watch(window=5, factor=1.5, follow=0, recent=100)


def noise(rows: int, sensors: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(rows, sensors, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seen(scores: list[float], **settings: float) -> list[bool]:
    """The alarms of one sensor whose means are given, at reference 0, scale 1 and limit 2."""
    found = watched(
        torch.tensor(scores).unsqueeze(1),
        torch.zeros(1),
        torch.ones(1),
        torch.tensor(2.0),
        follow=torch.tensor(settings.get("follow", 0.0)),
        release=torch.tensor(settings.get("release", 0.0)),
        relearn=int(settings.get("relearn", 0)),
    )
    return found.alarm.tolist()


def test_the_mean_is_of_a_row_and_those_before_it() -> None:
    rows = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 6.0]])
    assert trailing_mean(rows, 2).tolist() == [[2.0, 0.0], [4.0, 3.0]]


def test_two_equal_sensors_predict_each_other_but_for_the_penalty() -> None:
    rows = noise(50, 1).expand(-1, 2).contiguous()
    units = (rows - rows.mean(0)) / rows.std(0)
    weight = (49 / 50) / (49 / 50 + 0.5)  # gram of unit columns is (n - 1) / n
    detector = fit(rows, replace(WATCH, strength=0.5))
    torch.testing.assert_close(
        detector.prediction, torch.tensor([[0.0, weight], [weight, 0.0]], dtype=torch.float64)
    )
    torch.testing.assert_close(detector.residuals(rows), units * (1 - weight))


def test_only_tied_sensors_predict() -> None:
    ties = torch.zeros(3, 3, dtype=torch.bool)
    ties[0, 1] = True
    prediction = fit(noise(50), WATCH, ties).prediction
    assert prediction.nonzero().tolist() == [[0, 1]]


def test_an_alarm_starts_above_the_limit_and_ends_below_it() -> None:
    assert seen([1.0, 2.0, 2.1, 5.0, 2.0, 1.9, 1.0]) == [False, False, True, True, True, False, False]


def test_an_alarm_ends_below_a_share_of_its_own_peak() -> None:
    assert seen([9.0, 10.0, 5.0, 4.9], release=0.5, relearn=1) == [True, True, True, False]


def test_the_level_after_an_alarm_becomes_the_reference() -> None:
    rows = [10.0, 4.0, 4.0, 4.0, 5.9, 6.1, -1.0]
    assert seen(rows, release=0.5, relearn=2) == [True, False, False, False, False, True, True]
    assert seen(rows, release=0.5, relearn=0) == [True, False, True, True, True, True, False]


def test_the_reference_follows_drift_but_not_a_fault() -> None:
    drift = [0.5 * row for row in range(40)]
    assert not any(seen(drift, follow=2.0))
    assert any(seen(drift, follow=0.0))
    assert all(seen([5.0] * 40, follow=2.0))


def test_many_series_watched_at_once_are_each_as_if_alone() -> None:
    means = noise(60, 2, seed=3).reshape(60, 2, 1) * 2
    settings = {"follow": torch.tensor([0.0, 9.0]), "release": torch.tensor([0.3, 0.6])}
    both = watched(
        means, torch.zeros(2, 1), torch.ones(2, 1), torch.tensor([2.0, 1.5]), relearn=3, **settings
    )
    for place, limit in enumerate((2.0, 1.5)):
        one = {name: values[place] for name, values in settings.items()}
        alone = watched(means[:, place], torch.zeros(1), torch.ones(1), torch.tensor(limit), relearn=3, **one)
        assert torch.equal(both.alarm[:, place], alone.alarm)
        assert alone.alarm.any()
        assert not alone.alarm.all()


@pytest.mark.parametrize("sensor", [0, 1, 2])
def test_a_planted_outlier_is_found_with_its_sensor_and_nothing_else_is(sensor: int) -> None:
    rows = noise(400)
    rows[300:340, sensor] += 6
    found = fit(rows[:200], replace(WATCH, factor=1.6))(rows[200:])
    assert not found.alarm[:100].any()
    assert found.alarm[103:140].all()
    assert not found.alarm[146:].any()
    assert (found.sensor[105:140] == sensor).all()


def test_a_broken_tie_is_found_where_each_sensor_alone_looks_normal() -> None:
    rows = noise(400, 1, seed=5) + 0.05 * noise(400, 2, seed=6)
    rows[300:340, 1] = -rows[300:340, 1]
    settings = Watch(window=1, strength=0.01, follow=0, factor=1.5, release=0)
    assert fit(rows[:200], settings)(rows[200:]).alarm[100:140].sum() > 25
    untied = fit(rows[:200], settings, torch.zeros(2, 2, dtype=torch.bool))
    assert not untied(rows[200:]).alarm.any()


def test_the_limit_comes_from_the_fitting_rows_alone_and_no_alarm_sees_later_rows() -> None:
    rows = noise(300)
    other = rows.clone()
    other[250:] *= 50
    detector = fit(rows[:200], WATCH)
    assert torch.equal(detector(rows[200:]).score[:50], detector(other[200:]).score[:50])
    assert detector.highest == (trailing_mean(detector.residuals(rows[:200]), 5).abs() / detector.scale).max()


def test_units_of_the_sensors_do_not_matter() -> None:
    rows = noise(300)
    units = rows * torch.tensor([1e-3, 1.0, 1e4]) + torch.tensor([5.0, -2.0, 0.0])
    one, two = fit(rows[:200], WATCH)(rows[200:]), fit(units[:200], WATCH)(units[200:])
    torch.testing.assert_close(one.score, two.score)


def test_a_sensor_of_weight_0_raises_no_alarm() -> None:
    rows = noise(300)
    rows[250:, 1] += 30
    untied = torch.zeros(3, 3, dtype=torch.bool)
    weights = torch.tensor([1.0, 0.0, 1.0])
    found = fit(rows[:200], replace(WATCH, factor=2.0), untied, weights)(rows[200:])
    assert not found.alarm.any()
    assert fit(rows[:200], replace(WATCH, factor=2.0), untied)(rows[200:]).alarm[55:].all()


def test_a_sensor_that_stands_still_is_watched_too() -> None:
    rows = noise(300)
    rows[:, 2] = 7.0
    rows[280:, 2] = 7.5
    found = fit(rows[:200], WATCH)(rows[200:])
    assert torch.isfinite(found.score).all()
    assert found.alarm[80:].all()
    assert (found.sensor[80:] == 2).all()


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        (noise(9), {}, "expected at least two windows, 10 rows, to fit on .got 9."),
        (noise(50)[:, 0], {}, r"expected readings as \(rows, sensors\)"),
        (noise(50)[:, :0], {}, r"none of them 0 \(got \(50, 0\)\)"),
        (torch.full((50, 2), torch.nan), {}, "got 100 that are NaN or infinite"),
        (noise(50), {"ties": torch.ones(2, 2)}, r"expected ties as a \(3, 3\) bool"),
        (noise(50), {"weights": torch.zeros(3)}, "expected 3 weights of at least 0, one above it"),
        (noise(50), {"weights": torch.tensor([1.0, -1.0, 1.0])}, "expected 3 weights"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    values: Tensor, options: dict[str, Tensor], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        fit(values, WATCH, **options)


def test_other_sensors_than_in_fitting_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 3 sensors, as in fitting \(got 2\)"):
        fit(noise(50), WATCH)(noise(50, 2))


@pytest.mark.parametrize(
    "change", [{"window": 0}, {"strength": 0.0}, {"factor": 0.0}, {"release": 1.0}, {"follow": -1.0}]
)
def test_settings_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(WATCH, **change)


def test_settings_of_other_shapes_are_tried_at_once() -> None:
    means, zero = noise(30, 1, seed=4).unsqueeze(1) * 2, torch.tensor(0.0)
    limits = torch.tensor([0.5, 1.0, 3.0])
    many = watched(means, torch.zeros(1, 1), torch.ones(1, 1), limits, follow=zero, release=zero, relearn=0)
    assert many.score.shape == many.alarm.shape == many.sensor.shape == (30, 3)
    assert torch.equal(many.alarm, many.score > limits)
