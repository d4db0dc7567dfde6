"""Tests of `kg.memory`: what stays with the process, and that it is given back."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from kg.memory import kept_memory

SIZE = 2**26
PIECES = 4

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="speaks of glibc's own allocator")


def resident() -> int:
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) * 1024


def use() -> None:
    held = [torch.ones(SIZE, dtype=torch.uint8) for _ in range(PIECES)]
    assert sum(int(one[-1]) for one in held) == PIECES


@glibc
def test_freed_memory_stays_inside_and_goes_at_the_end() -> None:
    before = resident()
    with kept_memory():
        use()
        kept = resident() - before
    assert kept > 0.9 * PIECES * SIZE
    assert resident() - before < 0.1 * PIECES * SIZE


@glibc
def test_after_it_large_pieces_go_back_at_once_as_before() -> None:
    with pytest.raises(ZeroDivisionError), kept_memory():
        1 / 0  # noqa: B018 - an error inside must not leave the process greedy
    before = resident()
    use()
    assert resident() - before < 0.1 * PIECES * SIZE


def test_it_wraps_a_function_and_nothing_that_it_returns_changes() -> None:
    @kept_memory()
    def doubled(value: torch.Tensor) -> torch.Tensor:
        return value * 2

    assert doubled(torch.arange(3)).tolist() == [0, 2, 4]
