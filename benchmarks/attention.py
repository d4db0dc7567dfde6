"""RelationalAttention against torch-geometric's layers: time and memory of a forward and backward pass.

python -m benchmarks.attention [--quick]

RGATConv knows relations as we do; GATConv is blind to them. Memory is what a process of its own holds at its
peak beyond the graph, the layer and the libraries.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.measure import Row, child, faster, in_turn, parser, peak_bytes, report
from kg.attention import RelationalAttention
from kg.sparse import SortedEdges

with warnings.catch_warnings():
    warnings.filterwarnings("ignore")
    from torch_geometric.nn import GATConv, RGATConv

WIDTH, HEADS, RELATIONS = 128, 4, 20


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
    """A forward and backward pass."""
    return lambda: forward().square().sum().backward()


def peak(work: Work, side: str) -> int:
    """Bytes that three steps of one side hold at their peak, in this process."""
    forward = work.sides()[side]
    before = peak_bytes()
    for _ in range(3):
        step(forward)()
    return peak_bytes() - before


def main() -> int:
    """Measure and report."""
    flags = parser("RelationalAttention against torch-geometric's layers.").parse_args()
    works = QUICK if flags.quick else WORKS
    if flags.part:
        name, side = flags.part.split(":")
        print(json.dumps({"bytes": peak(works[name], side)}))
        return 0
    rows: list[Row] = []
    for name, work in works.items():
        sides = work.sides()
        title = f"attention, {work.num_nodes:,} nodes, {work.num_edges:,} edges, against {work.rival}"
        times = in_turn(step(sides["ours"]), step(sides["rival"]), flags.repeats)
        rows.append(faster(f"{title}: time", *times, work.times))
        quick = ["--quick"] if flags.quick else []
        held = [
            child("benchmarks.attention", "--part", f"{name}:{side}", *quick)["bytes"] / 2**20
            for side in ("ours", "rival")
        ]
        rows.append(faster(f"{title}: memory", held[0], held[1], work.memory, unit="MB"))
    return report("attention", rows, quick=flags.quick)


if __name__ == "__main__":
    sys.exit(main())
