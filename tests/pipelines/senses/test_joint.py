"""The joint graph: facts in both directions, weights by relation, groups of concepts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.senses.joint import Observations, concept_groups, edge_weights, joint_graph
from pipelines.settings import Settings

ABOUT = "https://schema.org/about"
FACTS = f"""<urn:a> <{ABOUT}> <urn:x> .
<urn:b> <{ABOUT}> <urn:x> .
<urn:b> <{ABOUT}> <urn:y> .
<urn:c> <{ABOUT}> <urn:y> .
<urn:d> <{ABOUT}> <urn:z> .
<urn:e> <urn:knows> <urn:d> .
"""


@pytest.fixture
def graph(tmp_path: Path) -> KnowledgeGraph:
    (tmp_path / "facts.nt").write_text(FACTS)
    return read([tmp_path / "facts.nt"])[0]


def test_things_that_share_a_concept_directly_or_by_another_share_a_group(graph: KnowledgeGraph) -> None:
    group = dict(zip(graph.entities.to_pylist(), concept_groups(graph).tolist(), strict=True))
    assert group["urn:a"] == group["urn:b"] == group["urn:c"] == group["urn:x"] == group["urn:y"]
    assert group["urn:d"] == group["urn:z"]
    assert len(set(group.values())) == 3  # the last is e: knowing is no being about


def test_what_a_rule_finds_things_to_be_about_makes_no_group(tmp_path: Path) -> None:
    inferred = f"<urn:c> <{ABOUT}> <urn:z> <urn:sensegraph:inferred/up/0.5> .\n"
    (tmp_path / "facts.nq").write_text(FACTS + inferred)
    graph = read([tmp_path / "facts.nq"])[0]
    group = dict(zip(graph.entities.to_pylist(), concept_groups(graph).tolist(), strict=True))
    assert len(graph.triples) == 7
    assert len(set(group.values())) == 3


def test_a_prior_multiplies_the_weight_of_its_relation_alone(graph: KnowledgeGraph) -> None:
    weights = edge_weights(graph, {"urn:knows": 0.25})
    knows = graph.triples[:, 1] == graph.relation_id("urn:knows")
    assert weights[knows].tolist() == [0.25]
    assert weights[~knows].tolist() == [1.0] * 5
    with pytest.raises(ValueError, match="expected relation of this graph"):
        edge_weights(graph, {"urn:nose": 1})


def test_each_fact_is_two_edges_and_what_is_left_out_is_none(graph: KnowledgeGraph) -> None:
    none = Observations({}, {})

    def num_edges(**options: object) -> int:
        return len(joint_graph(graph, none, Settings(), **options).log_weight)  # type: ignore[arg-type]

    assert num_edges() == 2 * 6
    assert num_edges(without=frozenset([ABOUT])) == 2
    assert num_edges(facts=False) == 0
    assert len(joint_graph(graph, none, Settings(prior={"urn:knows": 0.0})).log_weight) == 2 * 5


def test_the_logarithm_of_the_weight_stands_at_both_edges_of_a_fact(graph: KnowledgeGraph) -> None:
    joint = joint_graph(graph, Observations({}, {}), Settings(prior={"urn:knows": 0.5}))
    told = np.sort(joint.log_weight.numpy())
    assert told == pytest.approx(np.log([0.5, 0.5, *[1.0] * 10]))
