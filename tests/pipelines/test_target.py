"""Targets: whose value is known, whose is asked for, and what gives it away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.target import find_target, label_split, leaks

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


def test_an_entity_of_several_values_teaches_none_and_is_counted(tmp_path: Path) -> None:
    target = find_target(graph_of(fruit(4, "\n:f00 :kind :pear ."), tmp_path), EX + "kind")
    assert target.several == 1
    assert len(target.entities) == 3


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


@pytest.mark.parametrize(
    ("more", "iri", "reason"),
    [
        ("\n".join(f":{('apple', 'pear')[i % 2]} :has :f{i:02} ." for i in range(12)), "has", "inverse"),
        ("\n".join(f":f{i:02} :sort :{('apple', 'pear')[i % 2]} ." for i in range(12)), "sort", "same pairs"),
        ("\n".join(f":f{i:02} :shelf :{('one', 'two')[i % 2]} ." for i in range(12)), "shelf", "one class"),
        ("\n".join(f':f{i:02} :code "{i % 2}" .' for i in range(12)), "code", "one class"),
    ],
)
def test_what_gives_the_label_away_is_named(tmp_path: Path, more: str, iri: str, reason: str) -> None:
    graph = graph_of(fruit(12, "\n" + more), tmp_path)
    found = leaks(graph, find_target(graph, EX + "kind"))
    assert [(leak.iri, reason in leak.reason) for leak in found] == [(EX + iri, True)]


def test_honest_facts_are_no_leak(tmp_path: Path) -> None:
    more = "\n".join(
        f':f{i:02} :near :f{(i + 1) % 12:02} ; :bought :day{i % 3} ; :name "n{i}" .' for i in range(12)
    )
    graph = graph_of(fruit(12, "\n" + more), tmp_path)
    assert leaks(graph, find_target(graph, EX + "kind")) == []
