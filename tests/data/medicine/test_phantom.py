"""The phantom: its claims about itself, counted in what it writes."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rdflib import RDF, Graph, Literal, Namespace
from rdflib.namespace import SKOS

from data.medicine.__main__ import main
from data.medicine.phantom import GRAPH, PLACES, WARNING, _numbers
from data.medicine.phantom_types import LesionType

MED = Namespace("https://example.org/medicine/")
PHANTOM = Namespace("https://example.org/phantom/")
SCHEMA = Namespace("https://schema.org/")


def make(folder: Path, seed: int = 0) -> Path:
    flags = ["--phantom", "--out", str(folder), "--studies", "40", "--rare", "1", "--seed", str(seed)]
    assert main(flags) == 0
    return folder


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="module")
def graph(phantom: Path) -> Graph:
    return Graph().parse(phantom / GRAPH)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_seed_decides_every_byte(phantom: Path, tmp_path: Path) -> None:
    assert contents(make(tmp_path / "again")) == contents(phantom)
    other = contents(make(tmp_path / "other", seed=1))
    assert set(other) == set(contents(phantom))
    assert not [name for name, content in contents(phantom).items() if other[name] == content]


def test_every_study_has_a_picture_a_report_and_a_type(phantom: Path, graph: Graph) -> None:
    studies = set(graph.subjects(RDF.type, MED.ImagingStudy))
    assert len(studies) == 40
    for study in studies:
        with Image.open(phantom / str(graph.value(study, SCHEMA.image))) as picture:
            assert (picture.size, picture.mode, picture.text["Description"]) == ((256, 256), "L", WARNING)  # type: ignore[attr-defined]
        assert graph.value(study, SCHEMA.description) is not None
        assert (graph.value(study, MED.finding), SKOS.inScheme, PHANTOM["type/"]) in graph


def test_all_says_that_it_is_synthetic(phantom: Path, graph: Graph) -> None:
    assert all("synthetic" in path.name for path in phantom.rglob("*") if path.is_file())
    words = [str(text) for text in graph.objects(None, SCHEMA.description)]
    words += [str(text) for text in graph.objects(None, SKOS.prefLabel)]
    assert len(words) == 40 + 1 + 4 + 16 + 8
    assert all("synthetic" in text.lower() for text in words)


def test_shape_and_sign_stay_balanced_though_some_types_are_rare(graph: Graph) -> None:
    kinds = list(graph.objects(None, MED.finding))
    assert sorted(Counter(kinds).values()) == [1] * 4 + [3] * 12
    for link in (PHANTOM.hasShape, PHANTOM.hasSign):
        assert sorted(Counter(graph.value(kind, link) for kind in kinds).values()) == [10] * 4


def test_no_report_names_a_type_or_a_shape(graph: Graph) -> None:
    reports = " ".join(str(text).lower() for text in graph.objects(None, SCHEMA.description))
    concepts = {*graph.subjects(SKOS.broader), *graph.objects(None, PHANTOM.hasShape)}
    labels = " ".join(str(graph.value(concept, SKOS.prefLabel)) for concept in concepts)
    words = set(re.findall(r"\w+", labels)) - {"synthetic", "of", "shape"}
    assert {"orbid", "pyretic", "ring", "dots"} <= words
    assert not words & set(re.findall(r"\w+", reports))


def test_the_ontology_has_three_levels_and_rare_types_share_traits_with_frequent_ones(graph: Graph) -> None:
    root = PHANTOM["type/lesion"]
    families = set(graph.subjects(SKOS.broader, root))
    types = {kind for family in families for kind in graph.subjects(SKOS.broader, family)}
    assert (len(families), len(types)) == (4, 16)
    seen = Counter(graph.objects(None, MED.finding))
    for rare in (kind for kind in types if seen[kind] == 1):
        for link in (PHANTOM.hasShape, PHANTOM.hasSign):
            sharing = set(graph.subjects(link, graph.value(rare, link))) - {rare}
            assert [seen[kind] for kind in sharing] == [3, 3, 3]


def test_the_place_is_in_the_side_file_alone_and_the_lesion_is_there(phantom: Path, graph: Graph) -> None:
    with (phantom / PLACES).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["study"] for row in rows} == {str(key) for key in graph.subjects(RDF.type, MED.ImagingStudy)}
    numbers = {predicate for _, predicate, value in graph if isinstance(value, Literal) and value.datatype}
    assert numbers == {MED[name] for name in ("age", "temperature", "saturation", "heartRate", "marker")}
    for row in rows:
        assert float(row["right"]) - float(row["left"]) == pytest.approx(2 * float(row["radius"]), abs=0.11)
        assert min(float(row["left"]), float(row["top"])) >= 0
        assert max(float(row["right"]), float(row["bottom"])) <= 256


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--studies", "30", "--rare", "2"],
            "expected at least 1 study of a rare type and 44 studies in all (got 2 and 30)",
        ),
        (["--rare", "0"], "expected at least 1 study of a rare type"),
        (["--seed", "-1"], "expected a seed of 0 or more (got -1)"),
    ],
)
def test_impossible_numbers_are_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert main(["--phantom", "--out", str(tmp_path / "out"), *flags]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_numbers_hint_at_a_sign_without_deciding_it() -> None:
    def temperatures(sign: str) -> np.ndarray:
        random = np.random.default_rng(0)
        rows = [_numbers(LesionType("disc", sign, False), random) for _ in range(2000)]
        return np.array([row["temperature"] for row in rows if "temperature" in row])

    fever, cough = temperatures("fever"), temperatures("cough")
    assert len(fever) == pytest.approx(1800, abs=60)  # a tenth is missing
    assert fever.mean() - cough.mean() == pytest.approx(0.6, abs=0.06)
    # the best cut lies between the means, 0.6 spreads from each: the normal distribution gives 0.726
    assert ((fever > 37.5).mean() + (cough <= 37.5).mean()) / 2 == pytest.approx(0.726, abs=0.03)
