"""Columns sorted and without repeats, and texts as they are meant: what assembling a graph does to arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def unescaped(values: pa.Array) -> pa.Array:
    r"""Resolve \n, \", \\ and \uXXXX; canonical N-Quads escapes as JSON does, and never by \U."""
    escaped = pc.match_substring(values, "\\")
    texts = json.loads('["' + '","'.join(values.filter(escaped).to_pylist()) + '"]', strict=False)
    if not pc.any(escaped).as_py():
        return values
    return pc.replace_with_mask(values, escaped, pa.array(texts, pa.string()))


def or_null(texts: pa.Array) -> pa.DictionaryArray:
    """Put null in place of the empty text, in the dictionary, where it sorts last."""
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return filled.dictionary_encode(null_encoding="encode")


def in_order(names: pa.Array, order: pa.Array, *used: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Keep the names used, in their order; give also the new number of each old one (-1 unused)."""
    mask = np.zeros(len(names), dtype=bool)
    for numbers in used:
        mask[numbers] = True
    kept = order.to_numpy()[mask[order]]
    places = np.full(len(names), -1, dtype=np.int32)
    places[kept] = np.arange(len(kept))
    return names.take(pa.array(kept)), places


def unique_rows(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows of numbers, none negative, by their columns from left to right and drop repeats.

    Returns:
        All columns but the last, (n, columns - 1) int64, and the last, (n,) int32.
    """
    widths = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(widths) > 63:
        rows = np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0)
        return np.ascontiguousarray(rows[:, :-1]), rows[:, -1].astype(np.int32)
    keys = np.zeros(len(columns[0]), dtype=np.int64)  # one number a row sorts many times faster than a row
    for column, width in zip(columns, widths, strict=True):
        keys <<= width
        keys |= column
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]
    last = (keys & ((1 << widths[-1]) - 1)).astype(np.int32)
    rows = np.empty((len(keys), len(columns) - 1), dtype=np.int64)
    for place in reversed(range(len(columns) - 1)):
        keys >>= widths[place + 1]
        np.bitwise_and(keys, (1 << widths[place]) - 1, out=rows[:, place])
    return rows, last


def unique_table(table: pa.Table) -> pa.Table:
    """Sort a table by its columns from left to right, nulls last, and drop repeated rows."""
    columns = {name: _ranked(table[name].combine_chunks()) for name in table.column_names}
    codes = pa.table({name: codes for name, (codes, _) in columns.items()})
    codes = codes.sort_by([(name, "ascending") for name in columns]).combine_chunks()
    if len(codes) > 1:
        pairs = ((column[1:], column[:-1]) for column in codes.columns)
        fresh = np.logical_or.reduce([pc.not_equal(*pair).to_numpy() for pair in pairs])
        codes = codes.filter(pa.array(np.concatenate([[True], fresh])))
    return pa.table(
        {
            name: codes[name] if names is None else names.take(codes[name])
            for name, (_, names) in columns.items()
        }
    )


def _ranked(column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Put ranks in place of a dictionary column's texts; give these in that order."""
    if not pa.types.is_dictionary(column.type):
        return column, None
    order = pc.sort_indices(column.dictionary)
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return pa.array(ranks[column.indices]), column.dictionary.take(order)
