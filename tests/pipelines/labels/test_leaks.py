"""What gives a target away: found, named, and found as a loop over the relations would find it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from pipelines.labels.leaks import leaks
from pipelines.labels.target import Target, find_target
from tests.pipelines.fruits import EX, fruit, graph_of


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


def test_a_derived_property_of_several_values_is_found_too(tmp_path: Path) -> None:
    # two of three kinds each, and the letters of both
    pairs = [("apple", "pear"), ("pear", "quince"), ("quince", "apple")]
    lines = [
        f':f{i:02} :kind :{one} , :{two} ; :code "{one[0]}" , "{two[0]}" .'
        for i in range(12)
        for one, two in (pairs[i % 3],)
    ]
    graph = graph_of("\n".join(lines), tmp_path)
    assert [leak.iri for leak in leaks(graph, find_target(graph, EX + "kind"))] == [EX + "code"]


def test_what_holds_some_of_the_pairs_the_other_way_is_an_inverse(tmp_path: Path) -> None:
    more = "\n:apple :has :f00 . :pear :has :f00 . :f00 :kind :pear ."
    graph = graph_of(fruit(12, more), tmp_path)
    found = leaks(graph, find_target(graph, EX + "kind"))
    assert [(leak.iri, leak.reason) for leak in found] == [(EX + "has", "it holds the inverse")]


def random_graph(seed: int, size: int = 24, relations: int = 6) -> KnowledgeGraph:
    """Facts at random; some relations follow the target, which is the first."""
    random = np.random.default_rng(seed)
    kind = random.integers(3, size=size)
    rows = [(i, 0, size + kind[i]) for i in range(size) if random.random() < 0.8]
    for relation in range(1, relations):
        noise, share = random.choice([0.0, 0.02, 0.3, 1.0]), random.choice([0.3, 0.6, 1.0])
        for i in np.flatnonzero(random.random(size) < share).tolist():
            value = kind[i] if random.random() >= noise else random.integers(3)
            tail = size + value + 3 * int(relation % 3 > 0)
            rows.append((tail, relation, i) if relation % 3 == 1 else (i, relation, tail))
    triples = np.unique(np.array(rows, dtype=np.int64), axis=0)
    names = [f"urn:{i:03}" for i in range(size + 6)]
    return KnowledgeGraph(
        entities=pa.array(names),
        relations=pa.array([f"urn:r{i}" for i in range(relations)]),
        triples=triples,
        weights=np.ones(len(triples), dtype=np.float32),
        origin=np.zeros(len(triples), dtype=np.int32),
        graphs=("",),
        literals=LITERAL_SCHEMA.empty_table(),
        media=MEDIA_SCHEMA.empty_table(),
        prefixes={},
    )


def by_a_loop(graph: KnowledgeGraph, target: Target) -> list[str]:
    """The same definition, one relation and one statement at a time, of targets with one value each."""
    label = dict(zip(target.entities.tolist(), target.classes.tolist(), strict=True))
    value = {entity: int(target.class_entities[kind]) for entity, kind in label.items()}
    found = []
    for number, iri in enumerate(graph.relations.to_pylist()):
        rows = graph.triples[graph.triples[:, 1] == number][:, [0, 2]].tolist()
        if iri == target.iri:
            continue
        ways = [[(a, b) for a, b in pairs if a in label] for pairs in (rows, [(b, a) for a, b in rows])]
        if any(way and np.mean([value[a] == b for a, b in way]) >= 0.98 for way in ways):
            found.append(iri)
            continue
        told = ways[0]
        met = {b: [label[a] for a, other in told if other == b] for _, b in told}
        often = [kinds for kinds in met.values() if len(kinds) > 1]
        again = sum(map(len, often))
        if len({a for a, _ in told}) < len(label) / 2 or again < 0.9 * len(told):
            continue
        most = [max(sorted(set(kinds)), key=kinds.count) for kinds in often]
        right = sum(kinds.count(kind) for kinds, kind in zip(often, most, strict=True))
        if len(set(most)) > 1 and right >= 0.98 * again:
            found.append(iri)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_all_relations_at_once_are_judged_as_each_alone(seed: int) -> None:
    graph = random_graph(seed)
    target = find_target(graph, "urn:r0")
    assert [leak.iri for leak in leaks(graph, target)] == by_a_loop(graph, target)
