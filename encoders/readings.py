"""From a CSV, Parquet or NPY file to sensor readings on an even grid of time.

Readings may come unevenly, with gaps, in any order of time and in any number of channels. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .base import MediaError, read_bytes
from .columns import Column, RefusedError, read_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_POINTS = 2**20  # of the even grid; a longer span is read more coarsely
_TIME = re.compile(r"(date[ _]?time|time[ _]?stamps?|date|time|ts|t)\s*([\[(].*[\])])?", re.I)
_INDEX = re.compile(r"|index|unnamed: 0", re.I)  # what pandas calls, or leaves uncalled, its row numbers
_SHOWN = 40  # characters of the user's data in a message


@dataclass(frozen=True)
class Series:
    """Readings at even steps of time.

    Shapes: values (channels, points) float64, all finite; a name for each channel.
    """

    names: tuple[str, ...]
    values: Floats


def read_series(reference: str | Path) -> Series:
    """Read a file of readings; time stamps, if there are any, place them on an even grid.

    Without time stamps the rows count as even steps. Rows are in the order of time afterwards, those of
    one stamp averaged; what is missing inside a channel is interpolated by time, at its ends held; a
    channel without any reading is left out.

    Raises:
        MediaError: missing, empty, damaged, ragged, too large, not numbers, all missing, or one sample.
    """
    content = read_bytes(reference, "a series of readings")
    try:
        return _series(read_columns(content))
    except RefusedError as error:
        raise MediaError(reference, str(error)) from error
    except Exception as error:  # pyarrow and numpy have kinds of their own
        reason = str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
        raise MediaError(reference, f"expected CSV, Parquet or NPY (got a damaged file: {reason})") from error


def _series(columns: Sequence[Column]) -> Series:
    if not columns or not len(columns[0].values if columns[0].values is not None else columns[0].found):
        raise RefusedError("expected a series of readings (got no rows)")
    stamps = _stamps(columns)
    channels = [column for column in columns if column not in stamps]
    for column in channels:
        if column.stamp:
            names = f"{stamps[0].name[:_SHOWN]!r} and {column.name[:_SHOWN]!r}"
            raise RefusedError(f"expected one column of time stamps (got {names})")
        if column.values is None:
            got = f"{column.found[:_SHOWN]!r} in the column {column.name[:_SHOWN]!r}"
            raise RefusedError(f"expected numbers only (got {got})")
    if not channels:
        raise RefusedError("expected a column of readings (got only time stamps)")
    values = np.stack([column.values for column in channels if column.values is not None])
    time = np.arange(values.shape[1], dtype=np.float64)
    if stamps:
        time = np.sum([column.values for column in stamps if column.values is not None], axis=0)
    return _even([column.name for column in channels], *_ordered(time, values))


def _stamps(columns: Sequence[Column]) -> list[Column]:
    """The columns that say when: one, or a date and a time of day beside it."""
    named = [column for column in columns if _TIME.fullmatch(column.name.strip())]
    stamps = named[:1]
    kinds = {column.stamp: column for column in columns}
    if "date" in kinds and "time" in kinds and "both" not in kinds:
        stamps = [kinds["date"], kinds["time"]]
    first = columns[0]
    if not stamps and (first.stamp or _is_index(first, len(columns))):
        stamps = [first]
    for column in stamps:
        if column.values is None:
            raise RefusedError(
                f"expected time stamps as ISO 8601 or numbers (got {column.found[:_SHOWN]!r} "
                f"in the column {column.name[:_SHOWN]!r})"
            )
        if not (present := np.isfinite(column.values)).all() and present.any():
            row = int(np.argmin(present)) + 1
            raise RefusedError(f"expected a time stamp in every row (got none in row {row})")
    return [column for column in stamps if column.values is not None and np.isfinite(column.values).all()]


def _is_index(column: Column, width: int) -> bool:
    """Whether a nameless first column numbers the rows."""
    if width == 1 or column.values is None or not _INDEX.fullmatch(column.name.strip()):
        return False
    return bool((np.diff(column.values) == 1).all())


def _ordered(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Rows by time, those of one stamp averaged over what each channel has.

    Shapes: time (t,), values (c, t); result (u,), (c, u).
    """
    unique, place, count = np.unique(time, return_inverse=True, return_counts=True)
    values = np.where(np.isfinite(values), values, np.nan)
    if (count == 1).all():
        return unique, values[:, np.argsort(place)]
    present = np.isfinite(values)
    total, number = np.zeros((2, len(values), len(unique)))
    for channel in range(len(values)):
        total[channel] = np.bincount(place, np.where(present[channel], values[channel], 0), len(unique))
        number[channel] = np.bincount(place, present[channel], len(unique))
    return unique, np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _even(names: Sequence[str], time: Floats, values: Floats) -> Series:
    """Linear interpolation onto as many points as the middle step fits into the span."""
    kept = np.asarray(np.isfinite(values).any(axis=1))
    if not kept.any():
        raise RefusedError("expected readings (got no number in any column)")
    if len(time) < 2:
        raise RefusedError("expected at least two samples (got one)")
    steps = np.diff(time)
    points = min(round((time[-1] - time[0]) / float(np.median(steps))) + 1, MAX_POINTS)
    grid = np.linspace(time[0], time[-1], max(points, 2))
    rows = []
    for row in values[kept]:
        there = np.isfinite(row)
        rows.append(np.interp(grid, time[there], row[there]))
    return Series(
        tuple(name for name, keep in zip(names, kept.tolist(), strict=True) if keep), np.stack(rows)
    )
