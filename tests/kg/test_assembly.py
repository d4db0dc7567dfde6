"""The steps between text and arrays, where reading small files would not show a fault."""

import json

import numpy as np
import pyarrow as pa
import pytest

from kg.assembly import Assembler
from kg.distinct import unescaped, unique_rows
from kg.nquads import columns
from kg.vocabulary import DEFAULT


@pytest.mark.parametrize("largest", [3, 10**7])
def test_unique_rows_are_numpys_whether_they_fit_one_number_or_not(largest: int) -> None:
    rows = np.random.default_rng(0).integers(0, largest, (200, 4))
    rows[100:150] = rows[:50]
    assert np.array_equal(np.column_stack(unique_rows(rows.T)), np.unique(rows, axis=0))


def test_unique_rows_of_none_are_none() -> None:
    assert [part.shape for part in unique_rows(np.zeros((4, 0), np.int64))] == [(0, 3), (0,)]


def test_escapes_are_resolved_as_json_would() -> None:
    values = ["plain", 'a "b"', "tab\t", "line\nend", "back\\slash\\n", "\x01\x7f", "ünï 🐦", ""]
    escaped = [json.dumps(value)[1:-1] for value in values]
    assert unescaped(pa.array(escaped)).to_pylist() == values


def test_the_last_quote_ends_a_literal_whatever_it_holds() -> None:
    assembler = Assembler(DEFAULT)
    chunk = columns(rb'<urn:a> <urn:p> "x\" <urn:g> .\n"^^<urn:d> <urn:h> .' + b"\n")
    assert chunk is not None
    assembler.add(chunk)
    graph = assembler.finish({})
    assert graph.literals["value"].to_pylist() == ['x" <urn:g> .\n']
    assert graph.literals["datatype"].to_pylist() == ["urn:d"]
    assert graph.graphs == ("urn:h",)
