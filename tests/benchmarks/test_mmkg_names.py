"""Entities are called by their labels, and those that have none by the end of their IRI."""

from __future__ import annotations

import gzip
from pathlib import Path

from benchmarks.mmkg_names import name_rows, names_of

LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


def test_names_are_labels_or_the_ends_of_iris(tmp_path: Path) -> None:
    entities = ["x:/1", "x:/an_old_castle", "x:/2"]
    with gzip.open(tmp_path / "labels.nt.gz", "wt") as file:
        file.write(f'<x:/1> {LABEL} "a river" .\n<x:/2> {LABEL} "the ruins of a castle" .\n')
    assert names_of(entities, tmp_path / "labels.nt.gz") == [
        "a river",
        "an old castle",
        "the ruins of a castle",
    ]
    rows = name_rows(entities, tmp_path / "labels.nt.gz")
    near = rows @ rows.t()
    assert near[1, 2] > near[0, 2]
