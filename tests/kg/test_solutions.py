"""Solutions as columns: numbers as numbers, everything else as text."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kg.rdf import read
from kg.solutions import as_table
from kg.sparql import ConstraintError, Facts

DATA = """@prefix : <urn:x:> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:a :size 3 ; :weight 2.5 ; :name "first" .
:b :size 12 ; :weight 4 ; :name "second"@en ; :note "odd" .
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("solutions")
    (folder / "data.ttl").write_text(DATA)
    read([folder / "data.ttl"], facts=folder / "rdf")
    return Facts.open(folder / "rdf")


def test_numbers_are_numbers_texts_are_texts_and_what_is_unbound_is_null(facts: Facts) -> None:
    table = facts.table(
        "SELECT ?x ?size ?weight ?name ?note { ?x :size ?size ; :weight ?weight ; :name ?name "
        "OPTIONAL { ?x :note ?note } } ORDER BY ?x",
        {"": "urn:x:"},
    )
    assert table.to_pydict() == {
        "x": ["urn:x:a", "urn:x:b"],
        "size": [3, 12],
        "weight": [2.5, 4.0],
        "name": ["first", "second"],
        "note": [None, "odd"],
    }
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "double", "string", "string"]


def test_the_columns_stand_in_the_order_of_the_query_also_without_any_row(facts: Facts) -> None:
    table = facts.table("SELECT ?name ?x { ?x <urn:x:nothing> ?name }")
    assert table.column_names == ["name", "x"]
    assert len(table) == 0


def test_a_number_that_no_column_holds_stays_a_text() -> None:
    whole = SimpleNamespace(value="http://www.w3.org/2001/XMLSchema#integer")
    rows = [[SimpleNamespace(value="9" * 30, datatype=whole)], [SimpleNamespace(value="1", datatype=whole)]]
    assert as_table(["n"], rows).to_pydict() == {"n": ["9" * 30, "1"]}


def test_facts_stay_as_they_are(facts: Facts) -> None:
    with pytest.raises(ConstraintError, match=r"facts are read-only \(got the update DELETE\)"):
        facts.table("DELETE WHERE { ?x ?p ?o }")
    assert facts.table("SELECT (COUNT(*) AS ?n) { ?x ?p ?o }").to_pydict() == {"n": [7]}
