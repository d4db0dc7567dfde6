"""Parts of the data set share one list of ids."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchmarks.db15k import load


def write(folder: Path, name: str, *facts: str) -> None:
    with gzip.open(folder / f"{name}.nt.gz", "wt") as file:
        for fact in facts:
            head, relation, tail = fact
            file.write(f"<x:{head}> <x:{relation}> <x:{tail}> .\n")


def test_each_part_has_its_facts_by_the_ids_of_all_parts(tmp_path: Path) -> None:
    write(tmp_path, "train", "brd", "asd")
    write(tmp_path, "valid", "csb")
    whole, parts = load(tmp_path, ("train", "valid"))
    assert whole.entities.to_pylist() == ["x:a", "x:b", "x:c", "x:d"]
    assert parts["train"].tolist() == [[0, 1, 3], [1, 0, 3]]
    assert parts["valid"].tolist() == [[2, 1, 1]]
    assert len(whole.triples) == 3


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "train", "brd")
    with pytest.raises(FileNotFoundError, match=r"give its folder by --data \(no valid.nt.gz\)"):
        load(tmp_path, ("train", "valid"))
