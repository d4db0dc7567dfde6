"""How a build grows with its entities: the diffusion over the facts, and the embedding of all of them.

python -m benchmarks.entities [--quick]

A made-up graph of four facts an entity, seven of ten to one of the 400 next to it and the others by Zipf's
law, as to a place or a class; every entity has a text, every other one a picture. Above 20,000 entities the
diffusion is followed through the 4,096 that a block of them reaches first (kg/neighbourhoods.py), and
attention asks 16,384 (fusion/attention.py). Each size runs in a process of its own. What the first costs is
told by the same graph walked as a whole: how many of an entity's 20 nearest are among those by parts.
"""

from __future__ import annotations

import json
import sys
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import Row, at_most, below, child, parser, peak_bytes, report, seconds
from fusion.attention import CrossModalAttention
from fusion.base import JointGraph
from kg import neighbourhoods
from kg.diffusion import affinity
from kg.memory import kept_memory
from kg.sparse import SortedEdges

SIZES, QUICK = (25_000, 100_000), (2_000, 4_000)
COMPARED, QUICK_COMPARED = 10_000, 1_000
DEGREE, NEXT, HUBS, WIDTH = 4, 200, 0.3, 128
NEAREST, LOOKED_AT = 20, 300
TIMES, LIMIT, SHARED = 1.5, 4.0, 0.9


def facts(size: int) -> Tensor:
    """``(2, E)``, the same for the same size."""
    random = torch.Generator().manual_seed(0)
    count = DEGREE * size
    head = torch.randint(size, (count,), generator=random)
    tail = (head + torch.randint(-NEXT, NEXT, (count,), generator=random)) % size
    often = torch.tensor(float(size), dtype=torch.float64)
    rank = often.pow(torch.rand(count, generator=random, dtype=torch.float64)).long().clamp(max=size) - 1
    hub = torch.randperm(size, generator=random)[rank]
    return torch.stack([head, torch.where(torch.rand(count, generator=random) < HUBS, hub, tail)])


def joint(size: int, near: Tensor) -> JointGraph:
    """Entities with a text, half of them with a picture, and their facts."""
    random = torch.Generator().manual_seed(1)
    edge_index = facts(size)
    both = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    kind = torch.zeros(both.shape[1], dtype=torch.int64)
    kind[edge_index.shape[1] :] = 1
    owners = {"text": torch.arange(size), "image": torch.arange(0, size, 2)}
    rows = {name: torch.randn(len(owner), WIDTH, generator=random) for name, owner in owners.items()}
    edges = SortedEdges.of(both, kind, size, 2)
    return JointGraph(size, rows, owners, edges, torch.zeros(both.shape[1]), near)


@kept_memory()
def measure(size: int) -> dict[str, float]:
    """Microseconds for each entity, and what the process held at its peak, GB."""
    edge_index, found = facts(size), {}
    weight = torch.ones(edge_index.shape[1])
    near: list[Tensor] = []
    with patch.object(neighbourhoods, "WHOLE", 0):
        found["diffusion us"] = seconds(lambda: near.append(affinity(edge_index, weight, size)))
    graph = joint(size, near[0])
    sizes = {name: rows.shape[1] for name, rows in graph.features.items()}
    model = CrossModalAttention(sizes, 2, context=("text", "image"), width=WIDTH).eval()
    with torch.no_grad():
        found["embedding us"] = seconds(lambda: model(graph))
    each = {name: 1e6 * value / size for name, value in found.items()}
    return each | {"GB": peak_bytes() / 2**30}


def agreement(size: int) -> float:
    """Which share of the entities' nearest by the whole graph are among their nearest by parts."""
    edge_index = facts(size)
    weight = torch.ones(edge_index.shape[1])
    with patch.object(neighbourhoods, "WHOLE", size):
        exact = affinity(edge_index, weight, size)
    with patch.object(neighbourhoods, "WHOLE", 0):
        parts = affinity(edge_index, weight, size)
    chosen = np.random.default_rng(0).choice(size, min(LOOKED_AT, size), replace=False)
    shared = [len(nearest(exact, one) & nearest(parts, one)) / NEAREST for one in chosen.tolist()]
    return float(np.mean(shared))


def nearest(matrix: Tensor, row: int) -> set[int]:
    """The columns of a row's largest entries."""
    start, end = matrix.crow_indices()[row : row + 2].tolist()
    top = matrix.values()[start:end].topk(min(NEAREST, end - start)).indices
    return set(matrix.col_indices()[start:end][top].tolist())


def main() -> int:
    """Measure and report."""
    flags = parser("How a build grows with its entities.").parse_args()
    if flags.part:
        print(json.dumps(measure(int(flags.part))))
        return 0
    sizes = QUICK if flags.quick else SIZES
    found = {size: child("benchmarks.entities", "--part", str(size)) for size in sizes}
    first, last = (found[size] for size in sizes)
    between = f"for each entity, from {sizes[0]:,} to {sizes[-1]:,}"
    rows = [
        at_most(f"{name}, time {between}", last[f"{name} us"], first[f"{name} us"], TIMES, unit="us")
        for name in ("diffusion", "embedding")
    ]
    rows.append(
        below(f"diffusion and embedding of {sizes[-1]:,} entities, memory", last["GB"], LIMIT, unit="GB")
    )
    size = QUICK_COMPARED if flags.quick else COMPARED
    shared = agreement(size)
    title = f"diffusion by parts, {size:,} entities: of the {NEAREST} nearest by the whole"
    rows.append(Row(title, "", shared, SHARED, shared, f"ours >= {SHARED:g}", shared >= SHARED))
    return report(
        "entities", rows, quick=flags.quick, details={str(size): one for size, one in found.items()}
    )


if __name__ == "__main__":
    sys.exit(main())
