"""How near two entities are by the facts, over paths of any length: personalised PageRank.

Tensors only. Attention layers see one hop each; this gives them reach. The walk is symmetric (each
fact is walked both ways), and what it returns is normalised by degree, so that hubs are not near to
everybody. Method: personalised PageRank as a graph diffusion, GDC (arXiv 1911.05485).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kg.neighbourhoods import neighbourhoods
from kg.sparse import Rows, csr_matrix

FLOOR = 1e-5
"""Relative nearness below which two entities count as unconnected."""

KEPT = 512
"""Entries of a row that are kept, the largest."""

ROWS = 4_096
"""Rows packed at once, which holds memory down."""


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
            cache: 128 take a quarter of the time of 1024. In a graph of more than 20,000 nodes a block is
            followed through the 4,096 that it reaches first (see `kg.neighbourhoods`).

    Returns:
        A sparse CSR ``(num_nodes, num_nodes)`` float32 tensor with ones on its diagonal.

    Raises:
        ValueError: if damping is not inside (0, 1).
    """
    if not 0 < damping < 1:
        raise ValueError(f"expected damping between 0 and 1 (got {damping})")
    step, degree = _transitions(edge_index, weight.float(), num_nodes)
    own = _nearness_to_itself(step, degree, damping, steps, block)
    keep = min(keep, num_nodes)
    column, relative = torch.zeros(num_nodes, keep, dtype=torch.int32), torch.zeros(num_nodes, keep)
    for near_by in neighbourhoods(step, block):
        nodes, place = near_by.nodes, torch.arange(len(near_by.rows))
        visits = (1 - damping) * near_by.starts
        for _ in range(steps):
            visits = (near_by.step @ visits).mul_(damping)
            visits[near_by.place, place] += 1 - damping
        near = (visits / degree[nodes].unsqueeze(1)).t()[near_by.fresh :]
        rows = near_by.rows[near_by.fresh :]
        # normalised before the cut: k itself is largest for leaves, and by it a node would lose its own hub
        relatives = near / (own[rows].unsqueeze(1) * own[nodes]).sqrt()
        top = relatives.topk(min(keep, len(nodes)), dim=1)
        column[rows, : len(nodes)] = nodes[top.indices].int()
        relative[rows, : len(nodes)] = top.values
    return _log_scaled(column, relative)


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
    for near_by in neighbourhoods(step, block):
        rows, around = near_by.rows[near_by.fresh :], degree[near_by.nodes].unsqueeze(1)
        walked = ahead = near_by.starts
        for length in range(steps + 1):
            meeting = (walked * ahead / around).sum(0)
            own[rows] += (1 - damping) * damping**length * meeting[near_by.fresh :]
            if length % 2:
                walked = ahead
            else:
                ahead = near_by.step @ walked
    return own


def _log_scaled(column: Tensor, relative: Tensor) -> Tensor:
    """Take logarithms and pack the kept entries as CSR, columns ascending."""
    num_nodes = len(column)
    columns, values, counts = [], [], []
    for some, theirs in zip(column.split(ROWS), relative.split(ROWS), strict=True):
        scaled = 1 + theirs.clamp(min=FLOOR, max=1).log() / -math.log(FLOOR)
        ascending, order = some.sort(dim=1)
        scaled = scaled.gather(1, order)
        kept = scaled > 0
        columns.append(ascending[kept].long())
        values.append(scaled[kept])
        counts.append(kept.sum(1))
    row = torch.arange(num_nodes).repeat_interleave(torch.cat(counts))
    rows = Rows.of(row, torch.cat(columns), num_nodes, num_nodes)
    return csr_matrix(rows, torch.cat(values))
