"""Link scoring on DB15K: ComplEx over all entities, trained and ranked by us and by PyKEEN.

python -m benchmarks.links [--quick] [--data DIR]

Both sides train the same 8,000 facts, each in both directions, in batches of as many distinct (head,
relation) queries with all their answers, with fused Adagrad on the softmax cross-entropy and no penalty, from
rows of the same deviation; an epoch counts as the facts times two over its seconds, grouping the facts into
queries included. Ranks of 500 test facts are filtered by the training and test facts; both sides rank with
the same weights and must agree on the mean.
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import db15k, measure
from benchmarks.link_sides import BATCH, N3, Facts, Free, Rival
from benchmarks.measure import Row
from kg.links import fast_bfloat16


def load(folder: Path) -> Facts:
    """Read all parts of the data set.

    Raises:
        FileNotFoundError: if the folder does not hold them.
    """
    whole, parts = db15k.load(folder, ("train", "train_minus_valid", "valid", "test"))
    return Facts(whole.num_entities, whole.num_relations, parts)


def medians(sides: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median time of each side, s, in turn A B C A B C."""
    rounds = [[measure.seconds(side) for side in sides] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def training(facts: Facts, rank: int, count: int, repeats: int) -> list[Row]:
    """An epoch in float32 and, where the processor has it, in bfloat16 against PyKEEN's in float32."""
    triples = facts.parts["train"]
    triples = triples[torch.randperm(len(triples), generator=torch.Generator().manual_seed(0))[:count]]
    halves = [False, True] if fast_bfloat16(torch.device("cpu")) else [False]
    rival = Rival(facts, rank)
    free = [Free(facts, rank, half=half) for half in halves]
    sides: list[Free | Rival] = [*free, rival]
    for side in sides:
        side.epoch(triples[: 4 * BATCH])  # the first steps do not count
    times = medians([partial(side.epoch, triples) for side in sides], repeats)
    speeds = [2 * len(triples) / time for time in times]
    names = [f"training ComplEx, rank {rank}, {'bfloat16' if half else 'float32'}" for half in halves]
    return [rate(name, speed, speeds[-1]) for name, speed in zip(names, speeds, strict=False)]


def rate(benchmark: str, ours: float, rival: float) -> Row:
    """The claim of the speed issue: at least 1.5 times as many triples a second."""
    ratio = ours / rival
    return Row(benchmark, "triples/s", ours, rival, ratio, "ours / rival >= 1.5", ratio >= 1.5)


def evaluation(facts: Facts, rank: int, count: int, repeats: int) -> Row:
    """Filtered ranks of test facts by the same weights."""
    asked, known = facts.parts["test"][:count], facts.parts["train"]
    rival = Rival(facts, rank)
    rival.epoch(known[: 8 * BATCH])  # scores that differ
    free = rival.ours(rank)
    ours, other = float((1 / free.ranks(asked, known)).mean()), rival.mean_reciprocal_rank(asked, known)
    if abs(ours - other) > 1e-4:
        raise RuntimeError(f"expected both sides to rank alike (got MRR {ours:.5f} and {other:.5f})")
    times = measure.in_turn(
        lambda: free.ranks(asked, known), lambda: rival.mean_reciprocal_rank(asked, known), repeats
    )
    speeds = [2 * len(asked) / time for time in times]
    return rate(f"filtered ranks, rank {rank}", *speeds)


def precision(facts: Facts, epochs: int, count: int) -> Row:
    """Validation MRR after the same epochs with products in bfloat16 and in float32."""
    train, valid = facts.parts["train_minus_valid"][:count], facts.parts["valid"]
    ours, exact = (_score(Free(facts, 100, half=half), train, valid, epochs) for half in (True, False))
    name = f"validation MRR, rank 100, {epochs} epochs, bfloat16 against float32"
    return Row(name, "", ours, exact, ours - exact, "ours - rival >= -0.005", ours - exact >= -0.005)


def _score(free: Free, train: Tensor, valid: Tensor, epochs: int) -> float:
    for _ in range(epochs):
        free.epoch(train, N3)
    return float((1 / free.ranks(valid, train)).mean())


def memory(facts: Facts, most: int, repeats: int) -> Row:
    """Peak memory of ranking: all queries against a tenth of them, each in a process of its own.

    The median of some processes in turn: a single peak wanders by some 4 %, as the buffers of the threads do.
    """
    sizes = f"{facts.num_entities} {facts.num_relations} {len(facts.parts['train'])}"
    pairs = [[_peak(f"{sizes} {count}") for count in (most, most // 10)] for _ in range(repeats)]
    ours, tenth = (statistics.median(peaks) / 1e6 for peaks in zip(*pairs, strict=True))
    return measure.at_most("memory of filtered ranks, ten times the queries", ours, tenth, 1.05, unit="MB")


def _peak(sizes: str) -> float:
    child = measure.child("benchmarks.links", "--part", sizes)
    peak, before = float(child["peak"]), float(child["before"])
    if peak <= before:
        raise RuntimeError(f"expected ranking to take more memory than starting did (got {peak:.0f} bytes)")
    return peak


def part(num_entities: int, num_relations: int, num_known: int, count: int) -> None:
    """What the child does: rank made-up facts, as reading true ones takes memory too; say what it took."""
    limits = torch.tensor([num_entities, num_relations, num_entities])
    known = (torch.rand(num_known, 3) * limits).long()
    facts = Facts(num_entities, num_relations, {})
    before = measure.peak_bytes()
    Free(facts, 200).ranks(known[:count], known)
    print(json.dumps({"peak": measure.peak_bytes(), "before": before}))


def main() -> int:
    """Measure, report."""
    parser = measure.parser("link scoring over all entities against PyKEEN's ComplEx with LCWA")
    parser.add_argument("--data", type=Path, default=db15k.DATA, help=f"folder of DB15K ({db15k.DATA})")
    parser.set_defaults(repeats=3)  # an epoch is some hundred steps
    flags = parser.parse_args()
    if flags.part:
        part(*map(int, flags.part.split()))
        return 0
    try:
        facts = load(flags.data)
        import pykeen  # noqa: F401
    except FileNotFoundError as error:
        parser.error(str(error))
    except ImportError:
        parser.error("expected pykeen to compare with: pip install '.[bench]'")
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)  # PyKEEN tells of every batch size on a CPU
    torch.set_flush_denormal(True)  # for both sides: such floats are ten times as slow, and tell nothing
    count, asked, repeats = (1_000, 200, 1) if flags.quick else (8_000, 500, flags.repeats)
    # memory first: a child's peak is at least what its parent held when it was started
    rows = [memory(facts, len(facts.parts["test"]), 1 if flags.quick else 5)]
    rows += [row for rank in (100, 200) for row in training(facts, rank, count, repeats)]
    rows += [evaluation(facts, rank, asked, repeats) for rank in (100, 200)]
    if fast_bfloat16(torch.device("cpu")):
        rows += [precision(facts, 1 if flags.quick else 3, 4_000 if flags.quick else 20_000)]
    details = {"batch": BATCH, "optimizer": "Adagrad", "threads": torch.get_num_threads()}
    return measure.report("links", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
