"""How settings are chosen for a run without a look at it, and what the scores count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.machines import PROTOCOLS, chosen, halves, main, rows_of, scores

# two settings, three runs: hits, false alarms, misses, rest
COUNTS = np.array([
    [[9, 1, 1, 9], [0, 9, 9, 0], [0, 9, 9, 0]],
    [[0, 9, 9, 0], [9, 1, 1, 9], [9, 1, 1, 9]],
])  # fmt: skip


def test_scores_are_of_all_rows_together() -> None:
    assert scores(np.array([6, 2, 4, 8])) == {"f1": 12 / 18, "far": 2 / 10, "mar": 4 / 10}


def test_a_run_never_chooses_its_own_setting() -> None:
    others = ~np.eye(3, dtype=bool)
    counts, places = chosen(COUNTS, others)
    assert places[0] == 1  # its own best is 0
    assert counts[0].tolist() == [0, 9, 9, 0]
    changed = COUNTS.copy()
    changed[:, 0] = 5
    assert chosen(changed, others)[1][0] == places[0]


def test_a_half_is_of_the_runs_that_may_choose_and_is_drawn_by_the_seed() -> None:
    allowed = ~np.eye(9, dtype=bool)
    one, two = halves(allowed, 0), halves(allowed, 1)
    assert not (one & ~allowed).any()
    assert one.sum(1).tolist() == [4] * 9
    assert (one != two).any()
    assert np.array_equal(one, halves(allowed, 0))


def test_the_best_rival_of_each_protocol_is_compared_and_what_is_left_out_of_ours_is_no_rival() -> None:
    f1 = {"with the graph": 0.8, "each sensor alone, neither": 0.95, "forest": 0.7, "autoencoder": 0.9}
    results = {name: {protocol: {"f1": value} for protocol in PROTOCOLS} for name, value in f1.items()}
    kinds = {"fault, concat": {"accuracy": 0.5}, "no fault seen: the fitting rows alone": {"accuracy": 0.6}}
    rows = {row.benchmark.partition("settings chosen on ")[2]: row for row in rows_of(results, kinds)}
    assert not any("neither" in name for name in rows)
    assert rows["other runs: against forest"].holds
    assert not rows["other runs: against autoencoder"].holds
    for protocol in ("other days", "other families"):
        row = rows[f"{protocol}: against the best run here, autoencoder"]
        assert (row.ours, row.rival, row.holds) == (0.8, 0.9, False)


def test_without_the_data_the_benchmark_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--skab", str(tmp_path)]) == 1
    assert "expected SKAB's data, a folder with valve1/" in capsys.readouterr().err
