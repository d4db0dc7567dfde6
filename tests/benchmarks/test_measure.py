"""What decides whether a target holds, on numbers worked by hand; memory and the kept JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.measure import (
    Row,
    at_least,
    at_most,
    below,
    faster,
    forget_peak,
    in_turn,
    peak_bytes,
    report,
)


def test_each_target_compares_as_it_says() -> None:
    rows = [faster("a", 2, 6, 3), faster("a", 2, 5.9, 3), at_most("b", 6, 3, 2), at_most("b", 6.1, 3, 2)]
    rows += [
        below("c", 5, 5),
        below("c", 5.1, 5),
        at_least("d", 5, 5, unit="x"),
        at_least("d", 4.9, 5, unit="x"),
    ]
    assert [row.holds for row in rows] == [True, False] * 4
    assert [row.ratio for row in rows[::2]] == [3, 2, 1, 1]


def test_sides_run_in_turn_and_the_warm_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    times = iter([100.0, 100.0, 1.0, 4.0, 3.0, 6.0, 2.0, 5.0])
    monkeypatch.setattr(measure, "seconds", lambda work: (work(), next(times))[1])
    assert in_turn(lambda: called.append("A"), lambda: called.append("B"), 3) == (2.0, 5.0)
    assert "".join(called) == "AB" * 4


def test_the_peak_grows_with_what_is_held() -> None:
    before = peak_bytes()
    held = np.ones(before // 4 + 2**26, dtype=np.uint8)
    assert before < peak_bytes() <= before + len(held) + 2**26


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can begin anew")
def test_a_peak_that_is_forgotten_does_not_count() -> None:
    held = np.ones(peak_bytes() + 2**27, dtype=np.uint8)
    high = peak_bytes()
    assert high >= len(held)
    del held
    forget_peak()
    assert peak_bytes() < high - 2**26


def test_a_whole_run_is_kept_and_a_quick_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    row = Row("a", "s", 2.0, 1.0, 2.0, "t", holds=False)
    assert report("x", [row], quick=True) == 0
    assert not list(tmp_path.iterdir())
    assert report("x", [row], quick=False) == 1
    kept = json.loads((tmp_path / "x.json").read_text())
    assert kept["rows"] == [json.loads(capsys.readouterr().out.splitlines()[-1])]
    assert kept["machine"]["cores"] >= 1
