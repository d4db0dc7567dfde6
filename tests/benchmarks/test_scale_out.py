"""Rows that are measured alone replace their older ones and leave the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import measure, scale_out
from benchmarks.measure import Row, at_least


def test_rows_that_are_measured_alone_leave_the_others_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "RESULTS", tmp_path)

    def measured(name: str, value: float) -> tuple[list[Row], dict[str, float]]:
        return [at_least(name, value, 1, unit="x")], {name: value}

    for name in scale_out.PARTS:
        monkeypatch.setitem(scale_out.PARTS, name, lambda flags, name=name: measured(name, 2.0))
    assert scale_out.main([]) == 0
    monkeypatch.setitem(scale_out.PARTS, "training", lambda flags: measured("training", 3.0))
    assert scale_out.main(["--only", "training"]) == 0
    found = json.loads((tmp_path / "scale_out.json").read_text(encoding="utf-8"))
    assert {row["benchmark"]: row["ours"] for row in found["rows"]} == {
        "encoding": 2,
        "training": 3,
        "asking": 2,
    }
    assert found["details"]["training"] == 3
    assert found["details"]["encoding"] == 2
    assert found["details"]["rows kept from"] == found["machine"]


def test_without_the_data_the_command_says_what_it_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        scale_out.main(["--only", "training", "--data", str(tmp_path / "DB15K")])
    assert "expected DB15K in " in capsys.readouterr().err
