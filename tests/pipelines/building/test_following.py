"""Building with rules, an ontology and shapes, and asking with what follows, on a small zoo."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kg.closure import PROFILES, ReasoningError
from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines import build_kg, query
from pipelines.building.build import build
from pipelines.building.following import check_findings, reasoning_of, told, what_follows
from pipelines.prediction.predictor import Predictor
from pipelines.search.retrieval import Searcher
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import REASON, Settings
from pipelines.store.store import Store
from pipelines.training.train import stated_joint

EX = "https://example.org/z/"
ZOO = f"""@prefix ex: <{EX}> . @prefix schema: <https://schema.org/> . @prefix s: <urn:sensegraph:> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
ex:Cat rdfs:subClassOf ex:Animal . ex:Animal owl:disjointWith ex:Plant .
ex:Animal a owl:Class . ex:Cat a owl:Class . ex:Plant a owl:Class . ex:keeps owl:inverseOf ex:keptBy .
ex:tom a ex:Cat ; schema:name "Tom" ; ex:keptBy ex:ann .
ex:kit a ex:Cat ; schema:name "Kit" ; ex:childOf ex:tom .
ex:fern a ex:Plant ; schema:name "Fern" ; ex:near ex:tom {{| s:weight 0.25 |}} .
ex:ann schema:name "Ann" .
"""
RULE = """# name: keeper
# confidence: 0.8
CONSTRUCT { ?x ex:keptBy ?z } WHERE { ?x ex:childOf ?y . ?y ex:keptBy ?z }
"""
SHAPES = f"""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <{EX}> .
ex:S a sh:NodeShape ; sh:targetClass ex:Animal ;
    sh:property [ sh:path ex:childOf ; sh:minCount 1 ; sh:message "an animal has a parent" ] .
"""
SMALL = Settings(epochs=2, width=16, structure_width=8, reason="owl")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    for name, text in {"zoo.ttl": ZOO, "keeper.rq": RULE, "shapes.ttl": SHAPES}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def store(zoo: Path, session_folder: Path) -> Store:
    rules, shapes = [zoo / "keeper.rq"], [zoo / "shapes.ttl"]
    return build([zoo / "zoo.ttl"], zoo / "store", settings=SMALL, device="cpu", rules=rules, shapes=shapes)


def test_the_store_tells_what_was_inferred_and_what_is_wrong(store: Store) -> None:
    findings = store.findings
    assert findings is not None
    assert findings["inferred"] == {"owl": 4, "keeper": 1}
    assert findings["shapes"].keys() == {EX + "tom"}
    assert store.manifest["rules"] == [{"name": "keeper", "confidence": 0.8, "text": RULE}]
    assert store.manifest["settings"]["reason"] == "owl"
    assert told(findings) == [
        "inferred by owl: 4 facts",
        "inferred by keeper: 1 fact",
        f"shape violated by {EX}tom: an animal has a parent",
    ]


def test_a_constraint_sees_what_follows_unless_it_shall_not(store: Store) -> None:
    searcher = Searcher(store)
    animals = [hit.label for hit in searcher.search("Kit", where="?x a ex:Animal")]
    assert sorted(animals) == ["Kit", "Tom"]
    assert list(searcher.search("Kit", where="?x a ex:Animal", inferred=False)) == []


def test_a_path_marks_inferred_facts_with_their_rule(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    (hit,) = Searcher(store).search("Ann", where="FILTER(?x = ex:kit) ?x ?p ?o")
    # what the closure makes of the conclusion, that Ann keeps Kit, is as sure, but tells less
    assert hit.path == [(EX + "kit", EX + "keptBy", EX + "ann")]
    assert hit.rules == [("keeper", 0.8)]
    assert hit.as_json()["rules"] == [{"rule": "keeper", "confidence": 0.8}]
    flags = ["--store", str(store.folder), "--text", "Ann", "--where", "FILTER(?x = ex:kit) ?x ?p ?o"]
    assert query.main(flags) == 0
    assert "(by keeper," in capsys.readouterr().out
    assert query.main([*flags[:4], "--where", "?x a ex:Animal", "--no-inferred", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_stated_fact_is_shown_rather_than_what_follows_from_it(store: Store) -> None:
    (hit,) = Searcher(store).search("Ann", where="FILTER(?x = ex:tom) ?x ?p ?o")
    assert hit.path == [(EX + "tom", EX + "keptBy", EX + "ann")]  # and not that Ann keeps Tom, by owl
    assert hit.rules == [None]
    assert "rules" not in hit.as_json()


def test_weights_of_facts_and_rules_reach_the_attention(store: Store) -> None:
    graph = store.graph
    edges = joint_graph(graph, Observations({}, {}), SMALL, diffusion=False)
    weight = {
        tuple(row): float(value) for row, value in zip(graph.triples.tolist(), graph.weights, strict=True)
    }
    near = weight[graph.entity_id(EX + "fern"), graph.relation_id(EX + "near"), graph.entity_id(EX + "tom")]
    kept = weight[graph.entity_id(EX + "kit"), graph.relation_id(EX + "keptBy"), graph.entity_id(EX + "ann")]
    assert (near, round(kept, 6)) == (0.25, 0.8)
    rounded = np.round(np.exp(edges.log_weight.numpy()), 6)
    # each fact is an edge there and one back; what the closure finds of the keeper's conclusion is as sure
    assert sorted(rounded[rounded < 1].tolist()) == pytest.approx([0.25, 0.25, 0.8, 0.8, 0.8, 0.8])


def test_two_builds_agree(store: Store, zoo: Path) -> None:
    rules, shapes = [zoo / "keeper.rq"], [zoo / "shapes.ttl"]
    again = build([zoo / "zoo.ttl"], zoo / "again", settings=SMALL, device="cpu", rules=rules, shapes=shapes)
    assert again.graph.equals(store.graph)
    assert (again.tensors["joint"] == store.tensors["joint"]).all()


def test_a_held_out_fact_is_not_given_away_by_what_follows_from_it(store: Store) -> None:
    graph, none = store.graph, Observations({}, {})
    joint = joint_graph(graph, none, SMALL, diffusion=False)
    # the link objective is trained and scored on stated facts, as if nothing had been inferred
    plain = graph.stated()
    assert len(plain.triples) == len(graph.triples) - 5
    stated = stated_joint(graph, none, SMALL, joint)
    assert (len(joint.edges.order), len(stated.edges.order)) == (
        2 * len(graph.triples),
        2 * len(plain.triples),
    )
    assert stated_joint(plain, none, SMALL, joint) is joint
    assert store.graph_without_hints(EX + "near").equals(plain)


def test_a_target_teaches_the_rules_nothing(zoo: Path) -> None:
    settings = Settings(reason="owl", target=(EX + "keptBy",))
    how = reasoning_of(settings, [zoo / "keeper.rq"], [], strict=False)
    graph, report = read([zoo / "zoo.ttl"], reasoning=how)
    assert report.findings is not None
    assert report.findings.inferred == {"owl": 2}  # the classes alone: neither keeps nor keptBy follows
    assert EX + "keeps" not in graph.relations.to_pylist()
    assert EX + "keptBy" in graph.relations.to_pylist()


def test_the_setting_knows_the_profiles_of_the_reasoner() -> None:
    assert REASON == PROFILES
    with pytest.raises(ValueError, match=r"expected reason among none, rdfs, owl \(got 'magic'\)"):
        Settings(reason="magic")
    with pytest.raises(ValueError, match=r"expected reason_seconds above 0 \(got 0\)"):
        Settings(reason_seconds=0)


def test_nothing_is_run_where_nothing_is_asked_for(zoo: Path) -> None:
    assert reasoning_of(Settings(), [], [], strict=False) is None
    assert reasoning_of(Settings(), [], [], strict=True) is not None
    assert told(None) == []
    with pytest.raises(ReasoningError, match=r"none\.ttl: expected a file of SHACL shapes"):
        reasoning_of(Settings(), [], [zoo / "none.ttl"], strict=False)


def test_strict_refuses_faults_and_names_the_first(zoo: Path) -> None:
    how = reasoning_of(SMALL, [], [zoo / "shapes.ttl"], strict=True)
    findings = read([zoo / "zoo.ttl"], reasoning=how)[1].findings
    assert findings is not None
    report = {"findings": findings.as_json()}
    check_findings(report, strict=False)
    check_findings({"findings": None}, strict=True)
    sentence = (
        rf"\(got 1 fault: shape violated by {EX}tom: an animal has a parent\): correct them, or leave --s"
    )
    with pytest.raises(ReasoningError, match=sentence):
        check_findings(report, strict=True)


SHAPE = f"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> a sh:NodeShape ; sh:targetClass <{EX}Animal> ;"
VALID = "s.ttl: expected valid SHACL shapes (got: "


@pytest.mark.parametrize(
    ("name", "text", "flag", "sentence"),
    [
        ("a.rq", "SELECT * { ?x ?p ?y }", "--rules", "expected a CONSTRUCT query (got 'SELECT')"),
        (
            "a.rq",
            f"# confidence: 2\n{RULE}".replace("# confidence: 0.8\n", ""),
            "--rules",
            "in (0, 1] (got '2')",
        ),
        (
            "a.rq",
            'CONSTRUCT { ?y ex:p ?o } WHERE { ?x ex:p ?o BIND(IRI(CONCAT(STR(?x), "x")) AS ?y) }',
            "--rules",
            "rule a: expected a rule that comes to an end (got new facts after 1,000 rounds)",
        ),
        (
            "a.rq",
            "CONSTRUCT { ?x ex:m ?k } WHERE { ?x ex:n|ex:m ?v BIND(?v + 1 AS ?k) }",
            "--rules",
            "rule a: expected a rule that comes to an end (got new facts after 1,000 rounds)",
        ),
        ("a.rq", "CONSTRUCT { ?x ex:p ?y ", "--rules", "rule a: expected valid SPARQL (got "),
        ("s.ttl", "@prefix sh:", "--shapes", "s.ttl: expected SHACL shapes in RDF (got: "),
        ("s.ttl", f"{SHAPE} sh:sparql [ sh:select 'SELECT $this {{' ] .", "--shapes", VALID),
        ("s.ttl", f"{SHAPE} sh:property [ sh:path <{EX}n> ; sh:pattern '(' ] .", "--shapes", VALID),
        ("s.ttl", f"{SHAPE} sh:property [ sh:path <{EX}n> ; sh:minCount 'many' ] .", "--shapes", VALID),
        ("s.ttl", f"{SHAPE} sh:property [ sh:minCount 1 ] .", "--shapes", VALID),
    ],
)
def test_bad_rules_and_shapes_are_one_sentence_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, flag: str, sentence: str
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "a.ttl").write_text(f"@prefix ex: <{EX}> . ex:a ex:p ex:b ; ex:n 1 ; a ex:Animal .")
    flags = [str(tmp_path / "a.ttl"), "--out", str(tmp_path / "out"), flag, str(tmp_path / name)]
    assert build_kg.main(flags) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert sentence in said


def test_a_contradictory_ontology_is_refused_by_strict_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ttl").write_text(ZOO + "ex:tom a ex:Plant .")
    flags = [str(tmp_path / "a.ttl"), "--out", str(tmp_path / "out"), "--reason", "rdfs", "--strict"]
    assert build_kg.main(flags) == 1
    assert f"{EX}tom is a {EX}Animal and a {EX}Plant, which are disjoint" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_new_files_are_reasoned_over_as_the_store_was(zoo: Path, session_folder: Path) -> None:
    settings = replace(SMALL, target=(EX + "size",), label_width=16)
    sized = ZOO + ' ex:tom ex:size "big" . ex:kit ex:size "small" . ex:fern ex:size "small" .'
    (zoo / "sized.ttl").write_text(sized, encoding="utf-8")
    rules = [zoo / "keeper.rq"]
    store = build([zoo / "sized.ttl"], zoo / "sized", settings=settings, device="cpu", rules=rules)
    (zoo / "more.ttl").write_text(
        f'@prefix ex: <{EX}> . ex:pup a ex:Cat ; <https://schema.org/name> "Pup" ; ex:childOf ex:tom .'
    )
    graph = Predictor.open(store, EX + "size", [zoo / "more.ttl"]).graph
    how = reasoning_of(settings, rules, [], strict=False)
    whole, _ = read([zoo / "sized.ttl", zoo / "more.ttl"], reasoning=how)
    assert named_facts(graph) == named_facts(whole)
    assert {(EX + "pup", EX + "keptBy", EX + "ann", 0.8), (EX + "ann", EX + "keeps", EX + "pup", 0.8)} <= (
        named_facts(graph)
    )
    plain = replace(store.settings, reason="none")
    assert what_follows(store.as_if(plain), [zoo / "more.ttl"]) is not None  # by the rule alone
    assert what_follows(Store(store.folder, store.manifest | {"rules": []}).as_if(plain), []) is None


def named_facts(graph: KnowledgeGraph) -> set[tuple[str, str, str, float]]:
    return {
        (graph.entities[h].as_py(), graph.relations[r].as_py(), graph.entities[t].as_py(), round(weight, 6))
        for (h, r, t), weight in zip(graph.triples.tolist(), graph.weights.tolist(), strict=True)
    }


RING = f"""@prefix ex: <{EX}> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
ex:cat skos:broader ex:feline . ex:feline skos:broader ex:cat , ex:animal . ex:dog skos:broader ex:animal .
ex:paw ex:partOf ex:leg . ex:leg ex:partOf ex:paw .
"""


def test_a_hierarchy_that_goes_round_is_told_and_refused_by_strict_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ring.ttl").write_text(RING)
    flags = [str(tmp_path / "ring.ttl"), "--out", str(tmp_path / "out"), "--epochs", "1"]
    assert build_kg.main([*flags, "--strict"]) == 1
    said = capsys.readouterr().err
    around = f"core#broader goes round: {EX}cat -> {EX}feline -> {EX}cat)"
    assert said.startswith("error: expected facts without contradictions")
    assert around in said
    assert "partOf" not in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert build_kg.main([*flags, "--hierarchy", EX + "partOf"]) == 0
    said = capsys.readouterr().err
    assert around[:-1] in said
    assert f"{EX}partOf goes round: {EX}leg -> {EX}paw -> {EX}leg" in said
    findings = Store.open(tmp_path / "out").findings
    assert findings is not None
    assert [one["entities"][0] for one in findings["cycles"]] == [EX + "cat", EX + "leg"]
    assert build_kg.main([*flags, "--hierarchy", EX + "partof"]) == 1
    assert "expected relation of this graph (got unknown" in capsys.readouterr().err
