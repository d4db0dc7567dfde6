"""Taking evidence away: what is drawn at random is of the same size, and the figures are means and shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchmarks.faithfulness import case, drops, other_facts, questions, rows, summary

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher


def test_random_facts_touch_the_chain_and_are_none_of_it(searcher: Searcher, collection: Any) -> None:
    graph = searcher.store.graph
    triples = [tuple(fact) for fact in graph.triples.tolist()]
    path = triples[:2]
    ends = {end for head, _, tail in path for end in (head, tail)}
    drawn = other_facts(searcher.store, path, np.random.default_rng(0))
    assert len(drawn) == len(set(drawn)) == 2
    assert not set(drawn) & set(path)
    assert set(drawn) <= set(triples)
    assert all({head, tail} & ends for head, _, tail in drawn)


def test_a_case_judges_the_best_hit_that_is_another_thing(searcher: Searcher) -> None:
    found = [(thing, case(searcher, thing, question)) for thing, question in questions(searcher, 6)]
    owners = searcher.store.observations.owners
    for thing, one in found:
        assert one is not None
        assert one.hit != thing
        assert one.observation is not None
        modality, row = one.observation
        assert int(owners[modality][row]) == one.hit
        assert one.observation not in one.others
        assert all(int(owners[name][place]) == one.hit for name, place in one.others)
        assert not one.path or one.hit in (one.path[-1][0], one.path[-1][2])
    shown = {next(iter(one.asked.features)) for _, one in found if one}
    assert shown == {"text", "image"}


def test_what_is_taken_away_lowers_the_score_and_the_store_stays(searcher: Searcher) -> None:
    before = {name: value.clone() for name, value in searcher.store.tensors.items()}
    cases = [case(searcher, thing, question) for thing, question in questions(searcher, 6)]
    found = drops(searcher, [one for one in cases if one is not None])
    assert len(found["observation"]) == 6
    assert np.mean([named for named, _ in found["observation"]]) > 0.1
    assert found["path"]
    assert np.mean([named for named, _ in found["path"]]) > 0
    assert all(torch.equal(value, searcher.store.tensors[name]) for name, value in before.items())


def test_figures_are_means_spreads_and_shares() -> None:
    found = summary([(0.5, 0.1), (0.1, 0.3), (0.3, 0.2)])
    assert found == pytest.approx(
        {
            "questions": 3,
            "named mean": 0.3,
            "named spread": 0.2,
            "random mean": 0.2,
            "random spread": 0.1,
            "wins": 2 / 3,
        }
    )
    lost, wins = rows({"path": found})
    assert (lost.holds, wins.holds) == (True, True)
    assert (lost.ours, lost.rival, wins.ours, wins.rival) == pytest.approx((0.3, 0.2, 2 / 3, 0.5))
