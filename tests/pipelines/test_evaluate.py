"""Measuring: rows with the graph and without it, by a split that keeps concepts apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.evaluate import main
from pipelines.evaluation.concepts import evaluate, stored_links
from pipelines.evaluation.score_table import rows_table
from pipelines.senses.joint import concept_groups
from pipelines.store.store import Store
from pipelines.training.ranked import Ranked
from pipelines.training.train import concept_split

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
        low, high = result["intervals"][name]["MRR"]
        assert low < row["MRR"] < high
        assert [Ranked.from_json(one).row()["queries"] for one in result["ranks"][name]] == [12, 12]
    chosen = [one["chosen_by_validation"].keys() for one in result["opened"]["alignment"]]
    assert chosen == 2 * [{"alignment", "alignment, no graph"}]


def test_the_links_are_those_that_the_build_has_ranked(store_folder: Path) -> None:
    store = Store.open(store_folder)
    result = evaluate(store, seeds=1, device="cpu")
    assert list(result["links"]) == [
        scorer + part
        for scorer in ("links", "completion")
        for part in (" (filtered, both directions)", ", tails", ", heads")
    ]
    for name, row in store.metrics["held_out"].items():
        if name.startswith("links"):
            assert result["links"][name] == pytest.approx(row)
    count = store.metrics["test_opened"]["links"]["parts"]["test"]
    assert result["opened"]["links"] == store.metrics["test_opened"]["links"]
    assert result["links"]["links, tails"]["queries"] == count
    by_relation = result["relations"]["links"]
    assert sum(row["queries"] for row in by_relation.values()) == 2 * count
    assert result["leakage"]["facts"] == count
    assert result["leakage"]["duplicates"] == 0
    for one in (*result["links"], *ROWS):
        low, high = result["intervals"][one]["MRR"]
        assert 0 < low <= (result["links"] | result["rows"])[one]["MRR"] <= high <= 1


def test_an_older_store_has_the_scores_that_its_build_wrote(store_folder: Path) -> None:
    store = Store.open(store_folder)
    files = [name for name in store.manifest["files"] if name != "link_ranks.parquet"]
    old = Store(store.folder, store.manifest | {"files": files})
    names = [name for name in store.metrics["held_out"] if name.startswith("links")]
    assert stored_links(old)["links"] == {name: store.metrics["held_out"][name] for name in names}


def test_two_results_of_the_same_store_can_be_compared(
    store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for name, without in (("a", []), ("b", ["--without", "http://www.w3.org/2004/02/skos/core#broader"])):
        assert main(["--store", str(store_folder), "--seeds", "1", "--json", *without]) == 0
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["--compare", *map(str, files), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert list(rows)[:4] == ROWS
    assert rows["text to image, no graph"]["MRR"]["difference"] == 0
    assert rows["text to image, no graph"]["MRR"]["p"] == 1


def test_one_seed_gives_what_the_build_has_measured(store_folder: Path) -> None:
    store = Store.open(store_folder)
    result = evaluate(store, seeds=1, device="cpu")
    assert result["rows"] == {name: store.metrics["held_out"][name] for name in ROWS}
    assert set(result["spread"]["text to image"].values()) == {None}
    told = rows_table(result)
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
