"""Training on sampled neighbours: how fast they are drawn, what a step holds, and what the model then scores.

python -m benchmarks.sampling [--quick] [--data DIR] [--seeds N]

Heads and tails are drawn evenly, ten edges a node: nodes then meet seldom, the worst for the cache and for
memory. What a step holds is its peak above the graph, the model and its moments, in a process of its own; the
batch is so small that the smaller graph does not yet run out of nodes to draw. The score is the validation
MRR on DB15K of `pipelines.training.links.train_links`: the same settings and seeds, all facts in each step
against facts drawn around the batch. The kept state counts, as in a build.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import db15k
from benchmarks.measure import (
    Row,
    at_least,
    at_most,
    child,
    forget_peak,
    parser,
    peak_bytes,
    report,
)
from fusion.base import JointGraph
from kg.graph import KnowledgeGraph
from kg.sampling import NeighborSampler
from kg.sparse import SortedEdges
from kg.splits import Learning
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.training.deviation import deviation
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import LinkModel, LinkSteps, train_links

DEGREE, RELATIONS, FANOUT, SEEDS = 10, 20, (10, 10), 1024
SPEED, MEMORY, SHARE = 1e6, 1.2, 0.98
SCORED = Settings(epochs=12, patience=12, neighbors=10)


@dataclass(frozen=True)
class Work:
    """How much to do: edges to draw from, edges of the smaller and the larger graph, facts of a step."""

    drawn: int
    small: int
    large: int
    batch: int


WHOLE, QUICK = Work(10_000_000, 1_000_000, 10_000_000, 64), Work(500_000, 100_000, 500_000, 8)


def random_facts(num_edges: int) -> Tensor:
    """As many edges in facts, each in both directions: ``(num_edges / 2, 3)``."""
    random = torch.Generator().manual_seed(0)
    limits = torch.tensor([num_edges // DEGREE, RELATIONS, num_edges // DEGREE])
    return (torch.rand(num_edges // 2, 3, generator=random, dtype=torch.float64) * limits).long()


def drawing(num_edges: int, repeats: int) -> dict[str, float]:
    """Edges that one thread draws in a second of wall and of processor time: medians over some batches."""
    head, _, tail = random_facts(num_edges).unbind(1)
    index = torch.stack([torch.cat([head, tail]), torch.cat([tail, head])])
    sampler = NeighborSampler(index, num_edges // DEGREE, FANOUT)
    torch.set_num_threads(1)
    speeds = []
    for _ in range(1 + 10 * repeats):
        seeds = torch.randint(num_edges // DEGREE, (SEEDS,)).unique()
        start = time.perf_counter(), time.process_time()
        drawn = len(sampler.sample(seeds).edge)
        speeds.append((drawn / (time.perf_counter() - start[0]), drawn / (time.process_time() - start[1])))
    wall, processor = (statistics.median(kind) for kind in zip(*speeds[1:], strict=True))
    return {"wall": wall, "processor": processor}


def held(num_edges: int, batch: int) -> dict[str, float]:
    """MB that this process holds before a step, and that some steps add at their peak."""
    torch.manual_seed(0)
    triples = random_facts(num_edges)
    num_nodes = num_edges // DEGREE
    head, relation, tail = triples.unbind(1)
    edges = SortedEdges.of(
        torch.stack([torch.cat([head, tail]), torch.cat([tail, head])]),
        torch.cat([relation, relation + RELATIONS]),
        num_nodes,
        2 * RELATIONS,
    )
    graph = JointGraph(num_nodes, {}, {}, edges, torch.zeros(num_edges), None)
    settings = replace(SCORED, batch=batch)
    model = LinkModel(num_nodes, RELATIONS, settings)
    steps = LinkSteps(model, LinkFacts(graph, triples, triples[:0], RELATIONS), settings)
    steps.step(torch.tensor([0]))  # makes the moments, which are the model's and not the step's
    forget_peak()
    before = peak_bytes()
    for facts in torch.randint(len(triples), (5, batch)):
        steps.step(facts.unique())
    return {"before": before / 2**20, "step": (peak_bytes() - before) / 2**20}


def memory(work: Work) -> tuple[Row, dict[int, Any]]:
    """The claim that a step holds no more of a larger graph, and what each size held."""
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"  # what is freed goes back, and is counted when taken again
    sizes = (work.large, work.small)
    found = {size: _child(f"hold:{size}:{work.batch}") for size in sizes}
    name = f"what a step holds, from {work.small:,} to {work.large:,} edges"
    large, small = (found[size]["step"] for size in sizes)
    return at_most(name, large, small, MEMORY, unit="MB"), found


def split_of(graph: KnowledgeGraph, valid: Tensor) -> Learning:
    """Which facts of the graph train and which are asked: the given ones ``(t, 3)``."""
    asked = np.unique(np.concatenate([valid.numpy(), graph.triples]), axis=0, return_counts=True)
    if len(asked[0]) != len(graph.triples):
        raise ValueError("expected validation facts that are in the graph (got others)")
    twice = asked[1] > 1  # the graph's rows are sorted, as those of `unique` are
    return Learning(np.flatnonzero(~twice), np.flatnonzero(twice))


def score(folder: Path, settings: Settings) -> list[float]:
    """Validation MRR of one training, check by check."""
    torch.set_num_threads(1)
    graph, parts = db15k.load(folder, ("train_minus_valid", "valid"))
    joint = joint_graph(graph, Observations({}, {}), settings, diffusion=False)
    split = split_of(graph, parts["valid"])
    triples = torch.from_numpy(graph.triples)
    _, history = train_links(LinkFacts.of(joint, triples, split), settings, lambda *_: None)
    return history.scores


def scores(folder: Path, settings: Settings, seeds: int) -> dict[str, list[list[float]]]:
    """Those of both sides for each seed, a training on each core at a time."""
    sides = {"sampled": settings.neighbors, "full": 0}
    flags = [f"score:{settings.epochs}:{seed}:{count}" for count in sides.values() for seed in range(seeds)]
    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        found = list(at_once.map(lambda one: _child(one, "--data", str(folder))["scores"], flags))
    return dict(zip(sides, (found[:seeds], found[seeds:]), strict=True))


def scored(found: dict[str, list[list[float]]], epochs: int) -> Row:
    """The claim that sampling costs at most 2 % of the kept score, in the mean over the seeds."""
    ours, rival = (statistics.fmean(map(max, found[side])) for side in ("sampled", "full"))
    name = f"validation MRR after {epochs} epochs, mean of {len(found['full'])} seeds, against full passes"
    return Row(name, "", ours, rival, ours / rival, f"ours / rival >= {SHARE}", ours / rival >= SHARE)


def spread(found: dict[str, list[list[float]]]) -> dict[str, float | None]:
    """Standard deviation of each side's kept scores over the seeds; None of a single seed."""
    return {side: deviation([max(one) for one in each]) for side, each in found.items()}


def part(name: str, folder: Path) -> dict[str, Any]:
    """What a child process runs."""
    kind, *counts = name.split(":")
    first, second, *third = map(int, counts)
    if kind == "draw":
        return drawing(first, second)
    if kind == "hold":
        return held(first, second)
    return {"scores": score(folder, replace(SCORED, epochs=first, seed=second, neighbors=third[0]))}


def _child(name: str, *flags: str) -> dict[str, Any]:
    return child("benchmarks.sampling", "--part", name, *flags)


def main() -> int:
    """Measure and report."""
    all_flags = parser("Training on sampled neighbours.")
    all_flags.add_argument("--data", type=Path, default=db15k.DATA, help=f"folder of DB15K ({db15k.DATA})")
    all_flags.add_argument("--seeds", type=int, default=3, help="seeds that each side trains with (3)")
    flags = all_flags.parse_args()
    if flags.part:
        print(json.dumps(part(flags.part, flags.data)))
        return 0
    try:
        db15k.load(flags.data, ("train_minus_valid", "valid"))
    except FileNotFoundError as error:
        all_flags.error(str(error))
    work, settings, seeds = WHOLE, SCORED, flags.seeds
    if flags.quick:
        work, settings, seeds = QUICK, replace(SCORED, epochs=1), 1
    speed = _child(f"draw:{work.drawn}:{flags.repeats}")
    name = f"sampling {SEEDS:,} seeds of {work.drawn // DEGREE:,} nodes, {work.drawn:,} edges, one thread"
    row, by_size = memory(work)
    rows = [at_least(name, speed["wall"], SPEED, unit="edges/s"), row]
    by_seed = scores(flags.data, settings, seeds)
    rows.append(scored(by_seed, settings.epochs))
    chosen = {key: value for key, value in asdict(settings).items() if value != getattr(Settings(), key)}
    details = {
        "edges/s": speed,
        "memory, MB": by_size,
        "settings": chosen,
        "MRR by seed": by_seed,
        "spread": spread(by_seed),
    }
    return report("sampling", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
