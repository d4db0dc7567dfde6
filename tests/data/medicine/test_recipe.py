"""The graph of a user's studies, read back by rdflib."""

from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import SKOS

from data.medicine.__main__ import main

MED = Namespace("https://example.org/medicine/")
SCHEMA = Namespace("https://schema.org/")
QUDT = Namespace("http://qudt.org/schema/qudt/")
OBO = 'data-version: 1\nontology: toy\n\n[Term]\nid: T:1\nname: Pneumonia\ndef: "An ill lung." []\n'
HEAD = "patientid,finding,notes,sex,age,temperature,pO2 saturation\n"
ROWS = HEAD + '3a,pneumonia,"said ""no""\\",F,50,39.10,\n3b,,,,,,\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toy.obo").write_text(OBO, encoding="utf-8")
    place = tmp_path / "some studies"
    place.mkdir()
    (place / "metadata.csv").write_text(ROWS, encoding="utf-8")
    for name in ("3a.png", "3b.png"):
        Image.new("L", (4, 4)).save(place / name)
    return place


def run(folder: Path, *flags: str) -> int:
    out = folder.parent / "out"
    return main([str(folder), "--out", str(out), "--ontology", str(folder.parent / "toy.obo"), *flags])


def test_a_folder_becomes_one_graph(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{folder.parent / 'out' / 'studies.ttl'}\n"
    assert "2 studies, 1 of them with a finding" in printed.err
    graph = Graph().parse(folder.parent / "out" / "studies.ttl")
    study, term = MED["study/3a"], URIRef("http://purl.obolibrary.org/obo/T_1")
    assert graph.value(study, SCHEMA.image) == Literal("3a.png")
    assert graph.value(study, SCHEMA.description) == Literal('said "no"\\', "en")
    assert graph.value(study, MED.finding) == term
    assert graph.value(study, MED.sex) == SCHEMA.Female
    temperature = graph.value(study, MED.temperature)
    assert isinstance(temperature, Literal)
    assert temperature.toPython() == Decimal("39.1")
    assert graph.value(MED.temperature, QUDT.hasUnit) == URIRef("http://qudt.org/vocab/unit/DEG_C")
    assert graph.value(term, SKOS.definition) == Literal("An ill lung.", "en")
    assert set(graph.subjects(MED.patient, MED["patient/3"])) == {study, MED["study/3b"]}
    assert graph.value(MED["study/3b"], MED.finding) is None  # that is what there is to predict
    assert set(graph.objects(MED["study/3b"])) == {MED.ImagingStudy, Literal("3b.png"), MED["patient/3"]}


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    file = folder.parent / "out" / "studies.ttl"
    assert run(folder) == 0
    first = file.read_bytes()
    assert run(folder) == 0
    assert file.read_bytes() == first
    assert [path.name for path in file.parent.iterdir()] == ["studies.ttl"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--phantom"], "expected either a folder of studies or --phantom (got both or neither)"),
        (["--column", "weight=kg"], "expected --column WHAT=NAME with one of id, image, finding"),
        (["--column", "note=report"], "expected the column 'report' in metadata.csv (got patientid, finding"),
        (["--csv", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_flags_are_one_clear_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert run(folder, *flags) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (folder.parent / "out").exists()
