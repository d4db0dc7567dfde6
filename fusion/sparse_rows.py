"""Some rows of a sparse matrix: how near some entities are to all others, most of them not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class SparseRows:
    """Rows of a matrix whose entries are 0 but for those that are named.

    Shapes: ``indptr (b + 1,) int64``, where each row's entries begin; ``column (m,) int64``, each once in a
    row, ``value (m,)``; `width` columns.
    """

    indptr: Tensor
    column: Tensor
    value: Tensor
    width: int

    @classmethod
    def of(cls, matrix: Tensor, rows: Tensor) -> SparseRows:
        """Some rows ``(b,)`` of a sparse CSR matrix ``(n, width)``."""
        whole = cls(matrix.crow_indices(), matrix.col_indices(), matrix.values(), matrix.shape[1])
        return whole[rows]

    @classmethod
    def of_dense(cls, matrix: Tensor) -> SparseRows:
        """All rows of a dense matrix ``(b, width)``."""
        row, column = matrix.nonzero(as_tuple=True)
        indptr = torch.bincount(row, minlength=len(matrix)).cumsum(0)
        begin = indptr.new_zeros(1)
        return cls(torch.cat([begin, indptr]), column, matrix[row, column], matrix.shape[1])

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, rows: Tensor | slice) -> SparseRows:
        """These rows, in this order; a row may be wanted twice."""
        rows = torch.arange(len(self), device=self.indptr.device)[rows]
        length = self.indptr[rows + 1] - self.indptr[rows]
        ends = length.cumsum(0)
        offset = torch.arange(int(length.sum()), device=rows.device)
        offset -= (ends - length).repeat_interleave(length)
        entry = self.indptr[rows].repeat_interleave(length) + offset
        indptr = torch.cat([ends.new_zeros(1), ends])
        return SparseRows(indptr, self.column[entry], self.value[entry], self.width)

    @property
    def row(self) -> Tensor:
        """The row of each entry: ``(m,)``."""
        length = self.indptr.diff()
        return torch.arange(len(self), device=length.device).repeat_interleave(length)

    def at(self, columns: Tensor) -> Tensor:
        """Some columns ``(k,)``, of which one may be wanted twice, dense: ``(b, k)``."""
        wanted, again = torch.unique(columns, return_inverse=True)
        place = torch.full((self.width,), -1, dtype=torch.int64, device=columns.device)
        place[wanted] = torch.arange(len(wanted), device=columns.device)
        found = place[self.column]
        here = found >= 0
        dense = self.value.new_zeros(len(self), len(wanted))
        dense = dense.index_put((self.row[here], found[here]), self.value[here])
        return dense if torch.equal(wanted, columns) else dense[:, again]

    def hidden_where(self, hidden: Tensor) -> SparseRows:
        """The same, some rows ``(b,) bool`` being zero."""
        return replace(self, value=self.value * ~hidden[self.row])

    def strongest(self, able: Tensor, count: int) -> Tensor:
        """The columns of each row's largest entries, among those that are able: ascending, each once.

        Args:
            able: ``(width,) bool``.
            count: most columns of a row.
        """
        kept = able[self.column] & (self.value > 0)
        row, column, value = self.row[kept], self.column[kept], self.value[kept]
        order = value.argsort(descending=True, stable=True)
        order = order[row[order].argsort(stable=True)]
        length = torch.bincount(row, minlength=len(self))
        rank = torch.arange(len(order), device=row.device)
        rank -= (length.cumsum(0) - length).repeat_interleave(length)
        found: Tensor = torch.unique(column[order[rank < count]])
        return found
