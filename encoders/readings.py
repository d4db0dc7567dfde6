"""From a CSV, Parquet or NPY file to sensor readings on an even grid of time.

Readings may come unevenly, with gaps, in any order of time and in any number of channels. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import MediaError, read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_CELLS = 50_000_000  # numbers in one file: 400 MB once decoded
MAX_POINTS = 2**20  # of the even grid; a longer span is read more coarsely
_TIME = re.compile(r"(date[ _]?time|time[ _]?stamps?|date|time|ts|t)\s*([\[(].*[\])])?", re.I)
_INDEX = re.compile(r"|index|unnamed: 0", re.I)  # what pandas calls, or leaves uncalled, its row numbers
_NUMBER = re.compile(r"\s*([-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?|nan|null|n/a|[-+]?inf)?\s*", re.I)
_SHOWN = 40  # characters of the user's data in a message


@dataclass(frozen=True)
class Series:
    """Readings at even steps of time.

    Shapes: values (channels, points) float64, all finite; a name for each channel.
    """

    names: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class _Column:
    """One column as it was written: numbers, or stamps in seconds, or what it is instead."""

    name: str
    values: Floats | None
    stamp: str = ""  # "date", "time" or "both"
    found: str = ""  # what a column of something else holds


class _RefusedError(Exception):
    pass


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
        return _series(_columns(content))
    except _RefusedError as error:
        raise MediaError(reference, str(error)) from error
    except Exception as error:  # pyarrow and numpy have kinds of their own
        reason = str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
        raise MediaError(reference, f"expected CSV, Parquet or NPY (got a damaged file: {reason})") from error


def _columns(content: bytes) -> list[_Column]:
    """The columns by what the content is, whatever the file is called."""
    if content.startswith(b"\x93NUMPY"):
        return _npy(content)
    if content.startswith(b"PAR1"):
        return _parquet(content)
    if b"\0" in content[:4096]:
        raise _RefusedError("expected CSV, Parquet or NPY (got a binary file of another kind)")
    return _csv(content)


def _npy(content: bytes) -> list[_Column]:
    array = np.load(BytesIO(content), allow_pickle=False)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
        got = f"{array.ndim} dimensions of {array.dtype.name}"
        raise _RefusedError(f"expected numbers as (samples,) or (samples, channels) (got {got})")
    _check_size(array.size)
    table = (array[:, None] if array.ndim == 1 else array).astype(np.float64)
    return [_Column(str(number), column) for number, column in enumerate(table.T)]


def _parquet(content: bytes) -> list[_Column]:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(BytesIO(content))
    _check_size(file.metadata.num_rows * file.metadata.num_columns)
    return _of_table(file.read())


def _csv(content: bytes) -> list[_Column]:
    """A table with or without a line of names, parted by tab, semicolon or comma."""
    from pyarrow import ArrowInvalid, csv

    text = _text(content)
    lines = text.splitlines()[:2]
    if not lines:
        raise _RefusedError("expected a series of readings (got only white space)")
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
    delimiter = next((mark for mark in "\t;" if mark in bare[0]), ",")
    _check_size(text.count("\n") * (bare[0].count(delimiter) + 1))
    decimal_comma = delimiter != "," and "," in bare[-1] and "." not in bare[-1]
    fields = [field.strip('" ') for field in lines[0].split(delimiter)]
    headless = all(_NUMBER.fullmatch(field) for field in fields[1:] or fields)
    headless = headless and bool(_NUMBER.fullmatch(fields[0]) or re.match(r"\d{4}-\d\d", fields[0]))
    try:
        table = csv.read_csv(
            BytesIO(text.encode()),
            read_options=csv.ReadOptions(
                use_threads=False,
                column_names=[str(number) for number in range(len(fields))] if headless else None,
            ),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                decimal_point="," if decimal_comma else ".", strings_can_be_null=True
            ),
        )
    except ArrowInvalid as error:
        reason = str(error).partition("\n")[0]
        if ragged := re.search(r"Expected (\d+) columns, got (\d+)", reason):
            reason = f"expected rows of {ragged[1]} columns each (got one of {ragged[2]})"
            raise _RefusedError(reason) from error
        raise
    return _of_table(table)


def _text(content: bytes) -> str:
    """The content as text, without lines of comment before the table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # degree signs of older loggers
    return re.sub(r"\A(\s*#[^\n]*\n|\s*\n)+", "", text) if text[:1] in "#\r\n " else text


def _of_table(table: Any) -> list[_Column]:
    return [_column(name, table.column(place)) for place, name in enumerate(table.column_names)]


def _column(name: str, cells: Any) -> _Column:
    """Stamps as seconds, numbers as they are, absent cells as NaN."""
    import pyarrow as pa

    kind = cells.type
    if pa.types.is_null(kind):
        return _Column(name, np.full(len(cells), np.nan))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _Column(name, _floats(cells))
    if pa.types.is_decimal(kind):
        return _Column(name, _floats(cells.cast(pa.float64())))
    if pa.types.is_date(kind):
        return _Column(name, _ticks(cells.cast(pa.timestamp("ms")), 1e3), "date")
    if pa.types.is_timestamp(kind):
        return _Column(name, _ticks(cells, {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]), "both")
    if pa.types.is_time(kind):
        ticks = cells.cast(pa.time64("us"), safe=False).cast(pa.int64())
        return _Column(name, _ticks(ticks, 1e6), "time")
    cell = next((str(value) for value in cells.to_pylist() if value is not None), "")
    return _Column(name, None, found=cell)


def _floats(cells: Any) -> Floats:
    import pyarrow as pa

    numbers = cells.cast(pa.float64(), safe=False)
    return np.array(pa.compute.fill_null(numbers, np.nan).to_numpy(), dtype=np.float64)


def _ticks(cells: Any, rate: float) -> Floats:
    """Stamps in seconds since the first one, which keeps nanoseconds that a float of today would lose."""
    import pyarrow as pa

    ticks = cells.cast(pa.int64())
    present = ticks.drop_null()
    origin = present[0].as_py() if len(present) else 0
    shift = 0 if pa.types.is_time(cells.type) else origin
    return _floats(pa.compute.subtract(ticks, shift)) / rate


def _series(columns: Sequence[_Column]) -> Series:
    if not columns or not len(columns[0].values if columns[0].values is not None else columns[0].found):
        raise _RefusedError("expected a series of readings (got no rows)")
    stamps = _stamps(columns)
    channels = [column for column in columns if column not in stamps]
    for column in channels:
        if column.stamp:
            names = f"{stamps[0].name[:_SHOWN]!r} and {column.name[:_SHOWN]!r}"
            raise _RefusedError(f"expected one column of time stamps (got {names})")
        if column.values is None:
            got = f"{column.found[:_SHOWN]!r} in the column {column.name[:_SHOWN]!r}"
            raise _RefusedError(f"expected numbers only (got {got})")
    if not channels:
        raise _RefusedError("expected a column of readings (got only time stamps)")
    values = np.stack([column.values for column in channels if column.values is not None])
    time = np.arange(values.shape[1], dtype=np.float64)
    if stamps:
        time = np.sum([column.values for column in stamps if column.values is not None], axis=0)
    return _even([column.name for column in channels], *_ordered(time, values))


def _stamps(columns: Sequence[_Column]) -> list[_Column]:
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
            raise _RefusedError(
                f"expected time stamps as ISO 8601 or numbers (got {column.found[:_SHOWN]!r} "
                f"in the column {column.name[:_SHOWN]!r})"
            )
        if not (present := np.isfinite(column.values)).all() and present.any():
            row = int(np.argmin(present)) + 1
            raise _RefusedError(f"expected a time stamp in every row (got none in row {row})")
    return [column for column in stamps if column.values is not None and np.isfinite(column.values).all()]


def _is_index(column: _Column, width: int) -> bool:
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
        raise _RefusedError("expected readings (got no number in any column)")
    if len(time) < 2:
        raise _RefusedError("expected at least two samples (got one)")
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


def _check_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise _RefusedError(f"expected at most {MAX_CELLS // 10**6} million numbers (got {cells}): split it")
