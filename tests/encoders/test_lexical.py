"""Written numbers, dates and durations: hand-worked values, Python's calendar as oracle, and what is not."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.lexical import XSD, parse_literals


def parse(text: str, datatype: str) -> float:
    return float(parse_literals([text], [XSD + datatype])[0])


@pytest.mark.parametrize(
    ("text", "datatype", "value"),
    [
        ("+007", "integer", 7),
        (" -3 ", "nonPositiveInteger", -3),
        ("1.50", "decimal", 1.5),
        (".5", "decimal", 0.5),
        ("-1.5E-3", "double", -0.0015),
        ("1970-01-02", "date", 1),
        ("1970-01-02+12:00", "date", 0.5),
        ("2000-02-29", "date", 11016),
        ("0000-12-31", "date", -719163),
        ("12345-01-01", "date", 3789391),
        ("1970-01-01T12:00:00", "dateTime", 0.5),
        ("1970-01-01T12:00:00.5-06:00", "dateTimeStamp", 0.75 + 0.5 / 86400),
        ("1969-12-31T24:00:00Z", "dateTime", 0),
        ("1971", "gYear", 365),
        ("1970-03", "gYearMonth", 59),
        ("10:00:01", "time", 36001),
        ("PT1H30M0.5S", "duration", 5400.5),
        ("-P1DT1S", "dayTimeDuration", -86401),
        ("P1Y6M", "yearMonthDuration", 1.5 * 365.2425 * 86400),
    ],
)
def test_a_literal_has_its_value(text: str, datatype: str, value: float) -> None:
    assert parse(text, datatype) == pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("1.5", "integer"),
        ("1e3", "decimal"),
        ("1,5", "double"),
        ("", "integer"),
        ("INF", "double"),
        ("NaN", "float"),
        ("1e999", "double"),
        ("12 kg", "decimal"),
        ("1999-02-29", "date"),
        ("2020-13-01", "date"),
        ("2020-00-01", "date"),
        ("20-01-01", "date"),
        ("03.09.2020", "date"),
        ("2020-01-01T24:00:01", "dateTime"),
        ("2020-01-01T10:60:00", "dateTime"),
        ("2020-01-01 10:00:00", "dateTime"),
        ("P", "duration"),
        ("P1DT", "duration"),
        ("1H", "duration"),
        ("5", "string"),
        ("true", "boolean"),
    ],
)
def test_what_is_not_of_its_datatype_has_no_value(text: str, datatype: str) -> None:
    assert np.isnan(parse(text, datatype))


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_moments_are_those_of_the_calendar(moment: datetime) -> None:
    seconds = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert parse(moment.isoformat(), "dateTime") == pytest.approx(seconds / 86400, rel=1e-12, abs=1e-9)


def test_a_column_of_mixed_datatypes_keeps_its_order() -> None:
    texts = ["1", "x", "1970-01-03", "2.5", "name"]
    kinds = [XSD + "integer", XSD + "integer", XSD + "date", XSD + "decimal", "http://example.org/other"]
    np.testing.assert_array_equal(parse_literals(texts, kinds), [1, np.nan, 2, 2.5, np.nan])
    assert parse_literals([], []).shape == (0,)
