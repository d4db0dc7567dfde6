"""Two runs on the same queries: the difference, its interval and its chance; others are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.evaluate import main
from pipelines.training.ranked import Ranked

NAMES = [f"q{number}" for number in range(60)]


def write(path: Path, ranks: Any, row: str = "text to image", names: list[str] = NAMES) -> Path:
    one = Ranked.of(names, np.asarray(ranks, dtype=np.float64)).as_json()
    path.write_text(json.dumps({"rows": {}, "ranks": {row: [one]}}), encoding="utf-8")
    return path


def test_what_one_has_over_the_other_is_told_query_by_query(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "a.json", [2.0] * 60)
    second = write(tmp_path / "b.json", [1.0] * 40 + [2.0] * 20)
    assert main(["--compare", str(first), str(second), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["rows"]["text to image"]
    assert found["MRR"]["first"] == 0.5
    assert found["MRR"]["second"] == pytest.approx(5 / 6)
    assert found["MRR"]["difference"] == pytest.approx(1 / 3)
    low, high = found["MRR"]["interval"]
    assert 0.25 < low < 1 / 3 < high < 0.42
    assert found["MRR"]["p"] == pytest.approx(1 / 1001)
    assert found["R@10"] == {"first": 1.0, "second": 1.0, "difference": 0.0, "interval": [0, 0], "p": 1.0}


def test_a_person_sees_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    files = [write(tmp_path / f"{name}.json", [1.0, 2.0] * 30) for name in "ab"]
    assert main(["--compare", *map(str, files)]) == 0
    out = capsys.readouterr().out
    assert "text to image" in out
    assert "+0.000 to +0.000" in out
    assert "1.000" in out


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            {"names": [f"p{number}" for number in range(60)]},
            "expected two runs of the same queries (got others for 'text to image' in ",
        ),
        ({"row": "audio to text"}, "expected two runs with a row in common (got none in "),
    ],
)
def test_runs_of_other_queries_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: dict[str, Any], sentence: str
) -> None:
    first, second = write(tmp_path / "a.json", [1.0] * 60), write(tmp_path / "b.json", [1.0] * 60, **other)
    assert main(["--compare", str(first), str(second)]) == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert "\n" not in err.strip()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ranks": {"a": [{}]}}', '{"ranks": 3}', None])
def test_a_file_that_is_no_evaluation_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    good, bad = write(tmp_path / "a.json", [1.0] * 60), tmp_path / "b.json"
    if text is not None:
        bad.write_text(text, encoding="utf-8")
    assert main(["--compare", str(good), str(bad)]) == 1
    err = capsys.readouterr().err
    assert "error: expected " in err
    assert str(bad) in err
    assert "\n" not in err.strip()
