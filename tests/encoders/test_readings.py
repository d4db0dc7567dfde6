"""Files of readings: every spelling gives the same series, uneven time is evened, and bad files say why."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from encoders import MediaError, columns, readings
from encoders.readings import Series, read_series


def series(folder: Path, content: str | bytes) -> Series:
    path = folder / "readings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_series(path)


def npy(array: object) -> bytes:
    buffer = BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def of_parquet(**columns: object) -> bytes:
    buffer = BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,4\n2,5\n4,6\n",
        "a;b\n1;4\n2;5\n4;6\n",
        "a\tb\r\n1\t4\r\n2\t5\r\n4\t6\r\n",
        "# from the bench\n\na;b\n1,0;4,0\n2,0;5,0\n4,0;6,0\n",
        "\ufeffa,b\n1e0,4\n2,5\n4,6.0\n",
        ",a,b\n0,1,4\n1,2,5\n2,4,6\n",
        of_parquet(a=[1, 2, 4], b=[4.0, 5.0, 6.0]),
        of_parquet(time=pa.array([10, 11, 12], pa.timestamp("ns")), a=[1, 2, 4], b=[4.0, 5.0, 6.0]),
    ],
)
def test_separators_and_formats_make_no_difference(tmp_path: Path, content: str | bytes) -> None:
    found = series(tmp_path, content)
    assert found.names == ("a", "b")
    assert found.values.tolist() == [[1, 2, 4], [4, 5, 6]]


def test_two_columns_of_one_name_and_content_are_two_channels(tmp_path: Path) -> None:
    found = series(tmp_path, "time,x,x\n0,1,1\n1,2,2\n")
    assert found.names == ("x", "x")
    assert found.values.tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("content", ["1,4\n2,5\n4,6\n", npy([[1, 4], [2, 5], [4, 6]])])
def test_columns_without_names_are_numbered(tmp_path: Path, content: str | bytes) -> None:
    found = series(tmp_path, content)
    assert found.names == ("0", "1")
    assert found.values.tolist() == [[1, 2, 4], [4, 5, 6]]


def test_one_column_of_an_npy_is_one_channel(tmp_path: Path) -> None:
    assert series(tmp_path, npy([1, 3, 2])).values.tolist() == [[1, 3, 2]]


@pytest.mark.parametrize(
    "content",
    [
        "time,x\n0,1\n1,2\n4,5\n5,6\n",
        "x,Time [s]\n1,0\n2,1\n5,4\n6,5\n",
        "datetime;x\n" + "".join(f"2020-03-01 10:00:0{at};{at + 1}\n" for at in (0, 1, 4, 5)),
        "timestamp,x\n" + "".join(f"2020-03-01T10:00:0{at}Z,{at + 1}\n" for at in (0, 1, 4, 5)),
        "2020-03-01,1\n2020-03-02,2\n2020-03-05,5\n2020-03-06,6\n",
        "date,time,x\n2020-02-29,23:59:59,1\n2020-03-01,00:00:00,2\n2020-03-01,00:00:03,5\n2020-03-01,00:00:04,6\n",
        "time,x\n5,6\n1,2\n0,1\n4,5\n",
        "time,x\n0,1\n1,1.5\n1,2.5\n4,5\n5,6\n",
    ],
)
def test_uneven_time_is_evened_by_its_middle_step(tmp_path: Path, content: str) -> None:
    found = series(tmp_path, content)
    assert len(found.names) == 1
    np.testing.assert_allclose(found.values, [[1, 2, 3, 4, 5, 6]])


def test_gaps_are_filled_by_time_and_an_empty_channel_is_left_out(tmp_path: Path) -> None:
    found = series(tmp_path, "time,x,y,z\n0,,1,\n1,2,NaN,\n2,inf,nan,\n4,5,5,\n")
    assert found.names == ("x", "y")
    assert found.values.tolist() == [[2, 2, 3, 4, 5], [1, 2, 3, 4, 5]]


def test_nanoseconds_of_today_are_told_apart(tmp_path: Path) -> None:
    stamps = pa.array([1_700_000_000_000_000_000 + step for step in (0, 1, 3)], pa.timestamp("ns"))
    assert series(tmp_path, of_parquet(time=stamps, x=[0, 1, 3])).values.tolist() == [[0, 1.5, 3]]


def test_a_span_of_years_with_steps_of_a_millisecond_is_read_coarsely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "MAX_POINTS", 5)
    found = series(tmp_path, "t,x\n0,0\n0.001,0\n0.002,0\n1000,4\n")
    assert found.values.shape == (1, 5)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,state\n1,on\n2,off\n", "expected numbers only .got 'on' in the column 'state'."),
        ("a\nx\ny\n", "expected numbers only"),
        ("a,b\nNaN,\n,nan\n", "expected readings .got no number in any column."),
        ("a,b\n1,2\n", "expected at least two samples .got one."),
        ("time,x\n3,1\n3,2\n", "expected at least two samples .got one."),
        ("a,b\n", "got no rows"),
        (" \n\n", "got only white space"),
        (b"", "got an empty file"),
        ("a,b\n1,2\n3\n", "expected rows of 2 columns each .got one of 1."),
        ("time\n1\n2\n", "expected a column of readings .got only time stamps."),
        ("time,x\n03.09.2020 10:00,1\n04.09.2020 10:00,2\n", "expected time stamps as ISO 8601 or numbers"),
        ("time,x\n1,1\n,2\n3,3\n", "expected a time stamp in every row .got none in row 2."),
        (
            "time,when,x\n2020-01-01,2020-01-01,1\n2020-01-02,2020-01-02,2\n",
            "expected one column of time stamps",
        ),
        (b"\x00\x01\x02", "got a binary file of another kind"),
        (b"PAR1 and no more", "got a damaged file"),
        (npy([[1, 2], [3, 4]])[:-8], "got a damaged file"),
        (npy(["a", "b"]), "expected numbers as"),
        (npy([1 + 2j, 3]), "expected numbers as"),
        (npy(np.zeros((2, 2, 2))), "expected numbers as .* .got 3 dimensions"),
        (npy(np.zeros((0, 3))), "got no rows"),
    ],
)
def test_what_is_no_series_is_answered_in_one_sentence(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(MediaError, match=sentence) as caught:
        series(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_objects_in_an_npy_are_never_unpickled(tmp_path: Path) -> None:
    buffer = BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(MediaError, match="got a damaged file"):
        series(tmp_path, buffer.getvalue())


def test_too_many_numbers_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_CELLS", 5)
    for content in ("a,b\n1,2\n3,4\n5,6\n", of_parquet(a=[1, 2, 3], b=[1, 2, 3]), npy(np.zeros((3, 2)))):
        with pytest.raises(MediaError, match="expected at most 0 million numbers"):
            series(tmp_path, content)
