"""The diffusion of `kg.diffusion` after some facts have changed: only what they reach is walked again.

Tensors only. A walk never leaves its connected component, so the rows of a component in which no fact has
changed stay as they are. That holds while no row is cut: which of several equal entries are cut off depends
on all the nodes. So where a component is larger than a row may be, as one is in most graphs of facts about
each other, any change means that all is walked again.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from kg.diffusion import KEPT, affinity
from kg.sparse import row_offsets


def changed_affinity(
    edge_index: Tensor,
    weight: Tensor,
    num_nodes: int,
    old_edge_index: Tensor,
    old_weight: Tensor,
    old_affinity: Tensor,
    moved: NDArray[np.int64],
    *,
    damping: float,
) -> Tensor:
    """What `affinity` gives, from what it gave before the change.

    Args:
        edge_index: ``(2, E)`` each fact once.
        weight: ``(E,)`` of the facts.
        num_nodes: number of nodes now.
        old_edge_index: the facts before, by the old numbers of the nodes.
        old_weight: their weights.
        old_affinity: the old diffusion, a sparse CSR tensor.
        moved: ``(old nodes,)`` the new number of each old node, ascending, -1 for one that is gone.
        damping: as it was and is.
    """
    before = _pairs(moved[old_edge_index.numpy()], old_weight.numpy(), num_nodes)
    now = _pairs(edge_index.numpy(), weight.numpy(), num_nodes)
    touched = _ends_that_differ(before, now, num_nodes)
    touched |= ~np.isin(np.arange(num_nodes), moved)
    if not touched.any() and len(moved) == num_nodes:
        return old_affinity
    pattern = scipy.sparse.coo_array(
        (np.ones(edge_index.shape[1]), tuple(edge_index.numpy())), (num_nodes, num_nodes)
    )
    _, component = connected_components(pattern, directed=False)
    if np.bincount(component).max() > KEPT:
        return affinity(edge_index, weight, num_nodes, damping=damping)
    again = np.isin(component, component[touched])
    return _stitched(
        _rows_of(edge_index, weight, again, damping), old_affinity, moved, torch.from_numpy(again)
    )


def _pairs(ends: NDArray[np.int64], weight: NDArray[np.float32], size: int) -> scipy.sparse.csr_array:
    """Summed weights of all pairs of nodes; of a pair with a node that is gone the other end has it alone."""
    low, high = ends.min(0), ends.max(0)
    kept = (high >= 0) & (low != high)
    # a place of its own, beyond all nodes, for what is gone
    low = np.where(low < 0, size, low)
    shape = (size + 1, size + 1)
    rows = np.minimum(low, high)[kept], np.maximum(low, high)[kept]
    return scipy.sparse.coo_array((weight[kept].astype(np.float64), rows), shape).tocsr()


def _ends_that_differ(
    before: scipy.sparse.csr_array, now: scipy.sparse.csr_array, size: int
) -> NDArray[np.bool_]:
    differs = abs(before - now).tocoo()
    ends = np.concatenate([coords[differs.data > 1e-9] for coords in differs.coords])
    touched = np.zeros(size + 1, dtype=bool)
    touched[ends] = True
    return touched[:size]


def _rows_of(
    edge_index: Tensor, weight: Tensor, again: NDArray[np.bool_], damping: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Row, column and value of the diffusion among some nodes, which no fact leaves."""
    nodes = torch.from_numpy(np.flatnonzero(again))
    if not len(nodes):
        return nodes, nodes, torch.empty(0)
    place = torch.full((len(again),), -1, dtype=torch.int64)
    place[nodes] = torch.arange(len(nodes))
    inside = place[edge_index[0]] >= 0
    found = affinity(place[edge_index[:, inside]], weight[inside], len(nodes), damping=damping)
    row = torch.arange(len(nodes)).repeat_interleave(found.crow_indices().diff())
    return nodes[row], nodes[found.col_indices()], found.values()


def _stitched(
    walked: tuple[Tensor, Tensor, Tensor], old: Tensor, moved: NDArray[np.int64], again: Tensor
) -> Tensor:
    """Old rows where nothing changed, and the others."""
    place = torch.from_numpy(moved)
    row = place.repeat_interleave(old.crow_indices().diff())
    column = place[old.col_indices()]
    kept = row >= 0
    kept &= ~again[row.clamp(min=0)]
    row, column = torch.cat([row[kept], walked[0]]), torch.cat([column[kept], walked[1]])
    value = torch.cat([old.values()[kept], walked[2]])
    order = (row * len(again) + column).argsort()
    size = (len(again), len(again))
    indptr = row_offsets(row[order], len(again))
    return torch.sparse_csr_tensor(indptr, column[order], value[order], size, check_invariants=False)
