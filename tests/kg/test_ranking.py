"""Ranks and their means by hand, against scikit-learn, and against a score that knows nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from kg.ranking import mean_reciprocal_rank, realistic_ranks, recall_at, summary


def test_the_rank_counts_the_scores_that_are_better() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert realistic_ranks(scores, np.array([1, 1, 2])).tolist() == [1, 2, 3]


def test_a_tie_costs_half_a_place_for_each_equal() -> None:
    # one better, two equal: places 2 to 4, on average 3; two equal at the top: 1 to 2
    scores = np.array([[5.0, 4.0, 4.0, 4.0, 1.0], [2.0, 2.0, 1.0, 0.0, 0.0]])
    assert realistic_ranks(scores, np.array([2, 0])).tolist() == [3.0, 1.5]


def test_other_known_answers_do_not_count_against_the_true_one() -> None:
    scores = np.array([[9.0, 7.0, 8.0, 7.0, 1.0]])
    known = np.array([[True, True, False, True, False]])
    # 0 and 3 are filtered, the answer 1 itself is not; only 2 is better
    assert realistic_ranks(scores, np.array([1]), known).tolist() == [2.0]
    # without the filter 0 and 2 are better and 3 is equal
    assert realistic_ranks(scores, np.array([1])).tolist() == [3.5]


def test_the_filter_is_not_changed() -> None:
    known = np.array([[True, False]])
    realistic_ranks(np.array([[1.0, 2.0]]), np.array([0]), known)
    assert known.tolist() == [[True, False]]


def test_a_constant_score_earns_what_chance_earns() -> None:
    # the mean place of one answer among 9 is 5, whoever it is
    answers = np.arange(9)
    assert realistic_ranks(np.zeros((9, 9)), answers).tolist() == [5.0] * 9
    chance = np.random.default_rng(0).random((20_000, 9))
    assert realistic_ranks(chance, np.zeros(20_000, dtype=np.int64)).mean() == pytest.approx(5, abs=0.06)


def test_infinite_scores_are_ranked_like_others() -> None:
    scores = np.array([[-np.inf, 0.0, np.inf, -np.inf]])
    assert [realistic_ranks(scores, np.array([answer]))[0] for answer in range(4)] == [3.5, 2, 1, 3.5]


def test_ranks_do_not_depend_on_the_order_of_the_candidates() -> None:
    random = np.random.default_rng(1)
    scores, answers = random.integers(0, 5, (30, 8)).astype(float), random.integers(0, 8, 30)
    known, order = random.random((30, 8)) < 0.3, random.permutation(8)
    place = np.argsort(order)
    moved = realistic_ranks(scores[:, order], place[answers], known[:, order])
    np.testing.assert_array_equal(moved, realistic_ranks(scores, answers, known))


def test_without_ties_the_means_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(2)
    scores = random.permutation(200 * 12).reshape(200, 12).astype(float)
    answers = random.integers(0, 12, 200)
    ranks = realistic_ranks(scores, answers)
    one_hot = np.eye(12)[answers]
    # with one relevant label its average precision is its reciprocal rank
    assert mean_reciprocal_rank(ranks) == pytest.approx(
        label_ranking_average_precision_score(one_hot, scores)
    )
    for k in (1, 5, 10):
        expected = top_k_accuracy_score(answers, scores, k=k, labels=np.arange(12))
        assert recall_at(ranks, k) == pytest.approx(expected)


def test_means_by_hand() -> None:
    ranks = np.array([1.0, 2.0, 4.0, 20.0])
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 20) / 4)
    assert [recall_at(ranks, k) for k in (1, 2, 3, 4, 20)] == [0.25, 0.5, 0.5, 0.75, 1.0]
    assert summary(ranks) == {
        "MRR": pytest.approx(0.45),
        "R@1": 0.25,
        "R@5": 0.75,
        "R@10": 0.75,
        "queries": 4.0,
    }


def test_a_rank_between_two_places_is_not_within_the_better_one() -> None:
    assert recall_at(np.array([1.5]), 1) == 0
    assert recall_at(np.array([1.5]), 2) == 1


@pytest.mark.parametrize("place", [(0, 0), (0, 1)], ids=["the answer", "a rival"])
def test_a_score_that_is_not_a_number_is_refused(place: tuple[int, int]) -> None:
    scores = np.zeros((1, 2))
    scores[place] = np.nan
    with pytest.raises(ValueError, match=r"expected scores that are numbers \(got NaN\)"):
        realistic_ranks(scores, np.array([0]))


def test_the_mean_of_no_ranks_is_not_a_number() -> None:
    none = realistic_ranks(np.empty((0, 5)), np.empty(0, dtype=np.int64))
    assert none.shape == (0,)
    assert math.isnan(mean_reciprocal_rank(none))
    row = summary(none)
    assert row.pop("queries") == 0
    assert all(math.isnan(value) for value in row.values())
