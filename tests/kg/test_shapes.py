"""Shapes: a report by entity, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from kg.closure import ReasoningError
from kg.shapes import as_rdflib, check_shapes, read_shapes

HEAD = """@prefix : <urn:> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
SHAPE = """:LampShape a sh:NodeShape ; sh:targetClass :Lamp ;
    sh:property [ sh:path :watts ; sh:datatype xsd:integer ; sh:minCount 1 ;
        sh:message "a lamp has its watts" ] ;
    sh:property [ sh:path :room ; sh:class :Room ; sh:severity sh:Warning ] ."""
FACTS = ":good a :Lamp ; :watts 60 . :none a :Lamp . :bad a :Lamp ; :watts 'many' ; :room :hall ."


def write(folder: Path, text: str, name: str = "shapes.ttl") -> Path:
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def facts(text: str = FACTS) -> rdflib.Graph:
    return as_rdflib(quad.triple for quad in ox.parse((HEAD + text).encode(), format=ox.RdfFormat.TURTLE))


def test_the_report_tells_for_each_entity_what_is_wrong(tmp_path: Path) -> None:
    report = check_shapes(facts(), read_shapes(write(tmp_path, SHAPE)), "shapes.ttl")
    shacl = "http://www.w3.org/ns/shacl#"
    assert list(report) == ["urn:bad", "urn:none"]
    assert report["urn:none"] == [
        {
            "path": "urn:watts",
            "value": None,
            "message": "a lamp has its watts",
            "severity": "Violation",
            "constraint": shacl + "MinCountConstraintComponent",
        }
    ]
    told = [(row["path"], row["value"], row["severity"]) for row in report["urn:bad"]]
    assert told == [("urn:room", "urn:hall", "Warning"), ("urn:watts", "many", "Violation")]


def test_facts_that_fit_have_no_report(tmp_path: Path) -> None:
    shapes = read_shapes(write(tmp_path, SHAPE))
    assert check_shapes(facts(":good a :Lamp ; :watts 60 ."), shapes, "shapes.ttl") == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (":x a sh:NodeShape ; ", r"shapes\.ttl: expected SHACL shapes in RDF \(got: .*at line"),
        (":x :p :y .", r"shapes\.ttl: expected SHACL shapes \(got 1 triples, but no sh:NodeShape\)"),
        (
            ":x a sh:NodeShape ; sh:targetClass :L ; sh:sparql [ sh:select "
            "'SELECT $this WHERE { SERVICE <http://127.0.0.1> { $this ?p ?o } }' ] .",
            r"shapes\.ttl: expected shapes of the facts only \(got a SERVICE clause\)",
        ),
    ],
)
def test_a_file_that_is_none_is_told_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ReasoningError, match=sentence):
        read_shapes(write(tmp_path, text))


def test_a_missing_file_and_an_unknown_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(ReasoningError, match=r"none\.ttl: expected SHACL shapes in RDF"):
        read_shapes(tmp_path / "none.ttl")
    with pytest.raises(ReasoningError, match=r"shapes\.txt: expected SHACL shapes in RDF"):
        read_shapes(write(tmp_path, SHAPE, "shapes.txt"))


def test_shapes_that_mean_nothing_are_told_in_one_sentence(tmp_path: Path) -> None:
    wrong = ":x a sh:NodeShape ; sh:targetClass :Lamp ; sh:property [ sh:minCount 1 ] ."
    with pytest.raises(ReasoningError, match=r"shapes\.ttl: expected valid SHACL shapes \(got: ") as raised:
        check_shapes(facts(), read_shapes(write(tmp_path, wrong)), "shapes.ttl")
    assert "\n" not in str(raised.value)
