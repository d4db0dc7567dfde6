"""How near two entities are by the facts, over paths of any length: personalised PageRank.

Tensors only. Attention layers see one hop each; this gives them reach. The walk is symmetric (each
fact is walked both ways), and what it returns is normalised by degree, so that hubs are not near to
everybody. Method: personalised PageRank as a graph diffusion, GDC (arXiv 1911.05485).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from kg.sparse import Rows, csr_matrix

FLOOR = 1e-5
"""Relative nearness below which two entities count as unconnected."""

KEPT = 512
"""Entries of a row that are kept, the largest."""


def affinity(
    edge_index: Tensor,
    weight: Tensor,
    num_nodes: int,
    *,
    damping: float = 0.95,
    steps: int = 40,
    keep: int = KEPT,
    block: int = 128,
) -> Tensor:
    """Nearness of all pairs of nodes by a random walk with restart, on a log scale from 0 to 1.

    The walk from ``i`` visits ``t`` with probability ``p(i, t)``; ``k(i, t) = p(i, t) / degree(t)`` is
    symmetric, and ``k(i, t) / sqrt(k(i, i) k(t, t))`` lies in [0, 1]. Its logarithm is mapped linearly
    so that 1 stays 1 and `FLOOR` becomes 0; smaller ones are left out.

    Args:
        edge_index: ``(2, E)`` int64, each fact once, in either direction.
        weight: ``(E,)`` float, at least 0; a fact of weight 0 is not walked.
        num_nodes: number of nodes.
        damping: probability of a further step; .95 reaches far, .5 hardly beyond the neighbours.
        steps: power iterations; the rest has probability below ``damping ** steps``.
        keep: the largest entries kept of each row.
        block: rows computed at a time; memory is ``block * num_nodes`` floats. So few fit into a processor's
            cache: 128 take a quarter of the time of 1024.

    Returns:
        A sparse CSR ``(num_nodes, num_nodes)`` float32 tensor with ones on its diagonal.

    Raises:
        ValueError: if damping is not inside (0, 1).
    """
    if not 0 < damping < 1:
        raise ValueError(f"expected damping between 0 and 1 (got {damping})")
    step, degree = _transitions(edge_index, weight.float(), num_nodes)
    own = _nearness_to_itself(step, degree, damping, steps, block)
    indices: list[Tensor] = []
    values: list[Tensor] = []
    for rows, fresh in _blocks(num_nodes, block):
        visits = (1 - damping) * _starts(rows, num_nodes)
        place = torch.arange(len(rows))
        for _ in range(steps):
            visits = (step @ visits).mul_(damping)
            visits[rows, place] += 1 - damping
        near = (visits / degree.unsqueeze(1)).t()[fresh]
        # normalised before the cut: k itself is largest for leaves, and by it a node would lose its own hub
        top = (near / (own[rows[fresh]].unsqueeze(1) * own).sqrt()).topk(min(keep, num_nodes), dim=1)
        values.append(top.values)
        indices.append(top.indices)
    return _log_scaled(torch.cat(indices), torch.cat(values))


def _transitions(edge_index: Tensor, weight: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """The walk's matrix (column-stochastic, CSR) and each node's degree (at least a little)."""
    walked = (weight > 0) & (edge_index[0] != edge_index[1])
    edge_index, weight = edge_index[:, walked], weight[walked]
    source = torch.cat([edge_index[0], edge_index[1]])
    target = torch.cat([edge_index[1], edge_index[0]])
    weight = torch.cat([weight, weight])
    degree = torch.zeros(num_nodes).index_add(0, source, weight).clamp(min=1e-6)
    order = target.argsort(stable=True)
    rows = Rows.of(target[order], source[order], num_nodes, num_nodes)
    return csr_matrix(rows, (weight / degree[source])[order]), degree


def _nearness_to_itself(step: Tensor, degree: Tensor, damping: float, steps: int, block: int) -> Tensor:
    """``k(i, i)`` of each node by half the steps: a walk that returns is two walks that meet halfway."""
    own = torch.zeros(len(degree))
    for rows, fresh in _blocks(len(degree), block):
        walked = ahead = _starts(rows, len(degree))
        for length in range(steps + 1):
            meeting = (walked * ahead / degree.unsqueeze(1)).sum(0)
            own[rows[fresh]] += (1 - damping) * damping**length * meeting[fresh]
            if length % 2:
                walked = ahead
            else:
                ahead = step @ walked
    return own


def _blocks(num_nodes: int, block: int) -> Iterator[tuple[Tensor, slice]]:
    """All nodes in blocks of one width, the last of which begins among those of the one before.

    A narrower one would be summed in another order. The slice has what is new in a block.
    """
    for first in range(0, max(num_nodes, 1), block):  # of no nodes one empty block
        start = max(0, min(first, num_nodes - block))
        yield torch.arange(start, min(first + block, num_nodes)), slice(first - start, None)


def _starts(rows: Tensor, num_nodes: int) -> Tensor:
    """Columns of the identity: one walk that stands at each of the rows."""
    return torch.zeros(num_nodes, len(rows)).index_put((rows, torch.arange(len(rows))), torch.ones(()))


def _log_scaled(column: Tensor, relative: Tensor) -> Tensor:
    """Take logarithms and pack the kept entries as CSR, columns ascending."""
    num_nodes = len(column)
    scaled = 1 + relative.clamp(min=FLOOR, max=1).log() / -math.log(FLOOR)
    column, order = column.sort(dim=1)
    scaled = scaled.gather(1, order)
    kept = scaled > 0
    row = torch.arange(num_nodes).unsqueeze(1).expand_as(column)[kept]
    rows = Rows.of(row, column[kept], num_nodes, num_nodes)
    return csr_matrix(rows, scaled[kept])
