"""Targets: whose value is known, whose is asked for, and what gives it away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.target import find_target, label_split

EX = "http://example.org/"
HEAD = "@prefix : <http://example.org/> .\n"


def graph_of(text: str, folder: Path) -> KnowledgeGraph:
    path = folder / "graph.ttl"
    path.write_text(HEAD + text, encoding="utf-8")
    return read([path])[0]


def fruit(count: int, more: str = "") -> str:
    """Things of two kinds in turn."""
    lines = [f":f{i:02} a :Fruit ; :kind :{('apple', 'pear')[i % 2]} ." for i in range(count)]
    return "\n".join(lines) + more


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


def test_each_class_is_split_in_proportion_and_keeps_an_example(tmp_path: Path) -> None:
    target = find_target(graph_of(fruit(40, "\n:q a :Fruit ; :kind :quince ."), tmp_path), EX + "kind")
    split = label_split(target, valid=0.1, test=0.3, seed=0)
    for part, count in ((split.train, 12), (split.valid, 2), (split.test, 6)):
        assert np.bincount(target.classes[part], minlength=3)[:2].tolist() == [count, count]
    quince = int(np.flatnonzero(np.bincount(target.classes) == 1)[0])
    assert quince in target.classes[split.train]
    assert np.array_equal(np.sort(np.concatenate([split.train, split.valid, split.test])), np.arange(41))
