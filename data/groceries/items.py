"""The Grocery Store data set as it lies in its folder: products, photos and who is what. Knows no RDF.

Source: Klasson, Zhang and Kjellstroem, "A Hierarchical Grocery Store Image Dataset with Visual and Semantic
Labels", WACV 2019, https://github.com/marcusklasson/GroceryStoreDataset (MIT).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

PARTS = ("train", "val")
_COLUMNS = (
    "Class Name (str)", "Class ID (int)", "Coarse Class Name (str)", "Coarse Class ID (int)",
    "Iconic Image Path (str)", "Product Description Path (str)",
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """A fine class: what a photo shows, with its icon and its description."""

    name: str
    coarse: str
    group: str
    """Fruit, Packages or Vegetables: the folder that the icon lies in."""
    icon: str
    """Path below the data set's folder."""
    description: str


@dataclass(frozen=True)
class Photo:
    """One photo; `part` is train or val, `number` counts within it from 1."""

    part: str
    number: int
    path: str
    product: int


def read_products(folder: Path) -> list[Product]:
    """The products of `classes.csv`, each at the place of its id.

    Raises:
        ValueError: a column, an icon or a description is missing, or the ids are not 0, 1, 2 ...
        OSError: the table cannot be read.
    """
    with (folder / "classes.csv").open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        header = reader.fieldnames or []
        missing = [column for column in _COLUMNS if column not in header]
        if missing:
            raise ValueError(f"expected the column {missing[0]!r} in classes.csv (got {', '.join(header)})")
        rows = [tuple(row[column].strip() for column in _COLUMNS) for row in reader]
    rows.sort(key=lambda row: int(row[1]))
    if [int(row[1]) for row in rows] != list(range(len(rows))) or not rows:
        raise ValueError("expected the class ids 0, 1, 2 ... in classes.csv (got others, or none)")
    return [_product(folder, row) for row in rows]


def read_photos(folder: Path, part: str, products: int) -> list[Photo]:
    """The photos that `train.txt` or `val.txt` lists, in its order.

    Raises:
        ValueError: a row is not a path and two ids, a photo is missing, or a product is unknown.
        OSError: the list cannot be read.
    """
    photos = []
    rows = (folder / f"{part}.txt").read_text(encoding="utf-8").splitlines()
    for number, row in enumerate((row for row in rows if row.strip()), start=1):
        path, *ids = (field.strip() for field in row.split(","))
        if len(ids) != 2 or not ids[0].isdecimal() or int(ids[0]) >= products:
            raise ValueError(f"{part}.txt: expected a path, a product's id, a class id (got {row!r})")
        photos.append(Photo(part, number, _there(folder, path), int(ids[0])))
    return photos


def _product(folder: Path, row: tuple[str, ...]) -> Product:
    name, _, coarse, _, icon, description = row
    icon, description = (_there(folder, path.lstrip("/")) for path in (icon, description))
    text = " ".join((folder / description).read_text(encoding="utf-8", errors="replace").split())
    return Product(_plain(name), _plain(coarse), icon.split("/")[1], icon, text)


def _there(folder: Path, path: str) -> str:
    """The path, if a file is there."""
    if not (folder / path).is_file():
        raise ValueError(f"expected a file {path} in {folder.name} (got none)")
    return path


def _plain(name: str) -> str:
    """`Granny-Smith` as people write it."""
    return name.replace("-", " ")
