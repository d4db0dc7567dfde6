"""Scores of a target: every row on the same test part, the ensemble beside its members, a table that fits."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pipelines.evaluate import main
from pipelines.evaluation.label_table import SHOWN, labels_table
from pipelines.evaluation.labels import evaluate_labels, rare_classes, scores_of
from pipelines.labels.learn import Lesson
from pipelines.labels.target import Target
from pipelines.store.store import Store

ABOUT = "https://schema.org/about"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@pytest.fixture(scope="module")
def result(store_folder: Path) -> dict[str, Any]:
    store = Store.open(store_folder)
    store.__dict__["settings"] = replace(store.settings, epochs=2, label_width=16)
    return evaluate_labels(store, ABOUT, seeds=1, members=2, device="cpu")


def test_each_sense_stands_alone_and_every_fusion_with_the_graph_and_without(result: dict[str, Any]) -> None:
    fusions = ("autoencoder", "concat", "attention")
    assert list(result["rows"]) == [
        "text alone",
        "image alone",
        "audio alone",
        *(name + graph for name in fusions for graph in ("", " + graph")),
        "ensemble",
    ]
    for name, row in result["rows"].items():
        assert row.keys() >= SHOWN.keys()
        assert row["queries"] == result["rows"]["ensemble"]["queries"]
        assert result["spread"][name]["accuracy"] is None  # a single split
        assert row["F1 micro"] == pytest.approx(row["accuracy"])


def test_the_confusion_matrix_counts_the_test_part_of_the_model_with_the_graph(
    result: dict[str, Any],
) -> None:
    table, row = np.array(result["confusion"]), result["rows"]["attention + graph"]
    assert table.shape == (10, 10)
    assert table.sum() == row["queries"]
    assert np.trace(table) / table.sum() == pytest.approx(row["accuracy"])


def test_the_table_fits_a_hundred_columns_and_breaks_no_name(result: dict[str, Any]) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(labels_table(result))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 100
    for name in result["rows"]:
        assert any(line.startswith(name + " ") for line in lines)
    assert len(lines) == 3 + len(result["rows"])  # and a title, a heading, how sure it is


def test_the_numbers_are_plain_json(result: dict[str, Any]) -> None:
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def lesson_of(classes: list[int], train: list[int], test: list[int]) -> Any:
    names = tuple(str(label) for label in range(max(classes) + 1))
    nobody = np.zeros(0, dtype=np.int64)
    target = Target("urn:t", np.arange(len(classes)), np.array(classes), names, -np.ones(3), nobody)
    from kg.splits import Split

    return Lesson(target, Split(np.array(train), nobody, np.array(test)), (), None, None)  # type: ignore[arg-type]


def test_a_rare_class_has_less_than_half_the_mean_of_examples_and_is_scored_by_itself() -> None:
    # 4, 4 and 1 examples: half the mean is 1.5
    lesson = lesson_of([0] * 5 + [1] * 5 + [2] * 3, [0, 1, 2, 3, 5, 6, 7, 8, 10], [4, 9, 11, 12])
    assert rare_classes(lesson).tolist() == [2]
    told = np.eye(3)[[0, 1, 2, 0]]
    scores = scores_of(lesson, told)
    assert (scores["accuracy"], scores["rare"], scores["rare queries"]) == (0.75, 0.5, 2)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--target", "https://schema.org/abouts"], "expected a property that entities of this graph have"),
        (["--target", "https://schema.org/abouts"], "did you mean https://schema.org/about"),
        (["--target", ABOUT, "--fusion", "soup"], "expected a fusion among"),
        (["--target", ABOUT, "--seeds", "0"], "expected at least 1 seed (got 0)"),
        (["--target", ABOUT, "--ensemble", "0"], "expected an ensemble of at least 1 (got 0)"),
        (["--group", ABOUT], "expected --target IRI beside --group"),
        (["--target", ABOUT, "--group", "urn:x"], "expected a group that entities with the target have (got"),
        (["--target", ABOUT, "--group", RDF_TYPE], "expected two groups or more by"),
        (["--target", ABOUT, "--label-share", "2"], "expected label_share in (0, 1] (got 2.0)"),
        (["--robustness", "out.png"], "expected --target IRI beside --robustness"),
        (["--target", ABOUT, "--robustness", "out.gif"], "expected the name of a PNG file (got out.gif)"),
        (["--reconstructions", "out.png"], "expected --media-root DIR beside --reconstructions"),
        (["--reconstructions", "no/out.png", "--media-root", "."], "expected a file in a folder that is"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    store_folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert main(["--store", str(store_folder), *flags]) == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
