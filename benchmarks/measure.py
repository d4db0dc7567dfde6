"""How every benchmark measures, decides and reports; it knows no claim.

Times are taken in turn, ours and the rival's, A B A B, after one of each that is not counted, so that a
machine that slows down slows both; medians are compared.
Peak memory is that of a child process, as the operating system accounts it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torch-geometric", "numpy", "pyarrow", "pyoxigraph", "rdflib", "faiss-cpu", "pykeen")


@dataclass(frozen=True)
class Row:
    """One claim: what was measured of us and of the rival, and whether the target holds.

    `ratio` is what `target` speaks of, such as ``rival / ours`` for "times faster".
    """

    benchmark: str
    unit: str
    ours: float
    rival: float
    ratio: float
    target: str
    holds: bool


def faster(benchmark: str, ours: float, rival: float, times: float, *, unit: str = "s") -> Row:
    """A claim that the rival needs at least `times` as much as we do."""
    ratio = rival / ours
    return Row(benchmark, unit, ours, rival, ratio, f"rival / ours >= {times:g}", ratio >= times)


def at_most(benchmark: str, ours: float, rival: float, times: float, *, unit: str = "s") -> Row:
    """A claim that we need at most `times` as much as the rival does."""
    ratio = ours / rival
    return Row(benchmark, unit, ours, rival, ratio, f"ours / rival <= {times:g}", ratio <= times)


def below(benchmark: str, ours: float, limit: float, *, unit: str = "s") -> Row:
    """A claim against a fixed limit, which stands in the rival's place."""
    return Row(benchmark, unit, ours, limit, ours / limit, f"ours <= {limit:g} {unit}", ours <= limit)


def at_least(benchmark: str, ours: float, limit: float, *, unit: str) -> Row:
    """A claim of a rate or a score, against a fixed limit, which stands in the rival's place."""
    return Row(benchmark, unit, ours, limit, ours / limit, f"ours >= {limit:g} {unit}", ours >= limit)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, s."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    ours: Callable[[], object], rival: Callable[[], object], repeats: int, *, warm: int = 1
) -> tuple[float, float]:
    """Medians of the two times, s, measured A B A B after `warm` rounds that do not count."""
    pairs = [(seconds(ours), seconds(rival)) for _ in range(warm + repeats)][warm:]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def child(module: str, *flags: str, by: Sequence[str] = ()) -> dict[str, Any]:
    """Run a part of a benchmark in a process of its own; what it printed last, as JSON.

    Args:
        module: the benchmark.
        flags: what to give to it.
        by: flags of Python by which it is started, such as those of torchrun; by default none.
    """
    command = [sys.executable, "-W", "ignore", *by, "-m", module, *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def peak_bytes() -> int:
    """The largest memory that this process has held so far.

    Linux tells it apart from the parent's, which `getrusage` hands down to a child.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    """Let `peak_bytes` begin anew, at what the process holds now.

    Raises:
        OSError: where there is no Linux to do so.
    """
    Path("/proc/self/clear_refs").write_text("5")


def parser(description: str) -> argparse.ArgumentParser:
    """The flags that every benchmark takes."""
    out = argparse.ArgumentParser(description=description)
    out.add_argument(
        "--quick", action="store_true", help="the same comparison on smaller work; nothing is kept"
    )
    out.add_argument("--repeats", type=int, default=5, help="times that each side runs (5)")
    out.add_argument("--part", help=argparse.SUPPRESS)  # what a child process is to run
    return out


def report(name: str, rows: Sequence[Row], *, quick: bool, details: dict[str, Any] | None = None) -> int:
    """Print a line for each row and, of a whole run, keep the JSON that the README's table is made of.

    Returns:
        0 if all targets hold, else 1: a quick run, whose work is too small for the targets, always 0.
    """
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        content = {"machine": machine(), "rows": [asdict(row) for row in rows], "details": details or {}}
        beside = RESULTS / f".{name}.tmp"
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        beside.replace(RESULTS / f"{name}.json")
    for row in rows:
        print(
            json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(row).items()})
        )
    return 0 if quick or all(row.holds for row in rows) else 1


def with_older(name: str, rows: Sequence[Row], details: dict[str, Any]) -> tuple[list[Row], dict[str, Any]]:
    """What was measured now, and the other rows and details of a benchmark as they were measured last."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return list(rows), details
    found = json.loads(path.read_text(encoding="utf-8"))
    now = {row.benchmark for row in rows}
    older = [Row(**row) for row in found["rows"] if row["benchmark"] not in now]
    return [*rows, *older], found["details"] | {"rows kept from": found["machine"]} | details


def machine() -> dict[str, Any]:
    """What the numbers depend on besides the code."""
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
