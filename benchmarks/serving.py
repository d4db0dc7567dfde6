"""A service of the demo store under 1, 8 and 64 clients: its pace; its memory over half an hour; killed.

python -m benchmarks.serving --store stores/demo [--minutes 30] [--only pace] [--quick]

wrk (`apt-get install wrk`) plays the clients, on the same machine, of whose cores it takes a little; the
questions are those of `benchmarks.query`, each a text and a constraint. Memory is that of the service and
its processes under 8 clients, the last fifth of the time against the second fifth. Then the service is
killed (SIGKILL) under 8 clients and started again: the time until it has answered, and whether the store's
files and its answers are what they were. With `--only` the other rows stay as they were measured last.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, at_most, below, parser, report, with_older
from benchmarks.query import Question, questions
from benchmarks.serving_load import Clients, answer, held, seconds_until, served

CLIENTS = (1, 8, 64)
SOME = 8
"""Clients while memory is watched, and while the service is killed."""
SECONDS, QUICK_SECONDS = 20.0, 4.0
"""Of each number of clients, in a whole run and in a quick one."""
WARM, LOOKED_AT = 200, 20
"""Questions before anything is counted; answers that are compared after a kill."""

Found = tuple[list[Row], dict[str, Any]]


def pace(store: Path, asked: Sequence[Question], seconds: float) -> Found:
    """Answers in a second, and how long they take, by the number of clients."""
    with served(store) as (_, address):
        loads = []
        for clients in CLIENTS:
            for one in asked[:WARM]:  # and what the last clients left unanswered is done
                answer(address, one)
            loads.append(Clients(address, asked, clients, seconds).result())
    lost = sum(load.refused + load.cut for load in loads)
    row = Row(f"service, up to {max(CLIENTS)} clients: not answered", "", lost, 0, lost, "ours = 0", not lost)
    return [row], {"store": store.name, "loads": [load.figures() for load in loads]}


def growth(store: Path, asked: Sequence[Question], seconds: float) -> Found:
    """Memory while clients ask for a long time."""
    looks: list[float] = []
    with served(store) as (process, address):
        clients, start = Clients(address, asked, SOME, seconds), time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds - 1:
            if spent * 100 / seconds >= len(looks):
                looks.append(held(process.pid))
            time.sleep(0.2)
        load = clients.result()
    fifth = len(looks) // 5
    early, late = (statistics.median(part) for part in (looks[fifth : 2 * fifth], looks[-fifth:]))
    title = (
        f"service, {seconds / 60:.0f} minutes of {SOME} clients: memory of the last fifth against the second"
    )
    details = {"growth": load.figures() | {"MB": [round(look) for look in looks]}}
    return [at_most(title, late, early, 1.05, unit="MB")], details


def killed(store: Path, asked: Sequence[Question], seconds: float) -> Found:
    """Kill under load, start on the same port, and look whether all is as it was."""
    before = digest(store)
    with served(store) as (process, address):
        said = [answer(address, one) for one in asked[:LOOKED_AT]]
        clients = Clients(address, asked, SOME, seconds)
        time.sleep(seconds / 4)
        process.kill()
        process.wait()
        start, port = time.perf_counter(), int(address.rpartition(":")[2])
        with served(store, port):
            seconds_until(address, asked[0])
            again = time.perf_counter() - start
            load = clients.result()
            changed = sum(answer(address, one) != old for one, old in zip(asked, said, strict=False))
    lost = changed + (digest(store) != before)
    rows = [
        below("service killed under load: seconds until it has answered again", again, 10.0),
        Row(
            "service killed under load: answers or files that changed",
            "",
            lost,
            0,
            lost,
            "ours = 0",
            not lost,
        ),
    ]
    return rows, {"killed": load.figures() | {"again s": round(again, 2)}}


def digest(folder: Path) -> str:
    """Of all files of a store."""
    found = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        found.update(f"{path.relative_to(folder)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, ask, measure, report."""
    parts: dict[str, Callable[[Path, Sequence[Question], float], Found]] = {
        "pace": pace,
        "growth": growth,
        "killed": killed,
    }
    flags_of = parser(__doc__.split("\n")[0])
    flags_of.add_argument("--store", type=Path, default=Path("stores/demo"), help="the store (stores/demo)")
    flags_of.add_argument("--minutes", type=float, default=30.0, help="how long memory is watched (30)")
    flags_of.add_argument("--only", choices=parts, help="measure these rows alone")
    flags = flags_of.parse_args(argv)
    from pipelines.search.retrieval import Searcher

    rows, details = list[Row](), dict[str, Any]()
    try:
        searcher = Searcher.open(flags.store)
        asked = questions([searcher.labels[entity] for entity in searcher.allowed(None)], 500)
        for name in [flags.only] if flags.only else parts:
            seconds = QUICK_SECONDS if flags.quick else SECONDS
            if name == "growth" and not flags.quick:
                seconds = 60 * flags.minutes
            found, more = parts[name](
                flags.store, asked, max(seconds, 4 * QUICK_SECONDS * (name == "killed"))
            )
            rows, details = [*rows, *found], details | more
            print(more, flush=True)
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if flags.only and not flags.quick:
        rows, details = with_older("serving", rows, details)
    return report("serving", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
