"""Groceries to RDF: a tiny data set in the real layout, read back by rdflib."""

from pathlib import Path

import pytest
from rdflib import RDF, Graph, Literal, Namespace
from rdflib.namespace import SKOS

from data.groceries.__main__ import main

GRO = Namespace("https://example.org/groceries/")
SCHEMA = Namespace("https://schema.org/")
HEAD = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)\n"
)
PRODUCTS = {"Red-Pear": ("Pear", "Fruit"), "Mango": ("Mango", "Fruit"), "Leek": ("Leek", "Vegetables")}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "dataset"
    rows = ""
    for number, (name, (coarse, group)) in enumerate(PRODUCTS.items()):
        place = f"icons/{group}/{name}"
        (root / place).mkdir(parents=True)
        (root / place / "icon.jpg").touch()
        (root / place / "text.txt").write_text(f'A "good"\n {name}.', encoding="utf-8")
        rows += f"{name},{number},{coarse},{number},/{place}/icon.jpg,/{place}/text.txt\n"
    (root / "classes.csv").write_text(HEAD + rows, encoding="utf-8")
    for name in ("a", "b", "c"):
        (root / f"{name}.jpg").touch()
    (root / "train.txt").write_text("a.jpg, 0, 0\nb.jpg, 2, 2\n", encoding="utf-8")
    (root / "val.txt").write_text("c.jpg, 1, 1\n", encoding="utf-8")
    return root


def graphs(dataset: Path, *flags: str) -> tuple[Graph, Graph]:
    out = dataset.parent / "out"
    assert main([str(dataset), "--out", str(out), *flags]) == 0
    return Graph().parse(out / "groceries.ttl"), Graph().parse(out / "groceries_val_labels.ttl")


def test_the_labels_of_validation_photos_stand_apart(dataset: Path) -> None:
    graph, answers = graphs(dataset)
    assert set(graph.subject_objects(SCHEMA.about)) == {
        (GRO["photo/train-00001"], GRO["product/red-pear"]),
        (GRO["photo/train-00002"], GRO["product/leek"]),
    }
    assert set(answers) == {(GRO["photo/val-00001"], SCHEMA.about, GRO["product/mango"])}
    assert set(graph.predicate_objects(GRO["photo/val-00001"])) == {
        (RDF.type, GRO.Photo), (SCHEMA.image, Literal("c.jpg")), (GRO.part, Literal("val")),
    }  # fmt: skip


def test_a_product_lies_below_its_class_and_group_and_has_icon_and_text(dataset: Path) -> None:
    graph, _ = graphs(dataset)
    pear = GRO["product/red-pear"]
    assert graph.value(pear, SKOS.prefLabel) == Literal("Red Pear", "en")
    assert graph.value(pear, SKOS.definition) == Literal('A "good" Red-Pear.', "en")
    assert graph.value(pear, SCHEMA.image) == Literal("icons/Fruit/Red-Pear/icon.jpg")
    above = list(graph.transitive_objects(pear, SKOS.broader))
    assert above == [pear, GRO["class/pear"], GRO["group/fruit"], GRO["group/groceries"]]
    # a class may be called like its only product, and is another node
    assert graph.value(GRO["product/mango"], SKOS.broader) == GRO["class/mango"]


def test_coarse_labels_are_classes(dataset: Path) -> None:
    graph, answers = graphs(dataset, "--coarse")
    assert set(graph.objects(None, SCHEMA.about)) == {GRO["class/pear"], GRO["class/leek"]}
    assert set(answers.objects(None, SCHEMA.about)) == {GRO["class/mango"]}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("train.txt", "nowhere.jpg, 0, 0\n", "expected a file nowhere.jpg in dataset (got none)"),
        (
            "val.txt",
            "c.jpg, 9, 1\n",
            "val.txt: expected a path, a product's id, a class id (got 'c.jpg, 9, 1')",
        ),
        ("val.txt", "c.jpg\n", "val.txt: expected a path, a product's id, a class id (got 'c.jpg')"),
        ("classes.csv", "a,b\n1,2\n", "expected the column 'Class Name (str)' in classes.csv (got a, b)"),
        ("classes.csv", HEAD, "expected the class ids 0, 1, 2 ... in classes.csv (got others, or none)"),
    ],
)
def test_a_broken_data_set_is_one_clear_sentence(
    dataset: Path, capsys: pytest.CaptureFixture[str], file: str, content: str, said: str
) -> None:
    (dataset / file).write_text(content, encoding="utf-8")
    assert main([str(dataset), "--out", str(dataset.parent / "out")]) == 1
    assert capsys.readouterr().err == f"error: {said}\n"
    assert not (dataset.parent / "out").exists()
