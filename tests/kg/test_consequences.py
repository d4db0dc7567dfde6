"""What follows from new facts beside a store's, against reading all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.consequences import consequences
from kg.construct import Rule
from kg.graph import KnowledgeGraph
from kg.inferred import is_inferred
from kg.rdf import read
from kg.reasoning import Reasoning, ReasoningError

HEAD = """@prefix : <urn:> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix s: <urn:sensegraph:> .
"""
OLD = ":Cat rdfs:subClassOf :Animal . :tom a :Cat ; :keptBy :ann . :kit :childOf :tom {| s:weight 0.5 |} ."
NEW = ":pup a :Cat ; :childOf [ :childOf :tom ] . :rex a :Dog . :Dog rdfs:subClassOf :Animal ."
KEEPER = Rule("keeper", 0.8, "CONSTRUCT { ?x :keptBy ?z } WHERE { ?x :childOf ?y . ?y :keptBy ?z }")
HOW = Reasoning(profile="rdfs", rules=(KEEPER,))
Row = tuple[str, str, str, float, str]


def rows(graph: KnowledgeGraph) -> set[Row]:
    """The inferred facts by name, with their weights and graphs."""
    inferred = is_inferred(graph.graphs)
    facts = zip(graph.triples.tolist(), graph.weights.tolist(), graph.origin.tolist(), strict=True)
    return {
        (
            graph.entities[head].as_py(),
            graph.relations[relation].as_py(),
            graph.entities[tail].as_py(),
            round(weight, 6),
            graph.graphs[origin],
        )
        for (head, relation, tail), weight, origin in facts
        if inferred[origin]
    }


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "old.ttl").write_text(HEAD + OLD, encoding="utf-8")
    (tmp_path / "new.ttl").write_text(HEAD + NEW, encoding="utf-8")
    read([tmp_path / "old.ttl"], facts=tmp_path / "rdf", reasoning=HOW)
    return tmp_path / "rdf"


def test_what_follows_is_what_follows_from_all_read_at_once(old: Path, tmp_path: Path) -> None:
    whole, _ = read([tmp_path / "old.ttl", tmp_path / "new.ttl"], reasoning=HOW)
    found = consequences(old, [tmp_path / "new.ttl"], HOW, {"": "urn:"})
    assert found is not None
    assert rows(found) == rows(whole)
    told = {row[:4] for row in rows(found)}
    assert ("urn:pup", "urn:keptBy", "urn:ann", 0.8) in told  # by way of a thing without a name
    assert ("urn:kit", "urn:keptBy", "urn:ann", 0.5) in told  # an old fact, as unsure as it was
    kind = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    assert {("urn:rex", kind, "urn:Animal", 1.0), ("urn:pup", kind, "urn:Animal", 1.0)} <= told
    assert is_inferred(found.graphs).all()


def test_nothing_follows_where_no_rule_fires(old: Path, tmp_path: Path) -> None:
    never = Rule("never", 1.0, "CONSTRUCT { ?x :a ?y } WHERE { ?x :b ?y }")
    assert consequences(old, [tmp_path / "new.ttl"], Reasoning(rules=(never,)), {"": "urn:"}) is None


def test_what_is_to_be_predicted_is_no_conclusion(old: Path, tmp_path: Path) -> None:
    how = Reasoning(rules=(KEEPER,), unseen=frozenset(["urn:keptBy"]))
    assert consequences(old, [tmp_path / "new.ttl"], how, {"": "urn:"}) is None


def test_a_rule_that_new_facts_make_endless_is_named(old: Path, tmp_path: Path) -> None:
    text = "CONSTRUCT { ?y :near ?o } WHERE { ?x :near ?o BIND(IRI(CONCAT(STR(?x), 'x')) AS ?y) }"
    (tmp_path / "new.ttl").write_text(HEAD + ":a :near :b .", encoding="utf-8")
    with pytest.raises(ReasoningError, match="rule grow: expected a rule that comes to an end"):
        consequences(old, [tmp_path / "new.ttl"], Reasoning(rules=(Rule("grow", 1.0, text),)), {"": "urn:"})
