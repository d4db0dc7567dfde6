"""What decides whether several processes are as fast and as good, on numbers worked by hand; parts, small."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import scale_out_training
from benchmarks.scale_out_training import as_good, faster, part


def test_the_rate_of_each_process_is_compared_in_the_median() -> None:
    row = faster({1: [100.0, 90.0, 10.0], 2: [140.0, 150.0, 1000.0]})
    assert (row.ours, row.rival) == (75.0, 90.0)
    assert row.ratio == pytest.approx(0.8333, abs=1e-4)
    assert row.holds
    assert not faster({1: [100.0], 2: [159.0]}).holds


def test_scores_are_the_same_within_two_standard_errors_of_their_difference() -> None:
    # deviations 0.01 and 0.02: the difference of means of three has an error of sqrt(0.0005 / 3) = 0.0129
    alone = [0.30, 0.31, 0.32]
    row = as_good({1: alone, 2: [0.27, 0.29, 0.31]})
    assert row.ratio == pytest.approx(-0.02)
    assert row.target == "abs(ours - rival) <= 0.026"
    assert row.holds
    assert not as_good({1: alone, 2: [0.26, 0.28, 0.30]}).holds
    assert as_good({1: [0.3], 2: [0.3]}).holds


def test_a_small_rate_and_a_small_training_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [f"<x:{head}> <x:r> <x:{tail}> .\n" for head in range(10) for tail in range(10) if head != tail]
    for name, lines in (("train_minus_valid", facts[5:]), ("valid", facts[:5])):
        with gzip.open(tmp_path / f"{name}.nt.gz", "wt") as file:
            file.writelines(lines)
    monkeypatch.setattr(
        scale_out_training, "SETTINGS", replace(scale_out_training.SETTINGS, structure_width=8, batch=32)
    )
    threads = torch.get_num_threads()
    try:
        for neighbors in (0, 3):
            assert part(f"rate:2:{neighbors}", tmp_path)["rate"] > 0
        (first,) = part("score:1:0", tmp_path)["scores"]
        assert 0.1 <= first <= 1  # of ten entities the last place gives 0.1
    finally:
        torch.set_num_threads(threads)
