"""The OBO reader: one small file by hand, with each trap of the format that findings meet."""

from pathlib import Path

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import SKOS

from data.medicine.obo import Ontology, Term, read_obo
from data.medicine.turtle import header

TEXT = r"""format-version: 1.2
data-version: toy/2026
ontology: toy.obo

[Term]
id: TOY:1
name: all

[Term]
id: TOY:2
name: lung trouble
def: "Trouble, \"so called\", of a lung." [PMID:1]
synonym: "bad lung" EXACT layperson []
synonym: "bad organ" BROAD []
is_a: TOY:1 ! all

[Term]
id: TOY:3
name: pneumonia
synonym: "lung trouble" EXACT []
is_a: TOY:2 {source="x"} ! lung trouble
is_a: TOY:9 ! not in this file

[Term]
id: TOY:4
name: old word
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def toy(tmp_path: Path) -> Ontology:
    file = tmp_path / "toy.obo"
    file.write_text(TEXT, encoding="utf-8")
    return read_obo(file)


def test_terms_are_read_without_obsolete_ones_and_relations(toy: Ontology) -> None:
    assert (toy.name, toy.version) == ("toy", "toy/2026")
    assert sorted(toy.terms) == ["TOY:1", "TOY:2", "TOY:3"]
    assert toy.terms["TOY:2"] == Term(
        "TOY:2", "lung trouble", 'Trouble, "so called", of a lung.', ("bad lung",), ("TOY:1",)
    )
    assert toy.terms["TOY:3"].parents == ("TOY:2", "TOY:9")


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("Pneumonia", "TOY:3"),
        ("  BAD  lung ", "TOY:2"),
        ("lung trouble", "TOY:2"),  # a name of TOY:2, only a synonym of TOY:3
        ("TOY:1", "TOY:1"),
        ("bad organ", None),  # broader than the term
        ("old word", None),
    ],
)
def test_a_term_is_found_by_id_name_or_exact_synonym(toy: Ontology, name: str, id_: str | None) -> None:
    found = toy.find(name)
    assert (found.id if found else None) == id_


def test_a_term_comes_with_all_that_is_above_it(toy: Ontology) -> None:
    graph = Graph().parse(data=header() + "".join(toy.turtle(["TOY:3"])), format="turtle")
    one, two, three = (URIRef(f"http://purl.obolibrary.org/obo/TOY_{number}") for number in (1, 2, 3))
    assert set(graph.subject_objects(SKOS.broader)) == {(three, two), (two, one)}
    assert set(graph.objects(two, SKOS.altLabel)) == {Literal("bad lung", "en")}
    assert graph.value(two, SKOS.definition) == Literal('Trouble, "so called", of a lung.', "en")
    assert [term.id for term in toy.with_ancestors(["TOY:2"])] == ["TOY:1", "TOY:2"]


def test_a_file_without_terms_is_one_clear_sentence(tmp_path: Path) -> None:
    file = tmp_path / "no.obo"
    file.write_text("hello: world\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected an OBO file with \[Term\] stanzas \(got no.obo"):
        read_obo(file)
