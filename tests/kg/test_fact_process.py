"""Facts in a process of their own: the same answers, and limits that hold whatever is asked."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.fact_process import FactProcess, GoneError
from kg.rdf import read
from kg.sparql import ConstraintError, Facts

EX = "http://example.org/"
TRIG = f"""@prefix ex: <{EX}> .
ex:robin a ex:Bird ; ex:near ex:wren ; ex:name "Robin"@en ; ex:size 14 ; ex:home [ ex:tree ex:oak ] .
ex:g {{ ex:penguin a ex:Bird ; ex:size 60 . }}
"""
ENDLESS = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(12)) + " }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("facts")
    (folder / "a.trig").write_text(TRIG)
    read([folder / "a.trig"], facts=folder / "rdf")
    return folder / "rdf"


@pytest.fixture(scope="module")
def process(folder: Path) -> Iterator[FactProcess]:
    process = FactProcess(folder, seconds=20)
    yield process
    process.close()


def test_it_finds_what_facts_find(folder: Path, process: FactProcess) -> None:
    facts = Facts.open(folder)
    for where in ("?x a ex:Bird", "?x ex:near ?y", "?x ex:missing ?y"):
        prefixes = {"ex": EX}
        assert process.select_entities(where, prefixes) == facts.select_entities(where, prefixes)
    asked = "SELECT ?x ?y { ?x ex:size ?y } ORDER BY ?y"
    assert process.bindings(asked, {"ex": EX}, most=9) == (
        ["x", "y"],
        [
            {
                "x": {"type": "uri", "value": EX + name},
                "y": {
                    "type": "literal",
                    "value": size,
                    "datatype": "http://www.w3.org/2001/XMLSchema#integer",
                },
            }
            for name, size in (("robin", "14"), ("penguin", "60"))
        ],
        False,
    )


def test_terms_of_each_kind_are_told_apart(process: FactProcess) -> None:
    asked = "SELECT ?n ?h ?u { ?x ex:name ?n . BIND(BNODE() AS ?h) OPTIONAL { ?x ex:unknown ?u } }"
    (row,) = process.bindings(asked, {"ex": EX}, most=9)[1]
    assert row["n"] == {"type": "literal", "value": "Robin", "xml:lang": "en"}
    assert row["h"]["type"] == "bnode"
    assert "u" not in row


def test_no_more_solutions_than_wanted_come_back_and_it_says_so(process: FactProcess) -> None:
    _, found, more = process.bindings("SELECT * { ?s ?p ?o }", most=2)
    assert (len(found), more) == (2, True)
    assert process.bindings("SELECT * { ?s ?p ?o }", most=100)[2] is False


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("DELETE WHERE { ?s ?p ?o }", "read-only"),
        ("SELECT * { SERVICE <http://example.org/sparql> { ?s ?p ?o } }", "SERVICE"),
        ("ASK { ?s ?p ?o }", "form ASK"),
        ("SELECT * {", "valid SPARQL"),
    ],
)
def test_what_is_no_select_is_refused(process: FactProcess, query: str, sentence: str) -> None:
    with pytest.raises(ConstraintError, match=sentence):
        process.bindings(query, most=1)


def test_a_query_without_end_is_ended_and_the_next_one_answered(folder: Path) -> None:
    process = FactProcess(folder, seconds=1)
    start = time.monotonic()
    with pytest.raises(ConstraintError, match="answered within 1 seconds"):
        process.bindings(ENDLESS, most=1)
    assert time.monotonic() - start < 10
    assert process.select_entities("?x ex:near ?y", {"ex": EX}) == [EX + "robin"]
    process.close()


def doubled(times: int) -> str:
    """A query whose value is twice as long as the one before, so many times."""
    steps = [f"BIND(CONCAT(STR(?a{n}), STR(?a{n})) AS ?a{n + 1})" for n in range(times)]
    return f'SELECT (?a{times} AS ?x) {{ BIND("0123456789" AS ?a0) {" ".join(steps)} }}'


def test_a_query_that_needs_too_much_memory_is_ended_and_the_next_one_answered(folder: Path) -> None:
    process = FactProcess(folder, seconds=60, memory=600 * 2**20)
    with pytest.raises(ConstraintError, match="needs at most 600 MB"):
        process.bindings(doubled(30), most=1)
    assert process.select_entities("?x ex:near ?y", {"ex": EX}) == [EX + "robin"]
    process.close()


def test_an_answer_that_is_too_long_is_refused(process: FactProcess) -> None:
    assert len(process.bindings(doubled(4), most=1)[1][0]["x"]["value"]) == 160
    with pytest.raises(ConstraintError, match="an answer of at most 16 MB"):
        process.bindings(doubled(21), most=1)


def test_a_child_that_was_ended_does_not_open_other_facts(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "rdf")
    process = FactProcess(tmp_path / "rdf", seconds=5)
    (tmp_path / "rdf").rename(tmp_path / "old")
    shutil.copytree(folder, tmp_path / "rdf")
    assert process.select_entities("?x ex:near ?y", {"ex": EX}) == [EX + "robin"]  # what was opened stays
    process.close()
    with pytest.raises(ConstraintError):
        process.select_entities("?x ex:near ?y", {"ex": EX})
    with pytest.raises(GoneError):
        process.select_entities("?x ex:near ?y", {"ex": EX})


def test_a_folder_without_facts_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a store of facts"):
        FactProcess(tmp_path / "none", seconds=1)
