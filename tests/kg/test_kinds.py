"""What is of a kind: down the hierarchy, to instances, to what is about them, and along no other fact."""

from __future__ import annotations

import pytest
import rdflib

from kg.graph import KnowledgeGraph
from kg.inferred import inferred_graph
from kg.kinds import members

TRIG = f"""@prefix : <urn:> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix schema: <http://schema.org/> .
:Penguin rdfs:subClassOf :Bird . :Bird rdfs:subClassOf :Animal . :Dog rdfs:subClassOf :Animal .
:pingu a :Penguin ; :friend :rex . :rex a :Dog .
:photo schema:about :pingu . :book schema:about :Bird ; :near :rex .
:gull skos:broader :seabird . :shore skos:narrower :seabird . :stamp schema:category :gull .
:a skos:broader :b . :b skos:broader :a .
<{inferred_graph("owl", 1)}> {{ :rex a :Bird . }}
"""


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rdflib(rdflib.Dataset(default_union=True).parse(data=TRIG, format="trig"))


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (["Penguin"], {"Penguin", "pingu", "photo"}),
        (["Bird"], {"Bird", "Penguin", "pingu", "photo", "book"}),
        (["Dog"], {"Dog", "rex"}),
        (["Animal"], {"Animal", "Bird", "Dog", "Penguin", "pingu", "rex", "photo", "book"}),
        (["shore"], {"shore", "seabird", "gull", "stamp"}),
        (["Dog", "seabird"], {"Dog", "rex", "seabird", "gull", "stamp"}),
        (["a"], {"a", "b"}),
        (["pingu"], {"pingu", "photo"}),
        (["stamp"], {"stamp"}),
        ([], set()),
    ],
)
def test_members_are_all_below_and_no_friends(
    graph: KnowledgeGraph, kinds: list[str], found: set[str]
) -> None:
    ids = members(graph, [graph.entity_id(f"urn:{kind}") for kind in kinds], inferred=False)
    assert ids.tolist() == sorted(set(ids.tolist()))
    assert {graph.entities[i].as_py().removeprefix("urn:") for i in ids} == found


def test_what_follows_counts_unless_only_stated_facts_do(graph: KnowledgeGraph) -> None:
    rex, bird = graph.entity_id("urn:rex"), graph.entity_id("urn:Bird")
    assert rex in members(graph, [bird])
    assert rex not in members(graph, [bird], inferred=False)


def test_a_declared_hierarchy_counts_as_one(graph: KnowledgeGraph) -> None:
    ids = members(graph, [graph.entity_id("urn:rex")], inferred=False, hierarchy=["urn:friend"])
    assert {graph.entities[i].as_py() for i in ids} == {"urn:rex", "urn:pingu", "urn:photo"}
