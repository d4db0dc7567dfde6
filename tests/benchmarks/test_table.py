"""The README's performance table is what the results say, and nothing else."""

import json
from pathlib import Path

import pytest

from benchmarks.table import README, figure, table, written


def test_the_readme_holds_the_table_of_the_results() -> None:
    readme = README.read_text(encoding="utf-8")
    assert written(readme, table()) == readme, "run python -m benchmarks.table"


def test_a_row_of_a_result_becomes_a_line(tmp_path: Path) -> None:
    row = {"benchmark": "b", "unit": "s", "ours": 0.01234, "rival": 2.0, "ratio": 162.07, "target": "t"}
    rows = [{**row, "holds": True}, {**row, "holds": False}]
    (tmp_path / "links.json").write_text(json.dumps({"rows": rows}))
    lines = table(tmp_path).splitlines()[2:]
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
