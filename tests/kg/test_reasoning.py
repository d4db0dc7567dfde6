"""Reasoning in a process of its own, and reading with it: time limits, graphs apart, nothing changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from kg import reasoning
from kg.construct import Rule
from kg.graph import KnowledgeGraph
from kg.rdf import read
from kg.reasoning import Findings, Reasoning, ReasoningError, infer
from kg.sparql import Facts

EX = "http://example.org/"
TURTLE = f"""@prefix ex: <{EX}> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix schema: <https://schema.org/> .
@prefix s: <urn:sensegraph:> .
ex:Cat rdfs:subClassOf ex:Mammal . ex:Mammal rdfs:subClassOf ex:Animal ; owl:disjointWith ex:Fish .
ex:tom a ex:Cat , ex:Fish ; ex:near ex:jerry {{| s:weight 0.5 |}} ; ex:title "Tom"@en ; ex:photo "tom.png" .
ex:near a owl:SymmetricProperty . ex:title rdfs:subPropertyOf rdfs:label .
ex:photo rdfs:subPropertyOf schema:image . [] ex:likes ex:tom .
"""
FED = Rule("fed", 0.75, "CONSTRUCT { ?x ex:eats ex:food } WHERE { ?x a ex:Mammal }")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reasoning")
    (folder / "a.ttl").write_text(TURTLE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def read_with(folder: Path) -> tuple[KnowledgeGraph, Findings]:
    how = Reasoning("owl", (FED,))
    graph, report = read([folder / "a.ttl"], facts=folder / "rdf", reasoning=how)
    assert report.findings is not None
    return graph, report.findings


def named(graph: KnowledgeGraph) -> dict[tuple[str, str, str], tuple[str, float]]:
    """Graph and weight of each fact, by the last parts of names."""
    entities, relations = graph.entities.to_pylist(), graph.relations.to_pylist()
    short = [iri.rpartition("/")[2].rpartition("#")[2] for iri in entities]
    rows = zip(graph.triples.tolist(), graph.origin.tolist(), graph.weights.tolist(), strict=True)
    return {
        (short[h], relations[r].rpartition("/")[2].rpartition("#")[2], short[t]): (graph.graphs[o], weight)
        for (h, r, t), o, weight in rows
    }


def test_what_follows_has_its_graph_and_weight_and_what_is_stated_keeps_its_own(
    read_with: tuple[KnowledgeGraph, Findings],
) -> None:
    graph, findings = read_with
    owl, fed = "urn:sensegraph:inferred/owl/1", "urn:sensegraph:inferred/fed/0.75"
    half = "urn:sensegraph:inferred/owl/0.5"  # from a fact that is half sure
    assert graph.graphs == ("", fed, half, owl)
    facts = named(graph)
    assert facts["tom", "type", "Cat"] == ("", 1)
    assert facts["tom", "near", "jerry"] == ("", 0.5)
    assert facts["jerry", "near", "tom"] == (half, 0.5)
    assert facts["tom", "type", "Animal"] == (owl, 1)
    assert facts["tom", "eats", "food"] == (fed, 0.75)
    assert findings.inferred == {"owl": 6, "fed": 1}


def test_names_and_pictures_follow_too(read_with: tuple[KnowledgeGraph, Findings]) -> None:
    graph, _ = read_with
    assert graph.labels()[graph.entity_id(EX + "tom")] == "Tom"
    assert graph.media["reference"].to_pylist() == ["tom.png"]
    assert graph.stated().media.num_rows == 0


def test_the_stated_part_is_the_graph_that_is_read_without_reasoning(
    folder: Path, read_with: tuple[KnowledgeGraph, Findings]
) -> None:
    plain, report = read([folder / "a.ttl"])
    assert report.findings is None
    assert plain.stated() is plain
    stated = read_with[0].stated()
    assert named(stated) == named(plain)
    assert stated.entities.equals(read_with[0].entities)
    assert stated.literals["value"].to_pylist() == plain.literals["value"].to_pylist()


def test_the_users_statements_stay_to_the_byte(folder: Path, read_with: object) -> None:
    read([folder / "a.ttl"], facts=folder / "plain")
    before, after = (ox.Store.read_only(str(folder / name)) for name in ("plain", "rdf"))
    dumps = [
        b"\n".join(
            sorted(store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph()).splitlines())
        )
        for store in (before, after)
    ]
    assert dumps[0] == dumps[1]
    assert len(after) == len(before) + 7


def test_a_constraint_sees_what_follows_or_only_what_was_stated(folder: Path, read_with: object) -> None:
    facts = Facts.open(folder / "rdf", {"ex": EX})
    for _ in range(3):  # from disk, then from memory
        assert facts.select_entities("?x a ex:Animal") == [EX + "tom"]
        assert facts.select_entities("?x a ex:Animal", inferred=False) == []
        assert facts.select_entities("?x a ex:Cat", inferred=False) == [EX + "tom"]
        assert facts.select_entities("GRAPH ?g { ?x ex:eats ?y }", inferred=False) == []
        assert facts.query("SELECT ?y { ?x ex:eats ?y }", inferred=False) == []
    assert facts.query("SELECT ?g { GRAPH ?g { ?x ex:eats ?y } }") == [
        {"g": "urn:sensegraph:inferred/fed/0.75"}
    ]


def test_without_inferred_facts_both_views_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text("<urn:g> { <urn:a> <urn:p> <urn:b> } <urn:c> <urn:p> <urn:b> .")
    read([tmp_path / "a.trig"], facts=tmp_path / "rdf")
    facts = Facts.open(tmp_path / "rdf")
    for inferred in (True, False):
        assert sorted(facts.select_entities("?x <urn:p> ?y", inferred=inferred)) == ["urn:a", "urn:c"]


def test_contradictions_are_found_with_what_follows_and_told(
    read_with: tuple[KnowledgeGraph, Findings],
) -> None:
    sentence = f"{EX}tom is a {EX}Mammal and a {EX}Fish, which are disjoint"
    assert read_with[1].faults() == [f"contradiction (disjoint classes): {sentence}"]


def test_two_runs_agree(folder: Path, read_with: tuple[KnowledgeGraph, Findings]) -> None:
    graph, report = read([folder / "a.ttl"], reasoning=Reasoning("owl", (FED,)))
    assert graph.equals(read_with[0])
    assert report.findings == read_with[1]


def task(folder: Path, text: str, *rules: Rule, **how: Any) -> Findings:
    statements = folder / "facts.nq"
    quads = ox.parse(f"@prefix ex: <{EX}> . {text}".encode(), format=ox.RdfFormat.TRIG)
    ox.serialize(quads, statements, format=ox.RdfFormat.N_QUADS)
    return infer(statements, folder / "follows.nq", Reasoning(rules=rules, **how), {"ex": EX})


def test_a_query_that_never_ends_is_ended_and_named(tmp_path: Path) -> None:
    text = "".join(f"ex:n{i} ex:p ex:n{i + 1} . " for i in range(200))
    pairs = " ".join(f"?a{i} ex:p ?b{i} ." for i in range(8))
    size = f"STRLEN(CONCAT({', '.join(f'STR(?a{i})' for i in range(8))}))"
    endless = Rule("endless", 1.0, f"CONSTRUCT {{ ?a0 ex:q ?b7 }} WHERE {{ {pairs} FILTER({size} = 1) }}")
    with pytest.raises(
        ReasoningError, match=r"rule endless: expected to be done within 3 seconds \(it was not\)"
    ):
        task(tmp_path, text, endless, seconds=3)


def test_what_a_rule_does_wrong_is_told_from_the_process(tmp_path: Path) -> None:
    unknown = Rule("unknown", 1.0, "CONSTRUCT { ?x no:p ?y } WHERE { ?x ?p ?y }")
    with pytest.raises(ReasoningError, match=r"rule unknown: expected one of the known prefixes .*got 'no'"):
        task(tmp_path, "ex:a ex:p ex:b .", unknown)


def test_schema_org_by_http_is_known_to_rules_by_its_prefix(tmp_path: Path) -> None:
    one = Rule("about", 1.0, "CONSTRUCT { ?y ex:of ?x } WHERE { ?x schema:about ?y }")
    assert task(tmp_path, "ex:a <http://schema.org/about> ex:b .", one).inferred == {"about": 1}


def test_shapes_see_what_follows(tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(
        f"""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <{EX}> .
        ex:S a sh:NodeShape ; sh:targetClass ex:Cat ; sh:property [ sh:path ex:eats ; sh:minCount 1 ;
            sh:message "a cat eats" ] ."""
    )
    text = "ex:tom a ex:Cat ."
    fed = Rule("fed", 1.0, "CONSTRUCT { ?x ex:eats ex:food } WHERE { ?x a ex:Cat }")
    assert task(tmp_path, text, shapes=(shapes,)).faults() == [f"shape violated by {EX}tom: a cat eats"]
    assert task(tmp_path, text, fed, shapes=(shapes,)).faults() == []
    shapes.write_text("nonsense")
    with pytest.raises(ReasoningError, match=r"shapes\.ttl: expected SHACL shapes in RDF"):
        task(tmp_path, text, shapes=(shapes,))


def test_what_rules_must_not_see_is_checked_all_the_same(tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(
        f"""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <{EX}> .
        ex:S a sh:NodeShape ; sh:targetClass ex:Cat ; sh:property [ sh:path ex:eats ; sh:minCount 1 ] ."""
    )
    fed = Rule("fed", 1.0, "CONSTRUCT { ?y ex:fedTo ?x } WHERE { ?x ex:eats ?y }")
    how = {"shapes": (shapes,), "unseen": frozenset([EX + "eats"])}
    found = task(tmp_path, "ex:tom a ex:Cat ; ex:eats ex:food .", fed, **how)
    assert (found.faults(), found.inferred) == ([], {})


def test_the_closure_of_a_hierarchy_that_goes_round_comes_to_an_end(tmp_path: Path) -> None:
    below = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
    found = task(tmp_path, f"ex:A {below} ex:B . ex:B {below} ex:A . ex:x a ex:A .", profile="rdfs")
    assert found.inferred == {"rdfs": 1}
    assert found.faults() == []


def test_a_hierarchy_that_goes_round_is_a_warning() -> None:
    found = Findings(cycles=[{"relation": "urn:in", "entities": ["urn:a", "urn:b", "urn:a"]}])
    assert found.warnings() == ["urn:in goes round: urn:a -> urn:b -> urn:a"]
    assert found.faults() == []


def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasoning.sys, "executable", "/bin/false")  # type: ignore[attr-defined]
    with pytest.raises(
        ReasoningError, match=r"expected the reasoner to come to an end \(it ended with 1: killed\)"
    ):
        task(tmp_path, "ex:a ex:p ex:b .")
    assert sys.executable == "/bin/false"


def test_an_unknown_profile_is_told() -> None:
    with pytest.raises(ReasoningError, match=r"expected to reason by none, rdfs, owl \(got 'magic'\)"):
        Reasoning("magic")


def test_the_digest_names_profile_rules_and_the_content_of_shapes(tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text("a")
    first = Reasoning("owl", (FED,), (shapes,)).digest()
    assert Reasoning("owl", (FED,), (shapes,), seconds=1).digest() == first
    assert Reasoning("rdfs", (FED,), (shapes,)).digest() != first
    assert Reasoning("owl", (), (shapes,)).digest() != first
    shapes.write_text("b")
    assert Reasoning("owl", (FED,), (shapes,)).digest() != first
