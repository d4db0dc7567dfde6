"""Weights that the data gives to its own facts: both ways to write them, and what is no weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import RdfError, read
from kg.vocabulary import DEFAULT
from kg.weights import weighed

HEAD = """@prefix : <urn:> . @prefix s: <urn:sensegraph:> .
@prefix sim: <http://purl.org/ontology/similarity/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
"""
REIFIED = "[] a rdf:Statement ; rdf:subject :a ; rdf:predicate :p ; rdf:object :b ; s:weight {} ."


def load(folder: Path, text: str, name: str = "a.ttl", **how: object) -> KnowledgeGraph:
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return read([path], **how)[0]  # type: ignore[arg-type]


def weights(graph: KnowledgeGraph) -> dict[tuple[str, ...], float]:
    entities, relations = graph.entities.to_pylist(), graph.relations.to_pylist()
    return {
        (entities[h][4:], relations[r][4:], entities[t][4:]): round(float(weight), 6)
        for (h, r, t), weight in zip(graph.triples.tolist(), graph.weights, strict=True)
    }


@pytest.mark.parametrize(
    "annotation",
    [
        ":a :p :b . " + REIFIED.format(0.25),
        ":a :p :b . " + REIFIED.format('"0.25"').replace("s:weight", "sim:weight"),
        ":a :p :b {| s:weight 0.25 |} .",
        ":a :p :b . << :a :p :b >> s:weight 0.25 .",
        ":a :p :b ~ :why {| s:weight 2.5e-1 ; :said :me |} .",
    ],
)
def test_a_weight_lands_on_its_fact_and_the_annotation_is_no_entity(tmp_path: Path, annotation: str) -> None:
    graph = load(tmp_path, annotation + " :a :q :b .")
    assert weights(graph) == {("a", "p", "b"): 0.25, ("a", "q", "b"): 1.0}
    assert graph.entities.to_pylist() == ["urn:a", "urn:b"]
    assert len(graph.literals) == 0


def test_blank_nodes_can_be_weighed_in_rdf_12(tmp_path: Path) -> None:
    graph = load(tmp_path, "_:x :p [ :q :z {| s:weight 0.5 |} ] {| s:weight 0.25 |} .")
    assert sorted(graph.weights.tolist()) == [0.25, 0.5]
    assert graph.num_entities == 3


def test_a_weight_counts_in_every_graph_that_states_the_fact_and_the_least_of_several(tmp_path: Path) -> None:
    text = ":a :p :b . :g { :a :p :b } " + REIFIED.format(0.5) + REIFIED.format(0.125)
    graph = load(tmp_path, text, "a.trig")
    assert (graph.graphs, graph.weights.tolist()) == (("", "urn:g"), [0.125, 0.125])


def test_a_weight_of_what_is_not_stated_or_is_a_literal_weighs_nothing_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_text(
        HEAD + ":a :q :b ; :n 5 {| s:weight 0.5 |} . << :a :p :b >> s:weight 0.5 .", encoding="utf-8"
    )
    graph, report = read([path])
    assert weights(graph) == {("a", "q", "b"): 1.0}
    assert graph.literals["value"].to_pylist() == ["5"]
    assert report.notes == ["weights of statements that are not in the data: 1"]


@pytest.mark.parametrize("value", ["0", "1.5", "-0.1", '"much"', '"nan"'])
def test_a_weight_out_of_range_is_told_in_one_sentence(tmp_path: Path, value: str) -> None:
    shown = value.strip('"')
    sentence = rf"expected a weight in \(0, 1\] on the statement urn:a urn:p \(got '{shown}'\)"
    with pytest.raises(RdfError, match=sentence):
        load(tmp_path, ":a :p :b . " + REIFIED.format(value))


def test_an_annotation_without_a_weight_is_refused_or_skipped(tmp_path: Path) -> None:
    text = ":a :p :b {| :said :me |} . :a :q :b {| s:weight 0.5 |} ."
    with pytest.raises(
        RdfError, match=r"a\.ttl: expected IRIs, .*not supported but for the weight of a state"
    ):
        load(tmp_path, text)
    graph, report = read([tmp_path / "a.ttl"], lenient=True)
    assert weights(graph) == {("a", "p", "b"): 1.0, ("a", "q", "b"): 0.5}
    assert report.num_skipped == 1


def test_a_reified_statement_without_a_weight_and_a_weight_on_a_thing_stay_as_they_are(
    tmp_path: Path,
) -> None:
    text = ":w rdf:subject :a ; rdf:predicate :p ; rdf:object :b . :a :p :b ; s:weight 70 ."
    graph = load(tmp_path, text)
    assert graph.entities.to_pylist() == ["urn:a", "urn:b", "urn:p", "urn:w"]
    assert graph.literals["value"].to_pylist() == ["70"]
    assert set(graph.weights) == {1}


def test_another_predicate_of_weights_can_be_named(tmp_path: Path) -> None:
    text = ":a :p :b {| :sure 0.5 |} ."
    graph = load(tmp_path, text, vocabulary=DEFAULT.extended(weight=["urn:sure"]))
    assert weights(graph) == {("a", "p", "b"): 0.5}


def test_given_weights_are_written_over_those_of_the_same_triples() -> None:
    triples = np.array([[0, 0, 1], [0, 0, 1], [2, 1, 0]])
    found = np.ones(3, dtype=np.float32)
    given = np.array([[2, 1, 0], [2, 1, 0], [9, 9, -1]])
    assert weighed(triples, found, given, np.array([0.5, 0.25, 0.125], dtype=np.float32)) == 1
    assert found.tolist() == [1, 1, 0.25]
