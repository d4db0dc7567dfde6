"""What is done by other processes against the same done in this one: Ray, torchrun, Milvus, an endpoint.

python -m benchmarks.scale_out [--quick] --store stores/demo [--data DIR] [--only training]

Ray: two workers on this machine encode pictures of 500 x 400, against the local threads; a rate is that
between the first batch done and the last, what comes before stands in the details. Training: see
`benchmarks.scale_out_training`. Milvus: a file of Milvus Lite with the store's vectors; endpoint: the store's
own service. Both are asked the questions of `benchmarks.query`, with constraints and without, and so is the
store in this process. All but training need `pip install '.[ray,milvus,serve]'`. With `--only` the other
rows stay as they were measured last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import db15k, measure
from benchmarks.encoding import draw
from benchmarks.measure import Row, parser, report, with_older
from benchmarks.query import CONSTRAINTS, Question, questions
from benchmarks.serving_load import served

if TYPE_CHECKING:
    from encoders import Encoder, Engine
    from pipelines.search.retrieval import Searcher

SHARE = 0.95
"""Of the local rate that Ray has to reach: not slower, within what the machine's own rate varies."""
COUNT, QUICK_COUNT = 40, 20
AS_GOOD = 1e-5  # rounding


def rate(engine: Engine, encoder: Encoder, files: Sequence[Path], batch: int) -> dict[str, float]:
    """Pictures a second between the first batch done and the last, and the seconds before and in all."""
    start, times, counts = time.perf_counter(), [], []
    jobs = [(number.to_bytes(32, "big"), file) for number, file in enumerate(files)]
    for rows, _ in engine(encoder, jobs, batch):
        times.append(time.perf_counter() - start)
        counts.append(len(rows))
    speed = sum(counts[1:]) / (times[-1] - times[0])
    return {"pictures/s": speed, "first batch s": times[0], "whole s": times[-1]}


def by_ray(files: Sequence[Path], repeats: int) -> tuple[list[Row], dict[str, Any]]:
    """Two workers of Ray against the local threads, in turn."""
    from encoders import LocalEngine, make_encoder
    from encoders.ray_engine import RayEngine

    make = partial(make_encoder, "image")
    encoder, batch = make(), 16
    ways: dict[str, Engine] = {"local": LocalEngine(2), "ray": RayEngine(make, workers=2)}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, engine in ways.items():
            runs[name].append(rate(engine, encoder, files, batch))
    ours, rival = (statistics.median(run["pictures/s"] for run in runs[name]) for name in ("ray", "local"))
    target = f"ours / rival >= {SHARE:g}"
    ratio = ours / rival
    what = "encode pictures by 2 workers of Ray, against 2 local threads"
    return [Row(what, "pictures/s", ours, rival, ratio, target, ratio >= SHARE)], {
        "pictures": len(files),
        **runs,
    }


def compared(
    what: str, far: Searcher, near: Searcher, asked: Sequence[Question]
) -> tuple[Row, dict[str, Any]]:
    """The share of the best answers that are found elsewhere too, and the times, ms."""
    same, times = [], []
    for text, where in asked:
        start = time.perf_counter()
        found = far.search(text, where=where)
        middle = time.perf_counter()
        own = near.search(text, where=where)
        times.append((middle - start, time.perf_counter() - middle))
        least = min((hit.score for hit in own), default=0.0) - AS_GOOD
        same.append(len(found) == len(own) and all(hit.score >= least for hit in found))
    share = statistics.mean(same)
    row = Row(
        f"{what}: questions answered as in this process", "", share, 1.0, share, "ours = 1", share == 1.0
    )
    medians = [1000 * statistics.median(one) for one in zip(*times, strict=True)]
    return row, {"questions": len(asked), "p50 ms, elsewhere and here": medians}


def elsewhere(store: Path, count: int) -> tuple[list[Row], dict[str, Any]]:
    """Milvus Lite and an endpoint against the store in this process."""
    from kg.vocabulary import DEFAULT
    from pipelines.search import narrowing
    from pipelines.search.milvus_index import fill
    from pipelines.search.retrieval import Searcher

    near = Searcher.open(store)
    asked = questions([near.labels[entity] for entity in near.allowed(None)], count)
    near.search("a thing")
    with tempfile.TemporaryDirectory() as place:
        uri = str(Path(place) / "vectors.db")
        start = time.perf_counter()
        vectors = fill(uri, near.store, DEFAULT, [one for one in CONSTRAINTS[1:4] if one])
        filled = time.perf_counter() - start
        narrowing.FEW = 0  # else a store as small as the demo would be compared at once
        first, one = compared("search in Milvus Lite", Searcher.open(store, index=uri), near, asked)
    with served(store) as (_, address):
        second, other = compared(
            "constraints at an endpoint", Searcher.open(store, facts=f"{address}/sparql"), near, asked
        )
    filling = {"vectors": vectors, "s": filled}
    return [first, second], {"Milvus Lite": one | {"filled": filling}, "endpoint": other}


def encoding(flags: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """By Ray."""
    with tempfile.TemporaryDirectory() as place:
        draw(Path(place), 96 if flags.quick else 640)
        rows, found = by_ray(sorted(Path(place).iterdir()), 1 if flags.quick else min(3, flags.repeats))
    return rows, {"Ray": found}


def training(flags: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """By torchrun."""
    from benchmarks.scale_out_training import by_processes

    repeats = min(3, flags.repeats)
    rows, found = by_processes(flags.data, quick=flags.quick, repeats=repeats, seeds=flags.seeds)
    return rows, {"training": found | {"machine": measure.machine()}}


def asking(flags: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """By Milvus and at an endpoint."""
    return elsewhere(flags.store, QUICK_COUNT if flags.quick else COUNT)


PARTS = {"encoding": encoding, "training": training, "asking": asking}


def one_of_several(flags: argparse.Namespace) -> int:
    """Run a part of a training as one of its processes, the first of which prints what came of it."""
    from benchmarks.scale_out_training import part
    from pipelines.training.processes import leads, together

    with together():
        found = part(flags.part, flags.data)
        if leads():
            print(json.dumps(found))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, report."""
    flags_of = parser("Other processes against this one.")
    flags_of.add_argument("--store", type=Path, default=Path("stores/demo"), help="the store (stores/demo)")
    flags_of.add_argument("--data", type=Path, default=db15k.DATA, help=f"folder of DB15K ({db15k.DATA})")
    flags_of.add_argument("--seeds", type=int, default=3, help="seeds that each side trains with (3)")
    flags_of.add_argument("--only", choices=PARTS, help="measure these rows alone")
    flags = flags_of.parse_args(argv)
    if flags.part:
        return one_of_several(flags)
    rows, details = list[Row](), dict[str, Any]()
    for name in [flags.only] if flags.only else PARTS:
        try:
            measured, found = PARTS[name](flags)
        except FileNotFoundError as error:
            flags_of.error(str(error))
        rows, details = [*rows, *measured], details | found
    if flags.only and not flags.quick:
        rows, details = with_older("scale_out", rows, details)
    return report("scale_out", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
