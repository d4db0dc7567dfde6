"""Parts of a graph in which a walk can be followed: the whole of a small one, of a large one what is near.

A walk over all facts for each of the nodes costs the square of their number. Of a large graph the nodes are
put in an order in which neighbours stand together (reverse Cuthill-McKee), and a block of them is followed
through as many nodes as it reaches first; what leaves them is let go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor

from kg.sparse import Rows, csr_matrix

WHOLE, WITHIN = 20_000, 4_096
"""Most nodes of a graph that is walked as a whole; those that a block of a larger one is followed through."""


@dataclass(frozen=True)
class Neighbourhood:
    """Some nodes, and the part of the graph in which walks from them are followed.

    Shapes: ``rows (b,) int64``, of which those from `fresh` on are new; ``nodes (m,)`` ascending, the rows
    among them at ``place (b,)``; ``step (m, m)`` sparse, column-stochastic but for what leaves.
    """

    rows: Tensor
    fresh: int
    nodes: Tensor
    place: Tensor
    step: Tensor

    @property
    def starts(self) -> Tensor:
        """One walk that stands at each of the rows: ``(m, b)``."""
        walks = torch.zeros(len(self.nodes), len(self.rows))
        return walks.index_put((self.place, torch.arange(len(self.rows))), torch.ones(()))


def neighbourhoods(step: Tensor, block: int) -> Iterator[Neighbourhood]:
    """All nodes in blocks, each with what is near to it.

    Args:
        step: ``(n, n)`` sparse CSR, the walk's matrix, target by source.
        block: most nodes of a block.
    """
    num_nodes = len(step)
    if num_nodes > WHOLE:
        yield from _parts(step, block)
        return
    everyone = torch.arange(num_nodes)
    for first in range(0, max(num_nodes, 1), block):  # of no nodes one empty block
        # all of one width, the last begins among those before: a narrower one is summed in another order
        start = max(0, min(first, num_nodes - block))
        rows = everyone[start : first + block]
        yield Neighbourhood(rows, first - start, everyone, rows, step)


def _parts(step: Tensor, block: int) -> Iterator[Neighbourhood]:
    parts = (step.values(), step.col_indices(), step.crow_indices())
    walk = scipy.sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(step.shape))
    onward = walk.T.tocsr()
    order = reverse_cuthill_mckee(scipy.sparse.csr_matrix(walk), symmetric_mode=True).astype(np.int64)
    inside = np.zeros(len(order), dtype=bool)
    for first in range(0, len(order), block):
        rows = np.sort(order[first : first + block])
        nodes = _reached(onward, rows, inside)
        part = walk[nodes][:, nodes]
        part.sort_indices()
        row = torch.from_numpy(np.repeat(np.arange(len(nodes)), np.diff(part.indptr)))
        column = torch.from_numpy(part.indices.astype(np.int64))
        sorted_rows = Rows.of(row, column, len(nodes), len(nodes))
        yield Neighbourhood(
            torch.from_numpy(rows),
            0,
            torch.from_numpy(nodes),
            torch.from_numpy(np.searchsorted(nodes, rows)),
            csr_matrix(sorted_rows, torch.from_numpy(part.data)),
        )


def _reached(
    onward: scipy.sparse.csr_array, rows: NDArray[np.int64], inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The nodes that walks from some rows come to first: ascending, at most `WITHIN` or the rows themselves.

    Of the last step's nodes those are kept that are come to oftenest. `inside` is for use here alone.
    """
    inside[:] = False
    inside[rows] = True
    found, count = [rows], len(rows)
    front = rows
    visits = np.ones(len(rows))
    while len(front) and count < WITHIN:
        begin = onward.indptr[front].astype(np.int64)
        length = onward.indptr[front + 1] - begin
        entry = np.arange(length.sum()) + np.repeat(begin - (length.cumsum() - length), length)
        front, turn = np.unique(onward.indices[entry], return_inverse=True)
        weight = onward.data[entry] * np.repeat(visits, length)
        visits = np.bincount(turn, weight, len(front)).astype(np.float64)
        front, visits = front[fresh := ~inside[front]].astype(np.int64), visits[fresh]
        if len(front) > WITHIN - count:
            often = np.sort(np.argsort(-visits, kind="stable")[: WITHIN - count])
            front, visits = front[often], visits[often]
        inside[front] = True
        found.append(front)
        count += len(front)
    return np.sort(np.concatenate(found))
