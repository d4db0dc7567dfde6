"""RelationalAttention against torch-geometric's layers: time and memory of a forward and backward pass.

python -m benchmarks.attention [--quick]

RGATConv knows relations as we do; GATConv is blind to them. A side runs in a process of its own, step after
step as in training, A B A B; its memory is what that process holds at its peak beyond the graph, the layer
and the libraries. Ours runs inside `kept_memory`, as our training does, and the rival as it comes; how each
does the other way stands in the details.
"""

from __future__ import annotations

import json
import statistics
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.measure import Row, child, faster, parser, peak_bytes, report, seconds
from kg.attention import RelationalAttention
from kg.memory import kept_memory
from kg.sparse import SortedEdges

with warnings.catch_warnings():
    warnings.filterwarnings("ignore")
    from torch_geometric.nn import GATConv, RGATConv

WIDTH, HEADS, RELATIONS = 128, 4, 20
ENOUGH = 1.0  # s that a side runs each time, in no less than three steps
SIDES = ("ours:kept", "rival:as it comes", "ours:as it comes", "rival:kept")  # the last two once


@dataclass(frozen=True)
class Work:
    """A random graph of some size, and the rival that is to attend over it."""

    rival: str
    num_nodes: int
    num_edges: int
    times: float
    memory: float

    def sides(self) -> dict[str, Callable[[], Tensor]]:
        """A forward pass of each side over the same graph."""
        random = torch.Generator().manual_seed(0)
        index = torch.randint(self.num_nodes, (2, self.num_edges), generator=random)
        kind = torch.randint(RELATIONS, (self.num_edges,), generator=random)
        x = torch.randn(self.num_nodes, WIDTH, generator=random)
        ours = RelationalAttention(WIDTH, WIDTH // HEADS, RELATIONS, heads=HEADS)
        edges = SortedEdges.of(index, kind, self.num_nodes, RELATIONS)
        blind = GATConv(WIDTH, WIDTH // HEADS, heads=HEADS, add_self_loops=False)
        aware = RGATConv(WIDTH, WIDTH // HEADS, RELATIONS, heads=HEADS)
        rivals = {"GATConv": lambda: blind(x, index), "RGATConv": lambda: aware(x, index, kind)}
        return {"ours": lambda: ours(x, edges), "rival": rivals[self.rival]}


WORKS = {
    "relations": Work("RGATConv", 20_000, 50_000, 150, 30),
    "large": Work("GATConv", 50_000, 500_000, 3, 3),
}
QUICK = {
    "relations": Work("RGATConv", 4_000, 10_000, 150, 30),
    "large": Work("GATConv", 20_000, 200_000, 3, 3),
}


def step(forward: Callable[[], Tensor]) -> Callable[[], None]:
    """A forward pass, and a backward pass of one given gradient: no loss, which is not the layer's."""
    gradient = torch.randn(forward().shape, generator=torch.Generator().manual_seed(1))
    return lambda: forward().backward(gradient)


def measure(work: Work, side: str, kept: bool) -> dict[str, float]:
    """Bytes that a training holds at its peak in this process, and the median time of its steps, s."""
    forward = work.sides()[side]
    before = peak_bytes()
    with kept_memory() if kept else nullcontext():
        take = step(forward)
        take()
        times = [seconds(take)]
        while len(times) < 3 or sum(times) < ENOUGH:
            times.append(seconds(take))
    return {"bytes": peak_bytes() - before, "s": statistics.median(times)}


def main() -> int:
    """Measure and report."""
    flags = parser("RelationalAttention against torch-geometric's layers.").parse_args()
    works = QUICK if flags.quick else WORKS
    if flags.part:
        name, side, kept = flags.part.split(":")
        print(json.dumps(measure(works[name], side, kept == "kept")))
        return 0
    rows: list[Row] = []
    details = {}
    quick = ["--quick"] if flags.quick else []
    for name, work in works.items():
        found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for repeat in range(1 if flags.quick else flags.repeats):
            for side in SIDES if repeat == 0 and not flags.quick else SIDES[:2]:
                found[side].append(child("benchmarks.attention", "--part", f"{name}:{side}", *quick))
        taken = {
            side: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            for side, runs in found.items()
            if runs
        }
        ours, rival = taken["ours:kept"], taken["rival:as it comes"]
        title = f"attention, {work.num_nodes:,} nodes, {work.num_edges:,} edges, against {work.rival}"
        rows.append(faster(f"{title}: time", ours["s"], rival["s"], work.times))
        held, rival_held = (one["bytes"] / 2**20 for one in (ours, rival))
        rows.append(faster(f"{title}: memory", held, rival_held, work.memory, unit="MB"))
        details[work.rival] = taken
    return report("attention", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
