"""A service of the demo store under 1, 8 and 64 clients: its pace, its memory; killed, and run again.

python -m benchmarks.serving --store stores/demo

The clients run on the same machine and take a part of its cores. Each asks its next question as soon as the
last one is answered; the questions are those of `benchmarks.query`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Row, at_most, below, parser, report
from benchmarks.query import Question, percentile, questions

if TYPE_CHECKING:
    import httpx2

CLIENTS = (1, 8, 64)
SECONDS, QUICK_SECONDS = 20.0, 4.0
"""Of each number of clients, in a whole run and in a quick one."""
WARM = 200
"""Questions before anything is counted."""


@dataclass
class Load:
    """What some clients saw: the time of each answer, ms, and the statuses."""

    clients: int
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, float]:
        """For people."""
        return {
            "clients": self.clients,
            "answers": len(self.times),
            "a second": round(len(self.times) / self.seconds, 1),
            "p50 ms": round(percentile(self.times, 50), 1),
            "p99 ms": round(percentile(self.times, 99), 1),
        }


@contextmanager
def served(store: Path) -> Iterator[tuple[int, str, float]]:
    """A service: its process, its address, and the seconds until it listened with the store open."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "pipelines.serve", "--store", str(store), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        if found is None:
            raise ValueError(f"expected a service of {store} (it did not start)")
        yield process.pid, found.group(), time.perf_counter() - start
    finally:
        process.kill()  # as nobody would: nothing may be lost by it
        process.wait()
        process.stdout.close()


async def loaded(address: str, asked: Sequence[Question], clients: int, seconds: float) -> Load:
    """Let clients ask for some seconds."""
    import httpx2

    load, turn = Load(clients), itertools.cycle(asked)
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
        start = time.perf_counter()
        await asyncio.gather(*(_client(client, turn, load, start + seconds) for _ in range(clients)))
        load.seconds = time.perf_counter() - start
    return load


async def _client(client: httpx2.AsyncClient, turn: Iterator[Question], load: Load, end: float) -> None:
    while time.perf_counter() < end:
        text, where = next(turn)
        body = {"text": text} | ({"where": where} if where else {})
        start = time.perf_counter()
        answer = await client.post("/search", json=body)
        load.times.append(1000 * (time.perf_counter() - start))
        load.statuses[answer.status_code] += 1


def held(process: int) -> float:
    """Memory that a process and its children hold, MB."""
    found = 0.0
    for one in (process, *_children(process)):
        status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        found += int(re.findall(r"^VmRSS:\s+(\d+)", status, re.M)[0]) / 1024
    return found


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text(encoding="utf-8").split()]


def run(store: Path, seconds: float, asked: Sequence[Question]) -> tuple[list[Load], dict[str, float]]:
    """Warm up, load, kill under load, run again and ask once."""
    with served(store) as (process, address, started):
        asyncio.run(_first(address, asked[:WARM]))
        before = held(process)
        loads = [asyncio.run(loaded(address, asked, clients, seconds)) for clients in CLIENTS]
        after = held(process)
    start = time.perf_counter()
    with served(store) as (_, address, _):
        asyncio.run(_first(address, asked[:1]))
        again = time.perf_counter() - start
    return loads, {"start s": started, "again s": again, "MB before": before, "MB after": after}


async def _first(address: str, asked: Sequence[Question]) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
        for text, where in asked:
            body = {"text": text} | ({"where": where} if where else {})
            (await client.post("/search", json=body)).raise_for_status()


def rows(loads: Sequence[Load], figures: dict[str, float]) -> list[Row]:
    """The claims."""
    refused = sum(count for load in loads for status, count in load.statuses.items() if status != 200)
    most = max(CLIENTS)
    return [
        Row(f"service, up to {most} clients: not answered", "", refused, 0, refused, "ours = 0", not refused),
        at_most(
            f"service, up to {most} clients: memory after, against after warming up",
            figures["MB after"], figures["MB before"], 1.1, unit="MB",
        ),
        below("service killed: seconds until it has answered again", figures["again s"], 10.0),
    ]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, ask, measure, report."""
    flags_of = parser(__doc__.split("\n")[0])
    flags_of.add_argument("--store", type=Path, default=Path("stores/demo"), help="the store (stores/demo)")
    flags = flags_of.parse_args(argv)
    from pipelines.search.retrieval import Searcher

    try:
        searcher = Searcher.open(flags.store)
        things = [searcher.labels[entity] for entity in searcher.allowed(None)]
        seconds = QUICK_SECONDS if flags.quick else SECONDS
        loads, figures = run(flags.store, seconds, questions(things, 500))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    details = {
        "store": flags.store.name,
        "seconds of each": seconds,
        "loads": [load.figures() for load in loads],
        **{name: round(value, 2) for name, value in figures.items()},
    }
    print(json.dumps(details))
    return report("serving", rows(loads, figures), quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
