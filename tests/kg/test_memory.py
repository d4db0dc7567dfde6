"""Tests of `kg.memory`: what stays with the process, and that it is given back."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest
import torch

from kg.memory import kept_memory

MEASURE = """
import json
from pathlib import Path

from kg.memory import kept_memory


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def use():
    pieces = [bytearray(b"x") * 2**26 for _ in range(4)]
    assert all(len(piece) == 2**26 for piece in pieces)


before = resident()
with kept_memory():
    use()
    inside = resident() - before
after = resident() - before
try:
    with kept_memory():
        1 / 0
except ZeroDivisionError:
    use()
print(json.dumps([inside, after, resident() - before]))
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="of glibc's own allocator on Linux"
)
def test_freed_memory_stays_inside_and_goes_at_the_end_also_after_an_error() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], stdout=subprocess.PIPE, check=True, text=True)
    inside, after, after_error = json.loads(done.stdout)  # MB, of 256 in use
    assert inside > 240
    assert after < 16
    assert after_error < 16


def test_it_wraps_a_function_and_nothing_that_it_returns_changes() -> None:
    @kept_memory()
    def doubled(value: torch.Tensor) -> torch.Tensor:
        return value * 2

    assert doubled(torch.arange(3)).tolist() == [0, 2, 4]
