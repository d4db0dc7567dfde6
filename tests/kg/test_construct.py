"""Rule files: what their heads say, and what is no rule."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.closure import ReasoningError
from kg.construct import Rule, constructed, read_rules
from kg.vocabulary import PREFIXES

UNCLE = "PREFIX : <urn:> CONSTRUCT { ?x :uncle ?z } WHERE { ?x :parent ?y . ?y :brother ?z }"


def write(folder: Path, text: str, name: str = "uncle.rq") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def facts(text: str) -> ox.Store:
    store = ox.Store()
    store.load(f"@prefix : <urn:> . {text}".encode(), format=ox.RdfFormat.TRIG)
    return store


@pytest.mark.parametrize(
    ("head", "name", "confidence"),
    [
        ("", "uncle", 1.0),
        ("# confidence: 0.8\n", "uncle", 0.8),
        ("#name:  an uncle \n# a remark\n\n# Confidence: 5e-1\n", "an uncle", 0.5),
        ("PREFIX ex: <urn:x>\n# confidence: 0.3\n", "uncle", 1.0),
    ],
)
def test_the_head_of_a_file_tells_name_and_confidence(
    tmp_path: Path, head: str, name: str, confidence: float
) -> None:
    text = head + UNCLE
    assert read_rules([write(tmp_path, text)]) == (Rule(name, confidence, text),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# confidence: 1.5\n" + UNCLE, r"expected a confidence in \(0, 1\] \(got '1.5'\)"),
        ("# confidence: 0\n" + UNCLE, r"expected a confidence in \(0, 1\] \(got '0'\)"),
        ("# confidence: high\n" + UNCLE, r"expected a confidence in \(0, 1\] \(got 'high'\)"),
        ("SELECT ?x WHERE { ?x ?p ?y }", r"expected a CONSTRUCT query \(got 'SELECT'\)"),
        ("INSERT DATA { <urn:a> <urn:p> <urn:b> }", r"expected a CONSTRUCT query \(got 'INSERT'\)"),
        ("", r"expected a CONSTRUCT query \(got ''\)"),
        ("CONSTRUCT { ?x ?p } WHERE { ?x ?p ?y }", r"expected valid SPARQL \(got an error in line 1, col"),
        (
            "CONSTRUCT { ?x ?p ?y } WHERE { SERVICE <http://127.0.0.1> { ?x ?p ?y } }",
            "expected a query on the stored facts only .got a SERVICE clause",
        ),
        (
            "CONSTRUCT { ?x ?p ?y } WHERE { \\u0053ERVICE <http://127.0.0.1> { ?x ?p ?y } }",
            "expected a query on the stored facts only",
        ),
    ],
)
def test_what_is_no_rule_is_told_with_its_file(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ReasoningError, match=r"uncle\.rq: " + sentence):
        read_rules([write(tmp_path, text)])


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ReasoningError, match=r"none\.rq: expected a SPARQL CONSTRUCT file \(got: No such file"
    ):
        read_rules([tmp_path / "none.rq"])
    (tmp_path / "x.rq").write_bytes(b"\xff\xfe")
    with pytest.raises(ReasoningError, match=r"x\.rq: expected a SPARQL CONSTRUCT file \(got: no UTF-8\)"):
        read_rules([tmp_path / "x.rq"])


@pytest.mark.parametrize("name", ["uncle", "owl"])
def test_two_rules_of_one_name_are_told(tmp_path: Path, name: str) -> None:
    paths = [write(tmp_path, UNCLE), write(tmp_path, f"# name: {name}\n{UNCLE}", "b.rq")]
    with pytest.raises(ReasoningError, match=rf"b\.rq: expected a name of its own .*got '{name}' again"):
        read_rules(paths)


def test_a_rule_sees_all_graphs_as_one_and_the_prefixes_of_the_data(tmp_path: Path) -> None:
    text = "CONSTRUCT { ?x ex:uncle ?z } WHERE { ?x ex:parent ?y . ?y ex:brother ?z }"
    (rule,) = read_rules([write(tmp_path, text)])  # ex is not known yet
    store = facts(":g { :a :parent :b } :h { :b :brother :c }")
    found = list(constructed(store, rule, {**PREFIXES, "ex": "urn:"}))
    assert [str(triple) for triple in found] == ["<urn:a> <urn:uncle> <urn:c>"]
    with pytest.raises(ReasoningError, match=r"rule uncle: expected one of the known prefixes .*got 'ex'"):
        list(constructed(store, rule, PREFIXES))


def test_a_rule_that_makes_up_nodes_is_told() -> None:
    rule = Rule("part", 1.0, "CONSTRUCT { ?x <urn:has> [ a <urn:Part> ] } WHERE { ?x <urn:parent> ?y }")
    with pytest.raises(
        ReasoningError, match=r"rule part: expected conclusions about what is there \(got a blank"
    ):
        list(constructed(facts(":a :parent :b ."), rule, PREFIXES))
