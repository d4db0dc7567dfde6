"""A training that was stopped goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.link_sides import Facts, Free
from benchmarks.mmkg_training import Run, best_epoch, seconds_of, trained

TRIPLES = torch.tensor([(i, i % 2, (i * 7 + 1) % 20) for i in range(20)])
FACTS = Facts(20, 2, {})


def run_in(folder: Path) -> Run:
    return Run(folder, "made-up", seed=3, rank=4, n3=0.1)


def test_stopping_changes_nothing(tmp_path: Path) -> None:
    whole = trained(FACTS, TRIPLES, run_in(tmp_path / "whole"), 6)
    trained(FACTS, TRIPLES, run_in(tmp_path / "parts"), 2)
    parts = trained(FACTS, TRIPLES, run_in(tmp_path / "parts"), 6)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value, rtol=0, atol=0)


def test_the_epoch_that_the_judge_likes_best_is_kept(tmp_path: Path) -> None:
    said = iter([0.2, 0.5, 0.3])
    seen: list[torch.Tensor] = []

    def judge(model: Free) -> float:
        seen.append(model.rows.detach().clone())
        return next(said)

    model = trained(FACTS, TRIPLES, run_in(tmp_path), 10, judge)  # after epochs 4, 8 and 10
    torch.testing.assert_close(model.rows.detach(), seen[1], rtol=0, atol=0)
    assert best_epoch(run_in(tmp_path)) == 8


def test_what_was_found_is_not_looked_for_again(tmp_path: Path) -> None:
    run = run_in(tmp_path / "new")
    assert run.once(lambda: {"MRR": 40.0}) == {"MRR": 40.0}
    assert run.once(lambda: pytest.fail("asked again")) == {"MRR": 40.0}


def test_the_seconds_of_all_parts_count(tmp_path: Path) -> None:
    trained(FACTS, TRIPLES, run_in(tmp_path), 2)
    before = seconds_of(run_in(tmp_path))
    trained(FACTS, TRIPLES, run_in(tmp_path), 4)
    assert seconds_of(run_in(tmp_path)) > before > 0
