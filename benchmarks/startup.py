"""What a command waits for before it works: --help, and one query from a cold start, each a new process.

python -m benchmarks.startup [--quick]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import below, parser, report, seconds

HEAVY = (
    "datasets",
    "pandas",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "torch",
    "torch_geometric",
    "torchvision",
    "transformers",
)
"""Packages that take long to import; which of them a command did import is told in the details."""
HELP = ("--help",)
TEXT = "a wild cat"
WHERE = "?x schema:about/skos:broader* <https://example.org/wordnet/animal.n.01>"
QUICK_REPEATS = 2


def asking(store: Path) -> tuple[str, ...]:
    """The flags of a query: a text under a constraint."""
    return "--store", str(store), "--text", TEXT, "--where", WHERE


def run(flags: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m pipelines.query` to its end.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-W", "ignore", *options, "-m", "pipelines.query", *flags]
    return subprocess.run(command, capture_output=True, check=True, text=True)


def times(flags: Sequence[str], repeats: int) -> list[float]:
    """Wall times, s, after one run that does not count: it fills the system's file cache."""
    return [seconds(partial(run, flags)) for _ in range(1 + repeats)][1:]


def heavy(flags: Sequence[str]) -> list[str]:
    """Which of HEAVY the command imports, as ``python -X importtime`` tells."""
    lines = run(flags, "-X", "importtime").stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return [name for name in HEAVY if name in imported]


def main(argv: Sequence[str] | None = None) -> int:
    """Start, measure, report."""
    flags = parser(__doc__.split("\n")[0]).parse_args(argv)
    from pipelines.building.build import DEMO_STORE
    from pipelines.store.store import Store, StoreError

    try:
        Store.open(DEMO_STORE)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    repeats = QUICK_REPEATS if flags.quick else flags.repeats
    commands = {"pipelines.query --help": (HELP, 0.5), "a query, cold start": (asking(DEMO_STORE), 6.0)}
    rows, details = [], {}
    for name, (command, limit) in commands.items():
        taken = times(command, repeats)
        rows.append(below(name, statistics.median(taken), limit))
        details[name] = {"s": [round(each, 3) for each in taken], "heavy imports": heavy(command)}
    print(json.dumps(details))
    return report("startup", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
