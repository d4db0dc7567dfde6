"""A folder of studies: pictures and one CSV file of what is known of each, read and checked.

Knows nothing of RDF or of an ontology. The CSV's columns are named by `Columns`, so that any table will do.
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from data.medicine.turtle import MEASUREMENTS

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".nii", ".nii.gz")
RANGES = {"age": (0, 130), "temperature": (25, 45), "saturation": (0, 100), "heartRate": (0, 350)}
"""What a value can be at all: another unit or a code for "unknown" is no measurement."""

_SEXES = {"f": "Female", "female": "Female", "m": "Male", "male": "Male"}
_NOTHING = {"", "n/a", "na", "nan", "none", "unknown", "-"}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?:\s*[-–]\s*(\d+(?:\.\d+)?))?")  # noqa: RUF001  # people type both dashes


@dataclass(frozen=True)
class Columns:
    """Which column of the CSV says what; an empty name stands for a column that the table lacks.

    Without `image` a study's picture is the file that is called like the study's id.
    """

    id: str = "patientid"
    image: str = ""
    finding: str = "finding"
    note: str = "notes"
    sex: str = "sex"
    age: str = "age"
    temperature: str = "temperature"
    saturation: str = "pO2 saturation"
    heartRate: str = ""  # noqa: N815  # the local name of its property
    marker: str = ""

    def named(self) -> dict[str, str]:
        """What is to be read, and the column where it stands."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: column for name, column in pairs if column}


@dataclass(frozen=True)
class Study:
    """One study; what is not known is empty or left out."""

    id: str
    image: str
    """Path below the folder."""
    note: str
    finding: str
    sex: str
    numbers: dict[str, float]

    @property
    def patient(self) -> str:
        """The id without a letter behind its digits: 12a and 12b are studies of one patient."""
        return re.sub(r"(?<=\d)[a-z]$", "", self.id)


def read_studies(
    folder: Path, table: Path | None = None, columns: Columns | None = None
) -> tuple[list[Study], Counter[str]]:
    """The studies of a folder in the order of the table, and how often each odd value was left out.

    Args:
        folder: where the pictures lie, in any depth.
        table: the CSV file; by default `metadata.csv` in the folder.
        columns: its columns; by default those of a table of chest X-rays.

    Raises:
        ValueError: a column or a picture is missing, an id comes twice, or there is no study.
        OSError: the table cannot be read.
    """
    columns = Columns() if columns is None else columns
    table = folder / "metadata.csv" if table is None else table
    rows = _rows(table, columns)
    pictures = _pictures(folder)
    odd: Counter[str] = Counter()
    studies = [_study(row, columns.named(), pictures, folder, odd) for row in rows]
    twice = [key for key, count in Counter(study.id for study in studies).items() if count > 1]
    if twice:
        raise ValueError(f"expected each id once in {table.name} (got {twice[0]!r} again)")
    return studies, odd


def _rows(table: Path, columns: Columns) -> list[dict[str, str]]:
    content = table.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = list(reader.fieldnames or [])
    missing = [column for column in columns.named().values() if column not in header]
    if missing:
        raise ValueError(
            f"expected the column {missing[0]!r} in {table.name} (got {', '.join(header) or 'no columns'})"
        )
    rows = list(reader)
    if not rows:
        raise ValueError(f"expected a row for each study in {table.name} (got none)")
    return rows


def _pictures(folder: Path) -> dict[str, str]:
    """Path below the folder by the file's name and by that name without its suffix."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        suffix = next((end for end in SUFFIXES if path.name.lower().endswith(end)), "")
        if suffix and path.is_file():
            relative = path.relative_to(folder).as_posix()
            for name in (relative, path.name, path.name[: -len(suffix)]):
                found.setdefault(name, relative)
    return found


def _study(
    row: dict[str, str], named: dict[str, str], pictures: dict[str, str], folder: Path, odd: Counter[str]
) -> Study:
    values = {name: _value(row[column]) for name, column in named.items()}
    key = values["id"]
    if not key:
        raise ValueError("expected an id in every row (got an empty one)")
    wanted = values.get("image") or key
    if wanted not in pictures:
        raise ValueError(f"expected a picture of study {key} in {folder.name} (got none called {wanted!r})")
    numbers = {}
    for name in MEASUREMENTS:
        text = values.get(name, "")
        value = _number(text, *RANGES.get(name, (float("-inf"), float("inf"))))
        if value is not None:
            numbers[name] = value
        elif text:
            odd[f"{name} {text!r}"] += 1
    sex = values.get("sex", "")
    if sex and sex.casefold() not in _SEXES:
        odd[f"sex {sex!r}"] += 1
    sex = _SEXES.get(sex.casefold(), "")
    return Study(key, pictures[wanted], values.get("note", ""), values.get("finding", ""), sex, numbers)


def _value(text: str | None) -> str:
    """Without outer spaces; empty for the ways to say that nothing is known."""
    text = " ".join((text or "").split())
    return "" if text.casefold() in _NOTHING else text


def _number(text: str, low: float, high: float) -> float | None:
    """A number, or the middle of two such as 91-92; None for words and for what cannot be."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    value = float(match[1]) if match[2] is None else (float(match[1]) + float(match[2])) / 2
    return value if low <= value <= high else None
