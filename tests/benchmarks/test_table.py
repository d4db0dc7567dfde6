"""The README's performance table and the page of results are what the results say, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.measure import RESULTS
from benchmarks.table import PAGE, QUALITY, README, SPEED, figure, page, table, written


@pytest.mark.parametrize(("file", "content"), [(README, table), (PAGE, page)])
def test_the_pages_hold_what_the_results_say(file: Path, content: Callable[[], str]) -> None:
    text = file.read_text(encoding="utf-8")
    assert written(text, content()) == text, "run python -m benchmarks.table"


def test_every_result_that_is_kept_is_shown() -> None:
    assert {path.stem for path in RESULTS.glob("*.json")} <= set(SPEED + QUALITY)


def test_the_page_says_what_a_script_does_how_to_run_it_and_where_figures_come_from(tmp_path: Path) -> None:
    machine = {
        "date": "2020-01-02",
        "commit": "abc",
        "cores": 2,
        "python": "3.11",
        "packages": {"torch": "2"},
    }
    row = {"benchmark": "b", "unit": "s", "ours": 1.0, "rival": 2.0, "ratio": 2.0, "target": "t"}
    (tmp_path / "startup.json").write_text(json.dumps({"machine": machine, "rows": [{**row, "holds": True}]}))
    text = page(["startup", "search"], tmp_path)
    assert "    python -m benchmarks.startup [--quick]\n" in text
    assert "Measured: 2020-01-02, commit abc, 2 cores, Python 3.11, torch 2.\n" in text
    assert "| b | 1 s | 2 s | 2 | t | holds |\n" in text
    assert text.endswith("No whole run has been kept yet.\n")


def test_a_row_of_a_result_becomes_a_line(tmp_path: Path) -> None:
    row = {"benchmark": "b", "unit": "s", "ours": 0.01234, "rival": 2.0, "ratio": 162.07, "target": "t"}
    rows = [{**row, "holds": True}, {**row, "holds": False}]
    (tmp_path / "links.json").write_text(json.dumps({"rows": rows}))
    lines = table(["links"], tmp_path).splitlines()[2:]
    assert lines == [
        "| b | 0.0123 s | 2 s | 162 | t | holds |",
        "| b | 0.0123 s | 2 s | 162 | t | **missed** |",
    ]


def test_figures_have_three_digits() -> None:
    assert [figure(value) for value in (0.00012345, 1.5, 99.96, 1234.5)] == [
        "0.000123",
        "1.5",
        "100",
        "1,234",
    ]


def test_a_readme_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="expected <!-- benchmarks:start -->"):
        written("no table", "")
