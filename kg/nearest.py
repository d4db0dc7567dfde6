"""The rows of a matrix that score best with a query: exact, under an allow-list, in bounded memory.

Knows tensors only, on any device. A short list's rows are fetched; for a long one, or none, it costs less
to read the matrix from end to end and to drop what is not allowed. Where a search is microseconds, the
processor's time goes to calls, new memory and waking a second core: the shortest lists take roads without.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Found = tuple[Tensor, Tensor]
"""Scores and ids, both ``(q, k)``, best first."""

_FETCHED = 4096  # rows at once: in float32 of width 256 they stay in the processor's cache
_ONE_CORE = 2**16  # numbers in rows that torch copies and multiplies without waking a second core
_SCORES = 2**20  # at once, of all queries
_FETCH_COST = 4.0  # of a row from anywhere, in rows read one after the other
_QUERY_COST = 0.25  # of a query's products with a row, in the same unit
_SORTED = 128  # scores that are sorted as fast as their best are picked
_LARGE = 2**19  # numbers in rows that are worth a second core
_WANTED = "expected k of at least 1 (got {})"


def nearest(
    vectors: Tensor, queries: Tensor, k: int, allowed: Tensor | None = None, bias: Tensor | None = None
) -> Found:
    """The rows of the highest scalar product with each query, plus a bias; the smaller id wins a tie.

    Args:
        vectors: the rows; of less precision than the queries, they are widened block by block.
        queries: what to compare them with.
        k: rows wanted for each query; there are fewer if fewer are allowed.
        allowed: the ids that may be found, ascending, none twice; None allows all.
        bias: added to the scores of each row.

    Shapes: ``vectors (n, d)``, ``queries (q, d)``, ``allowed (m,) int64``, ``bias (n,)`` -> scores and
    int64 ids, both ``(q, min(k, m))``, best first.

    Raises:
        ValueError: if the widths differ, or k is less than 1.
        IndexError: if an allowed id is not that of a row; only the CPU is asked.
    """
    if vectors.dim() != 2 or queries.dim() != 2 or vectors.shape[1] != queries.shape[1]:
        shapes = f"{tuple(vectors.shape)} and {tuple(queries.shape)}"
        raise ValueError(f"expected vectors (n, d) and queries (q, d) of one width (got {shapes})")
    if k < 1:
        raise ValueError(_WANTED.format(k))
    if allowed is None:
        blocks = _scanned(vectors, queries, allowed, bias)
    else:
        listed = _checked(allowed, vectors) if allowed.is_cpu else None
        count = allowed.shape[0]
        if count <= _SORTED and listed is not None and bias is None and _is_plain(vectors, queries):
            return _few(vectors, queries, k, listed)
        fetch = _worth_fetching(count, len(vectors), len(queries))
        one = len(queries) == 1 and _is_plain(vectors, queries) and count <= _SCORES
        if count <= _FETCHED or (fetch and one):
            return best(_short(vectors, queries, allowed, bias), k, allowed)
        if fetch:
            blocks = _fetched(vectors, queries, allowed, bias, _FETCHED)
        else:
            blocks = _scanned(vectors, queries, allowed, bias)
    scores, ids = next(blocks)
    found = best(scores, k, ids)
    for scores, ids in blocks:
        found = _merged(found, best(scores, k, ids), k)
    return found


def best(scores: Tensor, k: int, ids: Tensor | None = None) -> Found:
    """The k highest scores of each row and their ids; of equal scores those of the smaller ids.

    Shapes: ``scores (q, m)``, ``ids (m,) int64`` ascending, by default the columns -> both
    ``(q, min(k, m))``, best first.

    Raises:
        ValueError: if k is less than 1.
    """
    if k < 1:
        raise ValueError(_WANTED.format(k))
    size = scores.shape[1]
    if size <= max(k, _SORTED):
        values, places = scores.sort(dim=1, descending=True, stable=True)
    else:
        values, places = scores.topk(k + 1, dim=1)  # one more shows a tie that is cut in two
        if _has_tie(values):
            values, places = _stable(scores, values[:, k - 1], k)
    if places.shape[1] > k:
        values, places = values[:, :k], places[:, :k]
    return values, places if ids is None else ids.take(places)


def _has_tie(values: Tensor) -> bool:
    """Whether two neighbours in a row are equal."""
    if values.shape[0] == 1:  # one call, where others would each be fetched anew after a list of rows
        row = values.tolist()[0]
        return len(set(row)) < len(row)
    return bool((values[:, 1:] == values[:, :-1]).any())


def _stable(scores: Tensor, least: Tensor, k: int) -> Found:
    """The k best of each row, all of at least a score, as a stable sort has them: topk cuts ties anyhow."""
    rows = []
    for row, limit in zip(scores, least, strict=True):
        places = torch.nonzero(row >= limit).squeeze(1)
        values, order = row[places].sort(descending=True, stable=True)
        rows.append((values[:k], places[order[:k]]))
    return torch.stack([values for values, _ in rows]), torch.stack([places for _, places in rows])


def _merged(found: Found, later: Found, k: int) -> Found:
    """The best of two: all ids of `later` are larger."""
    scores, order = torch.cat((found[0], later[0]), dim=1).sort(dim=1, descending=True, stable=True)
    return scores[:, :k], torch.cat((found[1], later[1]), dim=1).gather(1, order[:, :k])


def _is_plain(vectors: Tensor, queries: Tensor) -> bool:
    """Whether NumPy, and what has no gradient, may read them as they are."""
    single = vectors.dtype is queries.dtype is torch.float32
    return single and vectors.is_cpu and not (vectors.requires_grad or queries.requires_grad)


def _checked(allowed: Tensor, vectors: Tensor) -> NDArray[np.int64]:
    """The list, whose ends were looked at: what walks it does not ask where an id points."""
    ids: NDArray[np.int64] = allowed.numpy()
    if ids.size and (ids[0] < 0 or ids[-1] >= vectors.shape[0]):
        raise IndexError(f"expected allowed ids in [0, {len(vectors)}) (got {ids[0]} to {ids[-1]})")
    return ids


def _few(vectors: Tensor, queries: Tensor, k: int, ids: NDArray[np.int64]) -> Found:
    """All of it by NumPy, whose calls cost a third of torch's."""
    losses = -queries.numpy().dot(vectors.numpy().take(ids, 0).T)  # it sorts upwards only
    order = losses.argsort(1, kind="stable")[:, :k]
    losses.sort(1)
    return torch.from_numpy(-losses[:, :k]), torch.from_numpy(ids.take(order))


def _short(vectors: Tensor, queries: Tensor, allowed: Tensor, bias: Tensor | None) -> Tensor:
    """Scores ``(q, m)`` of a list that is short enough to keep them all."""
    if len(queries) == 1 and _is_plain(vectors, queries):
        scores = _walked(vectors, queries, allowed)
        return scores if bias is None else scores + bias.index_select(0, allowed)
    size = len(allowed) if vectors.is_cuda else _ONE_CORE // max(1, vectors.shape[1])
    return torch.cat([part for part, _ in _fetched(vectors, queries, allowed, bias, max(1, size))], dim=1)


def _walked(vectors: Tensor, query: Tensor, allowed: Tensor) -> Tensor:
    """Scores ``(1, m)`` for one query, row by row where the rows lie: a copy costs more than the products.

    It is what a bag's gradient tells of its weights; torch offers it only as the operator behind that.
    """
    bags = torch.zeros_like(allowed)  # all in the first, the query's
    dot = torch.ops.aten._embedding_bag_per_sample_weights_backward
    scores: Tensor = dot(query, vectors, allowed.contiguous(), bags, bags, 0)
    return scores[None]


def _worth_fetching(allowed: int, rows: int, queries: int) -> bool:
    products = _QUERY_COST * queries
    return allowed * (_FETCH_COST + products) <= rows * (1 + products)


def _fetched(
    vectors: Tensor, queries: Tensor, allowed: Tensor, bias: Tensor | None, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores and ids, block by block, of allowed rows that are copied together first."""
    rows = vectors.new_empty(size, vectors.shape[1])  # once: new memory costs more than the copy
    for ids in allowed.split(size):
        if vectors.requires_grad:
            part = vectors.index_select(0, ids)
        else:
            part = rows[: len(ids)]
            torch.index_select(vectors, 0, ids, out=part)
        scores = _products(part, queries)
        yield scores if bias is None else scores + bias.index_select(0, ids), ids


def _scanned(
    vectors: Tensor, queries: Tensor, allowed: Tensor | None, bias: Tensor | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores and ids, block by block, of all rows; what is not allowed is dropped from the scores."""
    size = max(1, _SCORES // max(1, len(queries)))
    blocks = vectors.split(size)
    ids = torch.arange(len(vectors), device=vectors.device) if allowed is None else allowed
    ends = torch.arange(1, len(blocks) + 1, device=vectors.device) * size
    counts = torch.searchsorted(ids, ends).diff(prepend=ends.new_zeros(1)).tolist()
    for number, (rows, kept) in enumerate(zip(blocks, ids.split(counts), strict=True)):
        scores, start = _products(rows, queries), number * size
        if bias is not None:
            scores = scores + bias[start : start + size]
        yield scores if allowed is None else scores.index_select(1, kept - start), kept


def _products(rows: Tensor, queries: Tensor) -> Tensor:
    """Scalar products, ``(q, n)``."""
    if rows.dtype != queries.dtype:
        rows = rows.to(queries.dtype)
    if rows.numel() < _LARGE or rows.is_cuda:
        return torch.mm(queries, rows.T)
    if len(queries) == 1:  # the CPU's library multiplies by one column on one core, by two on all
        return torch.mm(rows, queries.repeat(2, 1).T)[:, 0][None]
    return torch.mm(rows, queries.T).T  # faster than the product the other way round
