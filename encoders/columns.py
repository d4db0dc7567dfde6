"""Tables of readings as files hold them: CSV, Parquet and NPY to columns of numbers and of time stamps.

Knows no grid of time and no model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_CELLS = 50_000_000  # numbers in one file: 400 MB once decoded
_NUMBER = re.compile(r"\s*([-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?|nan|null|n/a|[-+]?inf)?\s*", re.I)


@dataclass(frozen=True, eq=False)  # a column is itself: two of one name and content are two
class Column:
    """One column as it was written: numbers, or stamps in seconds, or what it is instead."""

    name: str
    values: Floats | None
    stamp: str = ""  # "date", "time" or "both"
    found: str = ""  # what a column of something else holds


class RefusedError(Exception):
    """Why a file holds no readings, in one sentence; whoever knows its name adds that."""


def read_columns(content: bytes) -> list[Column]:
    """The columns of a file by what its content is, whatever it is called.

    Raises:
        RefusedError: no such file, or one of more than MAX_CELLS numbers, without rows or ragged; of damaged
            files pyarrow and numpy raise their own.
    """
    if content.startswith(b"\x93NUMPY"):
        return _npy(content)
    if content.startswith(b"PAR1"):
        return _parquet(content)
    if b"\0" in content[:4096]:
        raise RefusedError("expected CSV, Parquet or NPY (got a binary file of another kind)")
    return _csv(content)


def _npy(content: bytes) -> list[Column]:
    array = np.load(BytesIO(content), allow_pickle=False)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
        got = f"{array.ndim} dimensions of {array.dtype.name}"
        raise RefusedError(f"expected numbers as (samples,) or (samples, channels) (got {got})")
    _check_size(array.size)
    table = (array[:, None] if array.ndim == 1 else array).astype(np.float64)
    return [Column(str(number), column) for number, column in enumerate(table.T)]


def _parquet(content: bytes) -> list[Column]:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(BytesIO(content))
    _check_size(file.metadata.num_rows * file.metadata.num_columns)
    return _of_table(file.read())


def _csv(content: bytes) -> list[Column]:
    """A table with or without a line of names, parted by tab, semicolon or comma."""
    from pyarrow import ArrowInvalid, csv

    text = _text(content)
    lines = text.splitlines()[:2]
    if not lines:
        raise RefusedError("expected a series of readings (got only white space)")
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
            raise RefusedError(reason) from error
        raise
    return _of_table(table)


def _text(content: bytes) -> str:
    """The content as text, without lines of comment before the table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # degree signs of older loggers
    return re.sub(r"\A(\s*#[^\n]*\n|\s*\n)+", "", text) if text[:1] in "#\r\n " else text


def _of_table(table: Any) -> list[Column]:
    return [_column(name, table.column(place)) for place, name in enumerate(table.column_names)]


def _column(name: str, cells: Any) -> Column:
    """Stamps as seconds, numbers as they are, absent cells as NaN."""
    import pyarrow as pa

    kind = cells.type
    if pa.types.is_null(kind):
        return Column(name, np.full(len(cells), np.nan))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return Column(name, _floats(cells))
    if pa.types.is_decimal(kind):
        return Column(name, _floats(cells.cast(pa.float64())))
    if pa.types.is_date(kind):
        return Column(name, _ticks(cells.cast(pa.timestamp("ms")), 1e3), "date")
    if pa.types.is_timestamp(kind):
        return Column(name, _ticks(cells, {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]), "both")
    if pa.types.is_time(kind):
        ticks = cells.cast(pa.time64("us"), safe=False).cast(pa.int64())
        return Column(name, _ticks(ticks, 1e6), "time")
    cell = next((str(value) for value in cells.to_pylist() if value is not None), "")
    return Column(name, None, found=cell)


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


def _check_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise RefusedError(f"expected at most {MAX_CELLS // 10**6} million numbers (got {cells}): split it")
