"""What is said of held-out links: the relations that are shown, and what training gave away, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from kg.leakage import Leakage, Told
from pipelines.training.link_report import leakage_report, leakage_sentences, link_report, shown_relations
from pipelines.training.link_rows import as_table
from pipelines.training.link_run import LinkTest

RELATIONS = pa.array([f"r{number}" for number in range(8)])


def report_of(most: int) -> dict[str, Any]:
    """A fact of each relation, the later the better; rules were asked of the first so many."""
    facts = np.array([[number, number, number + 1] for number in range(8)])
    ranks = np.repeat(8.0 - np.arange(8), 2).reshape(8, 2)
    ruled = np.where(np.arange(8)[:, None] < most, ranks[::-1], np.nan)
    test = LinkTest(facts, ranks, ruled, np.ones(8, dtype=bool))
    return link_report([as_table(test, pa.array([f"e{number}" for number in range(9)]), RELATIONS)])


def test_the_worst_and_the_best_relations_are_shown_by_the_last_scorer_that_was_asked_of_all() -> None:
    assert [iri for iri, _ in shown_relations(report_of(7))] == ["r0", "r1", "r2", "r5", "r6", "r7"]
    assert [iri for iri, _ in shown_relations(report_of(8))] == ["r7", "r6", "r5", "r2", "r1", "r0"]


def test_a_single_fact_is_as_sure_as_it_is_and_one_training_has_no_spread() -> None:
    report = report_of(8)
    assert report["relations"]["links"]["r7"]["interval"] == (1.0, 1.0)
    assert set(report["spread"]["links, tails"].values()) == {None}


def test_leakage_is_told_by_share_and_by_relation() -> None:
    found = Leakage(10, 1, 2, 3, 4, (Told(0, 1, True, 0.9, 3), Told(1, 2, False, 1.0, 0)))
    report = leakage_report(found, RELATIONS)
    assert report["relations"][0] == {
        "relation": "r0",
        "by": "r1",
        "reversed": True,
        "share": 0.9,
        "test facts told": 3,
    }
    assert leakage_sentences(report) == [
        "of 10 test facts training holds 1 (10.0%) as they are, "
        "2 (20.0%) with their pair by another relation, "
        "3 (30.0%) with their pair reversed, 4 (40.0%) by a relation that nearly repeats theirs",
        "r1 holds the reverse of 90% of r0, and tells 3 test facts",
    ]


def test_where_no_link_was_held_out_nothing_is_told() -> None:
    assert leakage_report(None, RELATIONS) == {}
    assert leakage_sentences({}) == []
