"""Groceries as Turtle: products, classes and photos, and apart from them the labels of the validation photos.

A photo's IRI is a number, and it has no name: the path of its file tells the answer.
"""

from collections.abc import Iterator
from pathlib import Path

from data.groceries.items import PARTS, Photo, Product, read_photos, read_products

GROCERIES = "https://example.org/groceries/"
GRAPH, ANSWERS = "groceries.ttl", "groceries_val_labels.ttl"
_HEADER = f"""@prefix gro: <{GROCERIES}> .
@prefix schema: <https://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""


def write_groceries(folder: Path, out: Path, coarse: bool = False) -> Path:
    """Write both files; the path of the graph.

    Args:
        folder: the data set: classes.csv, train.txt, val.txt and the pictures.
        out: where the files go.
        coarse: whether a photo's label is its coarse class instead of its product.

    Raises:
        ValueError: the data set is not as its lists say.
        OSError: a file cannot be read or written.
    """
    products = read_products(folder)
    train, val = (read_photos(folder, part, len(products)) for part in PARTS)
    out.mkdir(parents=True, exist_ok=True)
    answers = (_label(photo, products, coarse) for photo in val)
    _write(out / ANSWERS, [_HEADER, *answers])
    photos = (_photo(photo, products, coarse) for photo in [*train, *val])
    _write(out / GRAPH, [_HEADER, *_classes(products), *map(_product, products), *photos])
    return out / GRAPH


def _photo(photo: Photo, products: list[Product], coarse: bool) -> str:
    """A photo with its picture and its part; with its label only in the training part."""
    facts = f'a gro:Photo ; schema:image {_text(photo.path)} ; gro:part "{photo.part}" .\n'
    label = _label(photo, products, coarse) if photo.part == PARTS[0] else ""
    return f"\n{_photo_iri(photo)} {facts}{label}"


def _label(photo: Photo, products: list[Product], coarse: bool) -> str:
    product = products[photo.product]
    thing = _iri("class", product.coarse) if coarse else _iri("product", product.name)
    return f"{_photo_iri(photo)} schema:about {thing} .\n"


def _product(product: Product) -> str:
    return (
        f"\n{_iri('product', product.name)} a skos:Concept ;\n"
        f"    skos:prefLabel {_text(product.name)}@en ;\n"
        f"    skos:definition {_text(product.description)}@en ;\n"
        f"    schema:image {_text(product.icon)} ;\n"
        f"    skos:broader {_iri('class', product.coarse)} .\n"
    )


def _classes(products: list[Product]) -> Iterator[str]:
    """The coarse classes below their groups, and the groups below the root."""
    yield _concept(_iri("group", "groceries"), "groceries", "")
    for group in sorted({product.group for product in products}):
        yield _concept(_iri("group", group), group, _iri("group", "groceries"))
    for coarse, group in sorted({(product.coarse, product.group) for product in products}):
        yield _concept(_iri("class", coarse), coarse, _iri("group", group))


def _concept(subject: str, label: str, broader: str) -> str:
    above = f" ; skos:broader {broader}" if broader else ""
    return f"\n{subject} a skos:Concept ; skos:prefLabel {_text(label)}@en{above} .\n"


def _photo_iri(photo: Photo) -> str:
    return f"<{GROCERIES}photo/{photo.part}-{photo.number:05d}>"


def _iri(kind: str, name: str) -> str:
    return f"<{GROCERIES}{kind}/{name.lower().replace(' ', '-')}>"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write(file: Path, parts: list[str]) -> None:
    """Beside and renamed, so that nobody ever reads half a file."""
    beside = file.with_name(f".{file.name}.part")
    beside.write_text("".join(parts), encoding="utf-8", newline="\n")
    beside.replace(file)
