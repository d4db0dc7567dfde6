"""The patterns that sparse products run over: edges sorted into compressed rows, and laid out head by head.

They are made once for a graph and used for every pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Compressed:
    """Entries by row: ``indptr (n + 1,)``, the ``column (K,)`` of each and the ``entry (K,)`` it reads."""

    indptr: Tensor
    column: Tensor
    entry: Tensor


@dataclass(frozen=True)
class ByHead:
    """A pattern with a row and a column for each head of a node, so that one bag serves all heads.

    `forth` and its transpose `back` go head by head within a node; ``place (E * heads,)`` is where
    the entries of an ``(E, heads)`` tensor stand in `forth`. `back` reads them in the transposed order.
    """

    forth: Compressed
    back: Compressed
    place: Tensor

    @classmethod
    def of(cls, rows: Rows, heads: int) -> ByHead:
        """Lay the pattern out for a number of heads."""
        order = rows.transposed_order
        edge = torch.arange(len(order), device=order.device)
        forth, place = _expand(rows.indptr, rows.row, rows.column, edge, heads)
        back, _ = _expand(rows.transposed_indptr, rows.column[order], rows.row[order], edge, heads)
        return cls(forth, back, place)


def _expand(
    indptr: Tensor, row: Tensor, column: Tensor, edge: Tensor, heads: int
) -> tuple[Compressed, Tensor]:
    """Repeat each row's entries for each head, and where the entries went."""
    count = row.numel() * heads
    widest = max(count, heads * indptr.numel(), heads * (int(column.max()) + 1) if count else 0)
    short = torch.int32 if widest < 2**31 else torch.int64  # half the traffic
    head = torch.arange(heads, device=row.device)
    degree = indptr.diff()
    starts = (heads * indptr[:-1]).unsqueeze(1) + degree.unsqueeze(1) * head
    within = torch.arange(len(row), device=row.device) - indptr[row]
    place = (starts.index_select(0, row) + within.unsqueeze(1)).view(-1)

    def spread(index: Tensor) -> Tensor:
        out = torch.empty(count, dtype=short, device=row.device)
        out[place] = (index.unsqueeze(1) * heads + head).view(-1).to(short)
        return out

    ends = torch.cat([starts.view(-1), starts.new_tensor([count])]).to(short)
    return Compressed(ends, spread(column), spread(edge)), place.to(short)


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
    _by_head: dict[int, ByHead] = field(default_factory=dict, init=False, compare=False, repr=False)

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

    def by_head(self, heads: int) -> ByHead:
        """The pattern laid out for a number of heads, once."""
        if heads not in self._by_head:
            self._by_head[heads] = ByHead.of(self, heads)
        return self._by_head[heads]


@dataclass(frozen=True)
class SortedEdges:
    """Edges sorted by target and relation, ready for attention.

    `sources` has a row for each target and a column for each sender; `relations` has an entry for
    each distinct (target, relation); `pairs` has a row for each of those, and again the senders as
    columns. Shapes: ``edge_type (E,) int64``; ``order (E,) int64`` is the place each sorted edge had
    in the input, so that an edge feature ``f`` is aligned by ``f[edges.order]``.
    """

    sources: Rows
    relations: Rows
    pairs: Rows
    edge_type: Tensor
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
        key, order = (edge_index[1] * num_relations + edge_type).sort(stable=True)
        source, target, kind = edge_index[0][order], edge_index[1][order], edge_type[order]
        sources = Rows.of(target, source, num_targets, num_sources)
        found, pair = torch.unique_consecutive(key, return_inverse=True)
        return cls(
            sources=sources,
            relations=Rows.of(found // num_relations, found % num_relations, num_targets, num_relations),
            pairs=replace(sources, indptr=row_offsets(pair, len(found)), row=pair),
            edge_type=kind,
            order=order,
        )

    @property
    def edge_index(self) -> Tensor:
        """The sorted edges, ``(2, E)`` int64, source above target."""
        return torch.stack([self.sources.column, self.sources.row])

    def to(self, device: torch.device | str) -> SortedEdges:
        """The same edges on another device."""

        def move(rows: Rows) -> Rows:
            names = (each.name for each in fields(Rows) if each.init)
            return Rows(*(getattr(rows, name).to(device) for name in names))

        return SortedEdges(
            move(self.sources),
            move(self.relations),
            move(self.pairs),
            self.edge_type.to(device),
            self.order.to(device),
        )


def row_offsets(index: Tensor, size: int) -> Tensor:
    """Where each row begins when its entries are sorted, and the end: ``(E,) -> (size + 1,)``."""
    offsets = index.new_zeros(size + 1)
    torch.cumsum(torch.bincount(index, minlength=size), 0, out=offsets[1:])
    return offsets


def _check(name: str, index: Tensor, size: int) -> None:
    if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
        raise ValueError(f"expected {name} in [0, {size}) (got {int(index.min())} to {int(index.max())})")
