"""From the written form of xsd numbers, dates and durations to float64, a whole column at once.

Knows no graph: texts and the IRIs of their datatypes in, numbers out, NaN for what is not of its datatype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

XSD = "http://www.w3.org/2001/XMLSchema#"
_WHOLE = (
    "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger",
    "negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte",
)  # fmt: skip
_SIGNED, _ZONE = r"^(?P<sign>-?)", r"(?P<zone>Z|[+-]\d\d:\d\d)?$"
_YEAR, _DATE = r"(?P<year>\d{4,9})", r"(?P<year>\d{4,9})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d(?:\.\d+)?)"
_FORMS = {
    **dict.fromkeys(_WHOLE, r"^[+-]?\d+$"),
    "decimal": r"^[+-]?(\d+(\.\d*)?|\.\d+)$",
    **dict.fromkeys(("double", "float"), r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"),
    "gYear": _SIGNED + _YEAR + _ZONE,
    "gYearMonth": _SIGNED + _YEAR + r"-(?P<month>\d\d)" + _ZONE,
    "date": _SIGNED + _DATE + _ZONE,
    **dict.fromkeys(("dateTime", "dateTimeStamp"), f"{_SIGNED}{_DATE}T{_CLOCK}{_ZONE}"),
    "time": f"^(?P<sign>){_CLOCK}{_ZONE}",
    **dict.fromkeys(
        ("duration", "dayTimeDuration", "yearMonthDuration"),
        _SIGNED + r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
        r"(?P<mark>T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$",
    ),
}
DATATYPES = frozenset(XSD + name for name in _FORMS)
"""The datatypes whose literals are numbers here."""

_DAY = 86_400.0
_DAYS_IN_YEAR = 365.2425  # the mean of the Gregorian calendar, and a twelfth of it for a month
_IN_SECONDS = {
    "years": _DAYS_IN_YEAR * _DAY, "months": _DAYS_IN_YEAR / 12 * _DAY, "days": _DAY,
    "hours": 3600.0, "minutes": 60.0, "seconds": 1.0,
}  # fmt: skip


def parse_literals(values: Sequence[str] | pa.Array, datatypes: Sequence[str] | pa.Array) -> Floats:
    """The number of each literal: dates and years in days since 1970-01-01, times and durations in seconds.

    A moment without a time zone counts as UTC, a year or month as its first day. Infinities are no numbers
    here, as nothing can be scaled by them.

    Shapes: result (m,) float64; NaN where the text is not of its datatype, or the datatype no number.
    """
    texts = pc.utf8_trim_whitespace(pa.array(values, pa.string()))
    kinds = pa.array(datatypes, pa.string()).dictionary_encode()
    out = np.full(len(texts), np.nan)
    codes = kinds.indices.fill_null(-1).to_numpy()
    for code, iri in enumerate(kinds.dictionary.to_pylist()):
        name = iri.removeprefix(XSD)
        if iri != XSD + name or name not in _FORMS:
            continue
        rows = np.flatnonzero(codes == code)
        out[rows] = _parsed(texts.take(pa.array(rows)), name)
    out[np.isinf(out)] = np.nan
    return out


def _parsed(texts: pa.Array, name: str) -> Floats:
    form = _FORMS[name]
    if "(?P<" not in form:
        fits = pc.match_substring_regex(texts, form)
        plain = pc.replace_substring_regex(texts, r"^\+", "")
        return _floats(pc.if_else(fits, plain, None))
    found = pc.extract_regex(texts, form)
    fields = {field.name: found.field(field.name) for field in found.type}
    valid = found.is_valid().to_numpy(zero_copy_only=False)
    parts = {key: _floats(cells) for key, cells in fields.items() if key not in ("sign", "zone", "mark")}
    sign = np.where(_is(fields["sign"], "-"), -1.0, 1.0)
    if "mark" in fields:
        given = np.any([np.isfinite(part) for part in parts.values()], axis=0)
        given &= ~_is(fields["mark"], "T")  # "P1DT" promises a time and has none
        total = sum(np.nan_to_num(parts[key]) * seconds for key, seconds in _IN_SECONDS.items())
        return np.where(valid & given, sign * total, np.nan)
    clock, sane = _clock(parts)
    clock = clock - _zone(fields["zone"])
    if "year" not in parts:
        return np.where(valid & sane, clock, np.nan)
    days, real = _days(sign * parts["year"], parts.get("month"), parts.get("day"))
    return np.where(valid & sane & real, days + clock / _DAY, np.nan)


def _floats(cells: pa.Array) -> Floats:
    numbers = pc.cast(pc.if_else(pc.equal(cells, ""), None, cells), pa.float64())
    return np.array(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def _is(cells: pa.Array, text: str) -> NDArray[np.bool_]:
    flags = pc.fill_null(pc.equal(cells, text), False)
    return np.asarray(flags.to_numpy(zero_copy_only=False), dtype=bool)


def _clock(parts: dict[str, Floats]) -> tuple[Floats, NDArray[np.bool_]]:
    """Seconds since midnight, and whether there is such a time; 24:00:00 is the end of the day."""
    if "hour" not in parts:
        size = len(next(iter(parts.values())))
        return np.zeros(size), np.ones(size, dtype=bool)
    hour, minute, second = parts["hour"], parts["minute"], parts["second"]
    total = 3600 * hour + 60 * minute + second
    return total, (hour <= 24) & (minute < 60) & (second < 60) & (total <= _DAY)


def _zone(cells: pa.Array) -> Floats:
    """How many seconds the zone is ahead of UTC; none counts as UTC."""
    found = pc.extract_regex(cells, r"^(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)$")
    hours, minutes = _floats(found.field("hours")), _floats(found.field("minutes"))
    ahead = np.nan_to_num(3600 * hours + 60 * minutes)
    return np.where(_is(found.field("sign"), "-"), -ahead, ahead)


def _days(year: Floats, month: Floats | None, day: Floats | None) -> tuple[Floats, NDArray[np.bool_]]:
    """Days since 1970-01-01 in the Gregorian calendar of all times, and whether there is such a day.

    numpy counts the days of months itself, from years that it, like ISO 8601, numbers with a year 0.
    """
    ones = np.ones_like(year)
    month = ones if month is None else month
    day = ones if day is None else day
    known = np.isfinite(year) & np.isfinite(month) & np.isfinite(day) & (month >= 1) & (month <= 12)
    count = np.where(known, (year - 1970) * 12 + month - 1, 0).astype(np.int64)
    first, following = (
        months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        for months in (count, count + 1)
    )
    real = known & (day >= 1) & (day <= following - first)
    return (first + np.where(real, day, 1) - 1).astype(np.float64), real
