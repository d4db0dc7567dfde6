"""Intervals and paired tests against scipy's, which resamples query by query."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from kg.resampling import interval, paired_difference


def scores(count: int, seed: int) -> np.ndarray:
    return 1 / np.random.default_rng(seed).geometric(0.3, count).astype(np.float64)


def test_the_interval_is_the_percentile_bootstrap_of_scipy() -> None:
    values = scores(300, 0)
    found = interval([values])
    known = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=9999, rng=np.random.default_rng(1)
    ).confidence_interval
    assert found == pytest.approx((known.low, known.high), abs=0.006)


def test_a_mean_of_splits_is_surer_than_each_and_each_is_drawn_within_itself() -> None:
    # two splits that differ, without any spread within them: nothing is unsure
    assert interval([np.zeros(5), np.ones(9)]) == (0.5, 0.5)
    one, four = interval([scores(100, 0)]), interval([scores(100, seed) for seed in range(4)])
    assert one is not None
    assert four is not None
    assert four[1] - four[0] == pytest.approx((one[1] - one[0]) / 2, rel=0.2)


def test_without_a_query_there_is_no_interval() -> None:
    assert interval([]) is None
    assert interval([np.empty(0)]) is None


def test_the_paired_test_agrees_with_the_permutation_test_of_scipy() -> None:
    one, other = scores(60, 0), scores(60, 1)
    found = paired_difference([one], [other])
    known = scipy.stats.permutation_test(
        (one, other),
        lambda a, b, axis: (a - b).mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(2),
    )
    assert found.mean == pytest.approx(known.statistic)
    assert found.p == pytest.approx(known.pvalue, abs=0.05)
    assert found.low < found.mean < found.high
    assert found.queries == 60


def test_equal_runs_do_not_differ_and_a_gain_on_every_query_is_no_luck() -> None:
    values = scores(40, 0)
    same = paired_difference([values], [values])
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    better = paired_difference([values + 0.25], [values])
    assert (better.low, better.high) == pytest.approx((0.25, 0.25))
    assert better.p == pytest.approx(1 / 1001)


def test_few_queries_prove_little() -> None:
    # of three queries all swaps or none are as far apart: two of eight by luck
    assert paired_difference([np.ones(3)], [np.zeros(3)]).p == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("other", [[np.zeros(2)], [np.zeros(3), np.zeros(1)]])
def test_runs_of_other_numbers_of_queries_are_refused(other: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"^expected scores of the same queries \(got \[3\] and "):
        paired_difference([np.zeros(3)], other)


def test_many_different_values_are_drawn_a_few_resamples_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(50)
    whole = interval([values])
    monkeypatch.setattr("kg.resampling._HELD", 100)
    assert interval([values]) == pytest.approx(whole, abs=1e-12)
