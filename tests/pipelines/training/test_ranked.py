"""Ranks by query: what was asked is told by a hash, and both ends of a fact are drawn together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipelines.training.ranked import Ranked, intervals


def test_they_come_back_from_json_and_whole_ranks_are_short() -> None:
    ranked = Ranked.of(["a", "b"], np.array([[1.0, 2.5], [3.0, 1.0]]))
    text = json.dumps(ranked.as_json()["ranks"])
    assert text == "[[1, 3], [2.5, 1]]"
    back = Ranked.from_json(json.loads(json.dumps(ranked.as_json())))
    assert back.asked == ranked.asked
    np.testing.assert_array_equal(back.ranks, ranked.ranks)


def test_other_queries_or_another_order_have_another_hash() -> None:
    ranks = np.ones(2)
    hashes = {Ranked.of(names, ranks).asked for names in (["a", "b"], ["b", "a"], ["a", "c"], ["ab", ""])}
    assert len(hashes) == 4


def test_a_row_counts_every_rank_once() -> None:
    row = Ranked.of(["a", "b"], np.array([[1.0, 2.0], [4.0, 20.0]])).row()
    assert row == {"MRR": pytest.approx(0.45), "R@1": 0.25, "R@5": 0.75, "R@10": 0.75, "queries": 4}


def test_both_ends_of_a_fact_are_drawn_together() -> None:
    # the ends of each fact make up for each other, so that no draw of facts changes the mean
    ranks = np.array([[1.0, 100.0], [100.0, 1.0]] * 10)
    found = intervals([Ranked.of(["f"] * 20, ranks)])
    assert found["R@1"] == [0.5, 0.5]
    assert found["MRR"] == pytest.approx((0.505, 0.505))
    apart = intervals([Ranked.of(["f"] * 40, ranks.reshape(-1))])["R@1"]
    assert apart is not None
    assert apart[0] < 0.4


def test_no_queries_have_no_interval() -> None:
    assert intervals([Ranked.of([], np.empty(0))])["MRR"] is None
