"""Rows of held-out facts, from a table of ranks written by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.training.link_rows import as_table, link_rows, relation_rows
from pipelines.training.link_run import LinkTest

ENTITIES, RELATIONS = pa.array(["a", "b", "c"]), pa.array(["likes", "owns"])
NAN = float("nan")
TEST = LinkTest(
    facts=np.array([[2, 1, 0], [0, 0, 1], [1, 0, 2]]),
    ranks=np.array([[1.0, 2.0], [4.0, 5.0], [1.0, 10.0]]),
    ruled=np.array([[1.0, 1.0], [NAN, NAN], [2.0, 4.0]]),
    met=np.array([False, True, True]),
)


def test_the_table_is_sorted_by_fact_and_names_it() -> None:
    table = as_table(TEST, ENTITIES, RELATIONS)
    facts = list(zip(*(table[name].to_pylist() for name in ("head", "relation", "tail")), strict=True))
    assert facts == [("a", "likes", "b"), ("b", "likes", "c"), ("c", "owns", "a")]
    assert table["tail_rank"].to_pylist() == [4, 1, 1]
    assert table["head_rank"].to_pylist() == [5, 10, 2]
    assert table["met"].to_pylist() == [True, True, False]


def test_rows_are_of_both_ends_each_end_and_newcomers() -> None:
    rows = {name: one.row() for name, one in link_rows([as_table(TEST, ENTITIES, RELATIONS)]).items()}
    count = {name: row["queries"] for name, row in rows.items()}
    parts = [" (filtered, both directions)", ", tails", ", heads"]
    parts += [f", entities that training {saw}" for saw in ("never saw", "saw")]
    assert list(count) == [scorer + part for scorer in ("links", "completion") for part in parts]
    assert list(count.values()) == [6, 3, 3, 2, 4, 4, 2, 2, 2, 2]  # rules were asked of two facts
    assert rows["links, tails"]["MRR"] == pytest.approx((1 + 1 / 4 + 1) / 3)
    assert rows["links, heads"]["R@5"] == pytest.approx(2 / 3)
    assert rows["links, entities that training never saw"]["MRR"] == 0.75
    assert rows["completion, entities that training saw"]["MRR"] == 0.375


def test_of_several_trainings_each_fact_counts_by_all_of_them() -> None:
    tables = [as_table(TEST, ENTITIES, RELATIONS)] * 2
    both = link_rows(tables, parts=False)["links (filtered, both directions)"]
    assert both.ranks.tolist() == [[4, 4, 5, 5], [1, 1, 10, 10], [1, 1, 2, 2]]
    assert both.asked == link_rows(tables[:1])["links (filtered, both directions)"].asked


def test_each_relation_that_was_asked_has_a_row() -> None:
    found = relation_rows([as_table(TEST, ENTITIES, RELATIONS)], "completion")
    assert {iri: one.ranks.tolist() for iri, one in found.items()} == {"likes": [[2, 4]], "owns": [[1, 1]]}


def test_no_facts_have_no_rows() -> None:
    none = LinkTest(np.empty((0, 3), np.int64), np.empty((0, 2)), np.empty((0, 2)), np.empty(0, bool))
    assert link_rows([as_table(none, ENTITIES, RELATIONS)]) == {}
    assert relation_rows([as_table(none, ENTITIES, RELATIONS)], "links") == {}
