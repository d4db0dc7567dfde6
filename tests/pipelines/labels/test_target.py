"""Targets: whose value is known, whose is asked for, and what gives it away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.labels.target import find_target
from tests.pipelines.fruits import EX, fruit, graph_of


def test_the_candidates_are_of_the_same_class_and_lack_a_value(tmp_path: Path) -> None:
    graph = graph_of(fruit(4, "\n:x a :Fruit . :stone a :Mineral ."), tmp_path)
    target = find_target(graph, EX + "kind")
    assert target.names == (EX + "apple", EX + "pear")
    assert [graph.entities[i].as_py() for i in target.candidates.tolist()] == [EX + "x"]
    assert target.classes.tolist() == [0, 1, 0, 1]
    assert not target.is_literal


def test_values_may_be_literals(tmp_path: Path) -> None:
    graph = graph_of(':a :grade "good" . :b :grade "bad" . :c :grade "good" .', tmp_path)
    target = find_target(graph, EX + "grade")
    assert sorted(target.names) == ["bad", "good"]
    assert target.is_literal
    assert target.entities.tolist() == graph.entity_ids([EX + name for name in "abc"]).tolist()


def test_each_of_several_values_is_a_class_of_the_entity_and_the_rarest_stands_first(tmp_path: Path) -> None:
    target = find_target(graph_of(fruit(4, "\n:f00 :kind :pear , :quince ."), tmp_path), EX + "kind")
    assert target.names == (EX + "apple", EX + "pear", EX + "quince")
    assert target.classes.tolist() == [2, 1, 0, 1]
    assert target.more.tolist() == [[0, 0], [0, 1]]
    assert target.several == 1
    assert target.counts(np.arange(4)).tolist() == [2, 3, 1]
    assert target.counts(np.array([1, 2])).tolist() == [1, 1, 0]
    third = 1 / 3
    np.testing.assert_allclose(
        target.shares(), [[third, third, third], [0, 1, 0], [1, 0, 0], [0, 1, 0]], rtol=1e-6
    )


def test_a_prediction_is_right_if_it_hits_any_of_the_values(tmp_path: Path) -> None:
    target = find_target(graph_of(fruit(4, "\n:f00 :kind :pear , :quince ."), tmp_path), EX + "kind")
    part = np.array([0, 0, 0, 3, 3])
    chosen = np.array([0, 1, 2, 0, 1])
    assert target.judged(part, chosen).tolist() == [0, 1, 2, 1, 1]


def test_a_property_that_nobody_has_is_refused_with_what_looks_like_it(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"\(got http://example.org/kid\); did you mean http://example.org/kind"
    ):
        find_target(graph_of(fruit(4), tmp_path), EX + "kid")


def test_one_value_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected two values or more .* \(got 1\)"):
        find_target(graph_of(":a :kind :apple . :b :kind :apple .", tmp_path), EX + "kind")


def test_who_shares_a_value_of_the_group_is_together_also_at_second_hand(tmp_path: Path) -> None:
    more = ":f00 :of :p . :f01 :of :p , :q . :f02 :of :q . :f03 :of :r . :other :of :r , :p ."
    graph = graph_of(fruit(6, "\n" + more), tmp_path)
    groups = find_target(graph, EX + "kind", EX + "of").groups
    assert groups is not None
    # 0, 1 and 2 by p and q; 3 alone, as the thing between r and p has no kind; 4 and 5 have no value
    assert groups.tolist() == [0, 0, 0, 1, 2, 3]


def test_literals_tie_too(tmp_path: Path) -> None:
    more = "\n".join(f":f{i:02} :patient {i // 3} ." for i in range(6))
    groups = find_target(graph_of(fruit(6, "\n" + more), tmp_path), EX + "kind", EX + "patient").groups
    assert groups is not None
    assert groups.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("iri", "sentence"),
    [
        ("off", r"expected a group that entities with the target have \(got \S+off\); did you mean \S+of"),
        ("of", r"expected two groups or more by \S+of \(got 1: all that have the target share it\)"),
    ],
)
def test_a_group_that_ties_none_or_all_is_refused(tmp_path: Path, iri: str, sentence: str) -> None:
    more = "\n".join(f":f{i:02} :of :p ." for i in range(4))
    with pytest.raises(ValueError, match=sentence):
        find_target(graph_of(fruit(4, "\n" + more), tmp_path), EX + "kind", EX + iri)


def test_where_the_values_of_some_are_not_known_they_are_candidates_and_count_for_nothing(
    tmp_path: Path,
) -> None:
    graph = graph_of(fruit(6, "\n:f00 :kind :pear , :quince .\n:f02 :kind :quince ."), tmp_path)
    target = find_target(graph, EX + "kind")
    known = target.known_of(np.array([0, 1, 3, 4]))
    assert known.entities.tolist() == target.entities[[0, 1, 3, 4]].tolist()
    assert known.candidates.tolist() == sorted(
        [*target.candidates.tolist(), *target.entities[[2, 5]].tolist()]
    )
    assert known.classes.tolist() == [2, 1, 1, 0]
    assert known.more.tolist() == [[0, 0], [0, 1]]
    assert known.names == target.names
    several = target.known_of(np.array([1, 2]))
    assert (several.classes.tolist(), several.more.tolist()) == ([1, 0], [[1], [2]])
