"""The sparse products that attention stands on: sums and softmax by row of the patterns of `kg.rows`.

Tensors only, and no torch-geometric. A graph of E edges costs O(E * heads) memory and never a vector for each
edge: sums run as bags of embeddings, with gradients that are such sums again.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from kg.rows import ByHead, Compressed, Rows, SortedEdges, row_offsets

__all__ = [
    "Rows",
    "SortedEdges",
    "csr_matrix",
    "end_sum",
    "row_offsets",
    "row_sum",
    "segment_softmax",
    "weighted_sum",
]

# torch says these once for each process; the gradients here are our own, tested against autograd.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
warnings.filterwarnings("ignore", message="Sparse invariant checks are implicitly disabled")


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


def row_sum(values: Tensor, rows: Rows) -> Tensor:
    """Sum over the edges of each row: ``(E, heads) -> (num_rows, heads)``."""
    return cast(Tensor, _RowSum.apply(values, rows))


class _RowSum(torch.autograd.Function):
    """A bag without weights, whose gradient is a gather."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Rows) -> Tensor:
        ctx.rows = rows
        return _row_sum(values.detach(), rows.indptr)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.index_select(0, ctx.rows.row), None


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
        by_head = rows.by_head(alpha.shape[1])
        ctx.save_for_backward(alpha, value)
        ctx.by_head, ctx.order = by_head, rows.transposed_order
        out = _bags(_table(value), by_head.forth, alpha)
        # not a view, so that the caller may add to it in place
        return cast(Tensor, torch.ops.aten._unsafe_view(out, (rows.num_rows, *value.shape[1:])))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        alpha, value = ctx.saved_tensors
        by_head: ByHead = ctx.by_head
        received, grad_alpha, grad_value = _table(grad), None, None
        if ctx.needs_input_grad[0]:
            dots = _edge_dot(received, _table(value), by_head.forth)
            grad_alpha = dots.index_select(0, by_head.place).view_as(alpha)
        if ctx.needs_input_grad[1]:
            # the heads of an edge are fetched at once, not one by one from all over a large graph
            turned = alpha.index_select(0, ctx.order)
            grad_value = _bags(received, by_head.back, turned).view_as(value)
        return grad_alpha, grad_value, None


def _table(value: Tensor) -> Tensor:
    """A row for each head of a node: ``(n, heads, channels) -> (n * heads, channels)``."""
    return value.reshape(-1, value.shape[2])


def _bags(table: Tensor, heads: Compressed, alpha: Tensor) -> Tensor:
    """Weighted sums of rows of a table: ``(m, c), (E, heads) -> (n, c)``.

    A bag of embeddings is a sparse product; torch's is twice as fast as its compressed rows.
    """
    return nn.functional.embedding_bag(
        heads.column,
        table.detach(),  # else torch prepares for a gradient of its own
        heads.indptr,
        mode="sum",
        per_sample_weights=alpha.detach().reshape(-1).index_select(0, heads.entry),
        include_last_offset=True,
    )


def _edge_dot(left: Tensor, right: Tensor, heads: Compressed) -> Tensor:
    """Scalar products of the two ends of each entry: ``(n, c), (m, c) -> (E * heads,)``."""
    size = heads.column.numel()
    if len(left) * len(right) < size:
        # repeated edges outnumber the places, which torch's operator does not expect: pick from all products
        row = torch.arange(len(left), device=left.device).repeat_interleave(heads.indptr.diff())
        return (left @ right.t())[row, heads.column.long()]
    entries = left.new_zeros(size)
    out = _csr_of(heads.indptr, heads.column, entries, len(right))
    torch.sparse.sampled_addmm(out, left, right.t(), beta=0.0, out=out)
    return out.values()


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
