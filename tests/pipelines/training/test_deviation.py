"""Deviations of a sample."""

from __future__ import annotations

import pytest

from pipelines.training.deviation import deviation, deviation_said, splits


def test_a_deviation_is_that_of_a_sample_and_one_value_has_none() -> None:
    assert deviation([1, 3]) == pytest.approx(2**0.5)
    assert deviation([2.0, 2.0, 2.0]) == 0
    assert deviation([2.0]) is None


def test_a_single_one_is_said_to_have_no_deviation() -> None:
    assert deviation_said(0.0126) == "deviation 0.013"
    assert deviation_said(1.2, 2) == "deviation 1.20"
    assert deviation_said(None) == "a single one, so no deviation"
    assert [splits(1), splits(3)] == [
        "a single split, so no deviation",
        "3 splits, mean ± standard deviation",
    ]
