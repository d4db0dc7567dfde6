"""The sparse products that attention stands on: edges sorted into compressed rows, sums and softmax by row.

Tensors only, and no torch-geometric. A graph of E edges costs O(E * heads) memory and never a vector for each
edge: sums run as bags of embeddings, with gradients that are such sums again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# torch says these once for each process; the gradients here are our own, tested against autograd.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
warnings.filterwarnings("ignore", message="Sparse invariant checks are implicitly disabled")


@dataclass(frozen=True)
class Rows:
    """A sparse (num_rows, num_columns) pattern in compressed rows, with its transpose.

    Shapes: ``indptr (num_rows + 1,)``, ``row (E,)``, ``column (E,)``; the transpose reads
    ``transposed_indptr (num_columns + 1,)``, ``row[transposed_order]``. All int64.
    """

    indptr: Tensor
    row: Tensor
    column: Tensor
    transposed_indptr: Tensor
    transposed_order: Tensor

    @classmethod
    def of(cls, row: Tensor, column: Tensor, num_rows: int, num_columns: int) -> Rows:
        """Build the pattern from edges that are already sorted by row."""
        return cls(
            indptr=row_offsets(row, num_rows),
            row=row,
            column=column,
            transposed_indptr=row_offsets(column, num_columns),
            transposed_order=column.argsort(stable=True),
        )

    @property
    def num_rows(self) -> int:
        """Number of rows: the targets of the edges."""
        return self.indptr.numel() - 1

    @property
    def num_columns(self) -> int:
        """Number of columns: the sources of the edges."""
        return self.transposed_indptr.numel() - 1


@dataclass(frozen=True)
class SortedEdges:
    """Edges sorted by target, ready for attention: who sends (`sources`), by which relation.

    Shapes: ``edge_type (E,) int64``; ``order (E,) int64`` is the place each sorted edge had in the
    input, so that an edge feature ``f`` is aligned by ``f[edges.order]``; ``pair (E,) int64`` is
    the entry of `relations`, a pattern of distinct (target, relation) pairs, the edge is of.
    """

    sources: Rows
    relations: Rows
    edge_type: Tensor
    pair: Tensor
    order: Tensor

    @classmethod
    def of(
        cls,
        edge_index: Tensor,
        edge_type: Tensor,
        num_nodes: int | tuple[int, int],
        num_relations: int,
    ) -> SortedEdges:
        """Sort edges once, to be used for every pass.

        Args:
            edge_index: ``(2, E)`` int64, source above target.
            edge_type: ``(E,)`` int64 in ``[0, num_relations)``.
            num_nodes: number of nodes, or (sources, targets) where they differ.
            num_relations: number of relations.

        Raises:
            ValueError: if shapes do not agree or an index is out of range.
        """
        num_sources, num_targets = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
        _check("edge_index[0]", edge_index[0], num_sources)
        _check("edge_index[1]", edge_index[1], num_targets)
        _check("edge_type", edge_type, num_relations)
        if edge_type.shape != edge_index.shape[1:]:
            raise ValueError(
                f"expected one edge_type for each edge (got {edge_type.numel()} for {edge_index.shape[1]})"
            )
        order = edge_index[1].argsort(stable=True)
        source, target, kind = edge_index[0][order], edge_index[1][order], edge_type[order]
        pairs, pair = torch.unique(target * num_relations + kind, return_inverse=True)
        return cls(
            sources=Rows.of(target, source, num_targets, num_sources),
            relations=Rows.of(pairs // num_relations, pairs % num_relations, num_targets, num_relations),
            edge_type=kind,
            pair=pair,
            order=order,
        )

    @property
    def edge_index(self) -> Tensor:
        """The sorted edges, ``(2, E)`` int64, source above target."""
        return torch.stack([self.sources.column, self.sources.row])

    def to(self, device: torch.device | str) -> SortedEdges:
        """The same edges on another device."""

        def move(rows: Rows) -> Rows:
            return Rows(*(getattr(rows, name).to(device) for name in Rows.__dataclass_fields__))

        plain = (self.edge_type, self.pair, self.order)
        return SortedEdges(move(self.sources), move(self.relations), *(index.to(device) for index in plain))


def segment_softmax(logits: Tensor, rows: Rows) -> Tensor:
    """Softmax over the edges of each row; a row whose logits are all -inf gets zeros.

    Shapes: ``logits (E, heads)`` sorted by row -> ``(E, heads)``.
    """
    return cast(Tensor, _SegmentSoftmax.apply(logits, rows))


def end_sum(source: Tensor, target: Tensor, rows: Rows) -> Tensor:
    """What both ends of each edge bring: ``(num_columns, heads), (num_rows, heads) -> (E, heads)``."""
    return cast(Tensor, _EndSum.apply(source, target, rows))


def weighted_sum(alpha: Tensor, value: Tensor, rows: Rows) -> Tensor:
    """Sum of the columns' values for each row, weighted by edge: a sparse product for each head.

    Shapes: ``alpha (E, heads)``, ``value (num_columns, heads, channels)`` ->
    ``(num_rows, heads, channels)``.
    """
    return cast(Tensor, _WeightedSum.apply(alpha, value, rows))


class _EndSum(torch.autograd.Function):
    """Two gathers, whose gradients are sums by row; autograd's would add edge by edge."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, target: Tensor, rows: Rows) -> Tensor:
        ctx.rows = rows
        return source.index_select(0, rows.column).add_(target.index_select(0, rows.row))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        rows: Rows = ctx.rows
        return (
            _row_sum(grad, rows.transposed_indptr, rows.transposed_order),
            _row_sum(grad, rows.indptr),
            None,
        )


class _SegmentSoftmax(torch.autograd.Function):
    """Softmax by row that keeps nothing but its result."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, rows: Rows) -> Tensor:
        peak = torch.segment_reduce(
            logits, "max", offsets=rows.indptr, axis=0, unsafe=True, initial=torch.finfo(logits.dtype).min
        )
        alpha = (logits - peak.index_select(0, rows.row)).exp_()
        total = _row_sum(alpha, rows.indptr)
        # a row with a finite logit sums to at least exp(0); a tiny divisor would make gradients overflow
        alpha.div_(total.masked_fill_(total == 0, 1).index_select(0, rows.row))
        ctx.save_for_backward(alpha)
        ctx.rows = rows
        return alpha

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (alpha,) = ctx.saved_tensors
        moved = alpha * grad
        total = _row_sum(moved, ctx.rows.indptr)
        return moved.sub_(total.index_select(0, ctx.rows.row).mul_(alpha)), None


class _WeightedSum(torch.autograd.Function):
    """A bag of embeddings for each row and head, in both directions; autograd keeps (E, heads, channels)."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, value: Tensor, rows: Rows) -> Tensor:
        tables = value.transpose(0, 1).contiguous()  # head by head, as the bags need them
        ctx.save_for_backward(alpha, tables)
        ctx.rows = rows
        out = value.new_empty(rows.num_rows, *value.shape[1:])
        for head, table in enumerate(tables):
            out[:, head] = _bags(table, rows.column, rows.indptr, alpha[:, head])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        alpha, tables = ctx.saved_tensors
        rows: Rows = ctx.rows
        grad_alpha = torch.empty_like(alpha) if ctx.needs_input_grad[0] else None
        grad_value = tables.new_empty(rows.num_columns, len(tables), tables.shape[2])
        back, moved = (index.index_select(0, rows.transposed_order) for index in (rows.row, alpha))
        for head, table in enumerate(tables):
            received = grad[:, head].contiguous()
            if grad_alpha is not None:
                grad_alpha[:, head] = _edge_dot(received, table, rows)
            if ctx.needs_input_grad[1]:
                grad_value[:, head] = _bags(received, back, rows.transposed_indptr, moved[:, head])
        return grad_alpha, grad_value if ctx.needs_input_grad[1] else None, None


def _bags(table: Tensor, index: Tensor, indptr: Tensor, weight: Tensor) -> Tensor:
    """Weighted sums of rows of a table: ``(m, c), (E,), (n + 1,), (E,) -> (n, c)``.

    A bag of embeddings is a sparse product; torch's is five times as fast as its compressed rows.
    """
    return nn.functional.embedding_bag(
        index,
        table,
        indptr,
        mode="sum",
        per_sample_weights=weight.contiguous(),
        include_last_offset=True,
    )


def _edge_dot(left: Tensor, right: Tensor, rows: Rows) -> Tensor:
    """Scalar product of the two ends of each edge, ``(E,)``."""
    if rows.num_rows * rows.num_columns <= 4 * rows.row.numel():
        # few columns, as relations are: all pairs cost less than picking them
        return (left @ right.t()).view(-1).index_select(0, rows.row * rows.num_columns + rows.column)
    # what a bag's gradient tells of its weights; torch offers it only as the operator behind that gradient
    dot = torch.ops.aten._embedding_bag_per_sample_weights_backward
    return cast(Tensor, dot(left, right, rows.column, rows.indptr[:-1], rows.row, 0))


def _row_sum(values: Tensor, indptr: Tensor, order: Tensor | None = None) -> Tensor:
    """Sum of the edges' values for each row: ``(E, heads), (n + 1,), (E,) -> (n, heads)``."""
    order = torch.arange(len(values), device=values.device) if order is None else order
    return nn.functional.embedding_bag(order, values, indptr, mode="sum", include_last_offset=True)


def csr_matrix(rows: Rows, values: Tensor) -> Tensor:
    """The sparse matrix of this pattern with these values ``(E,)``, without a gradient."""
    return _csr_of(rows.indptr, rows.column, values, rows.num_columns)


def _csr_of(indptr: Tensor, column: Tensor, values: Tensor, num_columns: int) -> Tensor:
    size = (indptr.numel() - 1, num_columns)
    return torch.sparse_csr_tensor(indptr, column, values, size, check_invariants=False)


def row_offsets(index: Tensor, size: int) -> Tensor:
    """Where each row begins when its entries are sorted, and the end: ``(E,) -> (size + 1,)``."""
    offsets = index.new_zeros(size + 1)
    torch.cumsum(torch.bincount(index, minlength=size), 0, out=offsets[1:])
    return offsets


def _check(name: str, index: Tensor, size: int) -> None:
    if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
        raise ValueError(f"expected {name} in [0, {size}) (got {int(index.min())} to {int(index.max())})")
