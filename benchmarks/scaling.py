"""How the cost of RelationalAttention grows: time for each edge from a hundred thousand to ten million.

python -m benchmarks.scaling [--quick]

Ten edges a node, d 128, four heads, forward and backward. Heads are drawn evenly, tails by Zipf's law, as in
a knowledge graph; the same over evenly drawn tails, where no entity is met more often than others and the
cache helps least, stands in the details. Each size runs in processes of its own, inside `kept_memory` as our
training does (else ten million edges spend half of their time in page faults), once with small and once with
large pages (THP_MEM_ALLOC_ENABLE=1); the faster counts, as large pages help large graphs alone.
"""

from __future__ import annotations

import json
import os
import statistics
import sys

import torch

from benchmarks.measure import at_most, below, child, parser, peak_bytes, report, seconds
from kg.attention import RelationalAttention
from kg.memory import kept_memory
from kg.sparse import SortedEdges

WIDTH, HEADS, RELATIONS, DEGREE = 128, 4, 20, 10
SIZES, QUICK = (100_000, 1_000_000, 10_000_000), (20_000, 100_000, 500_000)
TIMES, LIMIT = 1.5, 16.0


def measure(law: str, num_edges: int) -> dict[str, float]:
    """Median time for each edge, us, and peak memory of this process, GB."""
    random = torch.Generator().manual_seed(0)
    num_nodes = num_edges // DEGREE
    head = torch.randint(num_nodes, (num_edges,), generator=random)
    if law == "zipf":
        rank = torch.tensor(float(num_nodes), dtype=torch.float64).pow(
            torch.rand(num_edges, generator=random, dtype=torch.float64)
        )
        tail = torch.randperm(num_nodes, generator=random)[rank.long().clamp(max=num_nodes) - 1]
    else:
        tail = torch.randint(num_nodes, (num_edges,), generator=random)
    kind = torch.randint(RELATIONS, (num_edges,), generator=random)
    x = torch.randn(num_nodes, WIDTH, generator=random)
    layer = RelationalAttention(WIDTH, WIDTH // HEADS, RELATIONS, heads=HEADS)
    edges = SortedEdges.of(torch.stack([tail, head]), kind, num_nodes, RELATIONS)

    gradient = torch.randn(num_nodes, WIDTH, generator=random)

    def step() -> None:
        layer(x, edges).backward(gradient)

    with kept_memory():
        times = [seconds(step) for _ in range(max(7, min(60, 6_000_000 // num_edges)))][2:]
    return {"us": 1e6 * statistics.median(times) / num_edges, "GB": peak_bytes() / 2**30}


def best(law: str, size: int) -> dict[str, float]:
    """The faster of small and large pages."""
    found = []
    for large in (0, 1):
        os.environ["THP_MEM_ALLOC_ENABLE"] = str(large)
        found.append({**child("benchmarks.scaling", "--part", f"{law}:{size}"), "large pages": large})
    return min(found, key=lambda one: one["us"])


def main() -> int:
    """Measure and report."""
    flags = parser("How the cost of RelationalAttention grows.").parse_args()
    if flags.part:
        law, size = flags.part.split(":")
        print(json.dumps(measure(law, int(size))))
        return 0
    sizes = QUICK if flags.quick else SIZES
    laws = ("zipf",) if flags.quick else ("zipf", "even")
    found = {law: {size: best(law, size) for size in sizes} for law in laws}
    first, last = (found["zipf"][size] for size in (sizes[0], sizes[-1]))
    between = f"from {sizes[0]:,} to {sizes[-1]:,} edges"
    rows = [
        at_most(f"attention, time for each edge, {between}", last["us"], first["us"], TIMES, unit="us"),
        below(f"attention, memory of {sizes[-1]:,} edges", last["GB"], LIMIT, unit="GB"),
    ]
    return report("scaling", rows, quick=flags.quick, details=found)


if __name__ == "__main__":
    sys.exit(main())
