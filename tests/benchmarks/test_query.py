"""What is asked of the demo: varied enough, and summed up rightly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.query import CONSTRAINTS, UNNAMED, main, percentile, questions, rows

LABELS = [f"A {word}." for word in "abcdefghijklmnopqrstuvwxyz"] * 10 + [f"thing {n}" for n in range(300)]


def test_questions_are_different_and_meet_every_constraint_with_and_without_a_name() -> None:
    asked = questions(LABELS, 300)
    assert len(asked) == len(set(text for text, _ in asked)) == 300
    assert questions(LABELS, 300) == asked
    unnamed = [where for text, where in asked if text.startswith(UNNAMED)]
    named = [where for text, where in asked if not text.startswith(UNNAMED)]
    assert len(unnamed) == 60
    assert Counter(where for _, where in asked) == dict.fromkeys(CONSTRAINTS, 30)
    assert set(named) == set(unnamed) == set(CONSTRAINTS)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert [percentile(values, percent) for percent in (1, 50, 99, 100)] == [2.0, 100.0, 198.0, 200.0]
    assert percentile([3.0], 50) == percentile([3.0], 99) == 3.0


def test_a_claim_holds_up_to_its_limit() -> None:
    assert [row.holds for row in rows({"whole": [25.0] * 98 + [80.0] * 2})] == [True, True]
    assert [row.holds for row in rows({"whole": [25.1] * 98 + [80.1] * 2})] == [False, False]


def test_without_the_demo_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.building.build.DEMO_STORE", tmp_path / "none")
    assert main(["--quick"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: expected a store at {tmp_path / 'none'} (no such folder)")
    assert err.count("\n") == 1
