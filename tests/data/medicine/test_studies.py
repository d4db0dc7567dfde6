"""A folder of studies: what is read of the table, and what is said when something is amiss."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from data.medicine.studies import Columns, Study, read_studies

HEAD = "patientid,finding,notes,sex,age,temperature,pO2 saturation\n"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(rows: str, *pictures: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
        (tmp_path / "images").mkdir()
        (tmp_path / "metadata.csv").write_bytes((head + rows).encode(encoding))
        for picture in pictures:
            Image.new("L", (4, 4)).save(tmp_path / "images" / picture)
        return tmp_path

    return make


def test_a_study_is_read_with_its_numbers(folder: Callable[..., Path]) -> None:
    studies, odd = read_studies(folder('7a,Pneumonia,"cough,  fever",F,40,38.5,91-92\n', "7a.png"))
    numbers = {"age": 40.0, "temperature": 38.5, "saturation": 91.5}
    assert studies == [Study("7a", "images/7a.png", "cough, fever", "Pneumonia", "Female", numbers)]
    assert studies[0].patient == "7"
    assert not odd


def test_what_is_no_number_is_left_out_and_told(folder: Callable[..., Path]) -> None:
    rows = "1,,N/A,x,50+,101.3,low 90s\n2,,nan,male,50+,,-\n"
    studies, odd = read_studies(folder(rows, "1.png", "2.png"))
    assert [study.numbers for study in studies] == [{}, {}]
    assert [(study.note, study.finding, study.sex) for study in studies] == [("", "", ""), ("", "", "Male")]
    # 101.3 is no temperature in degrees Celsius
    assert odd == {"age '50+'": 2, "temperature '101.3'": 1, "saturation 'low 90s'": 1, "sex 'x'": 1}


def test_a_table_of_other_columns_and_encoding_is_read(folder: Callable[..., Path]) -> None:
    place = folder("1,scan.png,38° warm\n", "scan.png", head="nr,file,text\n", encoding="cp1252")
    columns = Columns("nr", "file", finding="", note="text", sex="", age="", temperature="", saturation="")
    studies, _ = read_studies(place, columns=columns)
    assert studies == [Study("1", "images/scan.png", "38° warm", "", "", {})]


def test_two_patients_stay_apart_where_the_letter_is_no_mark_of_a_study() -> None:
    ids = {"COVID-3a": "COVID-3", "COVID-3b": "COVID-3", "COVID-3": "COVID-3", "anna": "anna", "9B": "9B"}
    assert {key: Study(key, "", "", "", "", {}).patient for key in ids} == ids


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (
            "1,x\n",
            "patientid,notes\n",
            r"^expected the column 'finding' in metadata.csv \(got patientid, notes\)$",
        ),
        ("", "", r"^expected the column 'patientid' in metadata.csv \(got no columns\)$"),
        ("", HEAD, r"^expected a row for each study in metadata.csv \(got none\)$"),
        ("2,,,,,,\n", HEAD, r"^expected a picture of study 2 in .* \(got none called '2'\)$"),
        (",,,,,,\n", HEAD, r"^expected an id in every row \(got an empty one\)$"),
        ("1,,,,,,\n1,,,,,,\n", HEAD, r"^expected each id once in metadata.csv \(got '1' again\)$"),
    ],
)
def test_what_is_missing_is_one_clear_sentence(
    folder: Callable[..., Path], rows: str, head: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_studies(folder(rows, "1.png", head=head))
