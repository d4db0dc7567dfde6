"""The runs of a folder: each CSV file with its columns, its length and a name that gives nothing away.

Knows nothing of RDF.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TIMES = ("datetime", "timestamp", "time", "date")
LABELS = ("anomaly", "changepoint")  # what a run is judged by: no sensor


@dataclass(frozen=True)
class Run:
    """One file of readings."""

    stem: str
    """Path below the folder without suffix, such as `valve1/0`."""
    file: str
    sensors: tuple[str, ...]
    rows: int
    start: datetime
    end: datetime
    digest: str
    """Of the file's content. A name made of the path or the hour would tell a reader the kind of fault."""

    @property
    def minutes(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds() / 60


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and the runs that it was caused in: a run's stem, or a folder of runs."""

    kind: str
    label: str
    part: str
    sentence: str
    runs: tuple[str, ...]


def read_runs(folder: Path) -> list[Run]:
    """Every CSV file below a folder, sorted by path.

    Raises:
        ValueError: if there is none, or one has no time stamps, no sensor, no reading or text for a number.
    """
    runs = [_run(folder, path) for path in sorted(folder.rglob("*.csv"))]
    if not runs:
        raise ValueError(f"expected CSV files of sensor readings below {folder} (got none)")
    return runs


def _run(folder: Path, path: Path) -> Run:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{path}: expected text in UTF-8 (got {problem.reason})") from problem
    header, *rows = _table(text)
    if header[0].strip().lower() not in TIMES:
        raise ValueError(f"{path}: expected time stamps in the first column (got a column {header[0]!r})")
    sensors = tuple(name for name in header[1:] if name not in LABELS)
    if not sensors or not rows:
        raise ValueError(f"{path}: expected a sensor and a reading (got {len(sensors)} and {len(rows)})")
    for number, row in enumerate(rows, start=2):
        _check(path, number, header, row)
    stem = path.relative_to(folder).with_suffix("").as_posix()
    return Run(
        stem,
        f"{stem}{path.suffix}",
        sensors,
        len(rows),
        _moment(path, rows[0][0]),
        _moment(path, rows[-1][0]),
        hashlib.sha256(content).hexdigest()[:8],
    )


def _table(text: str) -> list[list[str]]:
    """The rows; fields are parted by the sign that the first line has most of."""
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    return [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row] or [[""]]


def _check(path: Path, number: int, header: list[str], row: list[str]) -> None:
    if len(row) != len(header):
        raise ValueError(f"{path}:{number}: expected {len(header)} fields, as in the header (got {len(row)})")
    for name, field in zip(header[1:], row[1:], strict=True):
        try:
            float(field or "nan")  # an empty field is a gap
        except ValueError as problem:
            raise ValueError(f"{path}:{number}: expected a number in {name!r} (got {field!r})") from problem


def _moment(path: Path, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)  # so that all can be compared
    except ValueError as problem:
        raise ValueError(
            f"{path}: expected a time stamp such as 2020-03-09 10:14:33 (got {text!r})"
        ) from problem


def recordings(runs: Iterable[Run]) -> dict[str, str]:
    """By a run's stem the recording that it was cut from, named after the first run of it.

    Runs that hold the same moments, at first or at second hand, are of one recording.
    """
    found: dict[str, str] = {}
    name, end = "", None
    for run in sorted(runs, key=lambda run: (run.start, run.stem)):
        if end is None or run.start > end:
            name, end = run.digest, run.end
        found[run.stem], end = name, max(end, run.end)
    return found


def read_faults(file: Path) -> list[Fault]:
    """The kinds of fault of a faults.tsv: runs, kind, label, part, sentence; rows of a kind belong together.

    Raises:
        ValueError: if a row has other fields, tells a kind apart from an earlier row, or names runs again.
    """
    found: dict[str, Fault] = {}
    for number, row in enumerate(_rows(file), start=2):
        runs, kind, *told = row if len(row) == 5 else ("", "")
        seen = {run for fault in found.values() for run in fault.runs}
        if not kind or runs in seen or (kind in found and told != _told(found[kind])):
            raise ValueError(f"{file}:{number}: expected new runs, kind, label, part, sentence (got {row!r})")
        label, part, sentence = told
        earlier = found[kind].runs if kind in found else ()
        found[kind] = Fault(kind, label, part, sentence, (*earlier, runs))
    return list(found.values())


def _rows(file: Path) -> Iterator[list[str]]:
    yield from (row.split("\t") for row in file.read_text(encoding="utf-8").splitlines()[1:])


def _told(fault: Fault) -> list[str]:
    return [fault.label, fault.part, fault.sentence]


def kind_of(stem: str, faults: list[Fault]) -> str | None:
    """The kind of fault of a run; a run that is named counts before its folder."""
    for name in (stem, stem.partition("/")[0]):
        for fault in faults:
            if name in fault.runs:
                return fault.kind
    return None
