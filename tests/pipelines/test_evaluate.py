"""Measuring: rows with the graph and without it, by a split that keeps concepts apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.evaluate import evaluate, main, table
from pipelines.joint import concept_groups
from pipelines.store import Store
from pipelines.training import concept_split

ROWS = [
    "text to image",
    "image to text",
    "text to image, no graph",
    "image to text, no graph",
]


def test_every_row_stands_with_the_graph_and_without_it(store_folder: Path) -> None:
    result = evaluate(Store.open(store_folder), seeds=2)
    assert list(result["rows"]) == ROWS
    for name, row in result["rows"].items():
        assert row.keys() == {"MRR", "R@1", "R@5", "R@10", "queries"}
        assert row["queries"] == 12  # 4 of 10 concepts, three things each
        assert row["R@1"] <= row["R@5"] <= row["R@10"]
        assert result["spread"][name].keys() == row.keys()
    assert list(result["links"]) == [
        "links (filtered, both directions)",
        "links with rules and prior (filtered, both directions)",
    ]


def test_one_seed_gives_what_the_build_has_measured(store_folder: Path) -> None:
    store = Store.open(store_folder)
    result = evaluate(store, seeds=1, device="cpu")
    assert result["rows"] == {name: store.metrics["held_out"][name] for name in ROWS}
    assert set(result["spread"]["text to image"].values()) == {None}
    told = table(result)
    assert told.title == "Held-out concepts, a single split, so no deviation"
    assert next(iter(told.columns[1].cells)) == f"{result['rows']['text to image']['MRR']:.3f}"


def test_no_concept_is_in_two_parts(store_folder: Path, collection: Any) -> None:
    store = Store.open(store_folder)
    split = concept_split(store.graph, store.observations, store.settings)
    groups = concept_groups(store.graph)
    parts = [set(groups[rows].tolist()) for rows in (split.train, split.valid, split.test)]
    assert [len(part) for part in parts] == [5, 1, 4]
    assert len(set.union(*parts)) == 10
    split_up = np.concatenate([split.train, split.valid, split.test])
    assert {store.graph.entities[i].as_py() for i in split_up.tolist()} == set(collection.items)


def test_json_is_one_object_and_nothing_else_on_stdout(
    store_folder: Path, capsys: pytest.CaptureFixture[str], collection: Any
) -> None:
    without = "http://www.w3.org/2004/02/skos/core#broader"
    assert main(["--store", str(store_folder), "--seeds", "1", "--json", "--without", without]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["rows"]) == ROWS
    assert result["seeds"] == 1
    assert result["without"] == [without]


def test_a_person_sees_a_table(
    store_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["--store", str(store_folder), "--seeds", "1"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ROWS)
    assert "a single split, so no deviation" in out
    assert "±" not in out


def test_too_few_things_to_measure_is_a_sentence(newcomer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines import Settings, build

    store = build([newcomer], newcomer.parent / "store", settings=Settings(epochs=1))
    assert json.loads((store.folder / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert main(["--store", str(store.folder), "--seeds", "1"]) == 0
    assert "nothing to measure" in capsys.readouterr().out
    assert main(["--store", str(store.folder), "--seeds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["rows"] == {}


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--seeds", "0"], "expected at least 1 seed (got 0)"),
        (["--without", "urn:nothing"], "expected relation of this graph (got unknown 'urn:nothing')"),
        (["--device", "toaster"], "expected cpu, cuda or auto as the device (got 'toaster')"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    store_folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert main(["--store", str(store_folder), *flags]) == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
