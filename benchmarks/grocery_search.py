"""Groceries: the right product found from a photo, also where no photo of the product was ever seen.

python -m benchmarks.grocery_search --data FOLDER [--quick]

The folder is the Grocery Store Dataset, as in benchmarks.groceries. Of each seed 20 of the products that the
validation photos show have no photo in the store: icon, description and class are all that it knows of them.
The other 61 have their training photos, linked by schema:about. A store is built by `build` with its
defaults and asked by each validation photo (which it does not hold) for all 81 products by
`Searcher.search_batch`; also as if nothing were linked: no facts between photos, products and classes.
Nothing is chosen here. Ranks are among all 81 products, a product that has photos or not.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyoxigraph as ox

from benchmarks.groceries import BROADER, TARGET, data_parser
from benchmarks.measure import Row, report
from data.groceries.recipe import ANSWERS, GROCERIES, write_groceries
from kg.ranking import mean_reciprocal_rank, recall_at
from pipelines.building.build import build
from pipelines.search.question import Query
from pipelines.search.retrieval import Searcher
from pipelines.settings import Settings

HELD, SEEDS = 20, 3
PRODUCTS = "?x skos:definition ?words"
"""Only products have a description."""
KINDS = ("seen", "unseen")
GRAPH, BARE = "with the graph", "without the graph"
Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Photos:
    """The photos that are asked by: their files, and the products that they show."""

    files: Sequence[Path]
    products: Sequence[str]


def photos_of(folder: Path, out: Path) -> Photos:
    """The validation photos, by the recipe's own list of answers."""
    write_groceries(folder, out)
    shown = {str(one.subject): one.object.value for one in statements(out / "groceries.ttl", "image")}
    told = [(str(one.subject), one.object.value) for one in statements(out / ANSWERS, "about")]
    return Photos([folder / shown[photo] for photo, _ in told], [product for _, product in told])


def statements(file: Path, name: str) -> list[Any]:
    """The statements of one property of schema.org."""
    found = ox.parse(path=str(file))
    return [one for one in found if one.predicate.value == f"https://schema.org/{name}"]


def write_part(whole: Path, part: Path, *, held: set[str], linked: bool) -> None:
    """The graph without the validation photos and those of some products; without any link if not wanted."""
    links = {TARGET, BROADER}
    every = list(ox.parse(path=str(whole)))
    gone = {str(one.subject) for one in every if one.predicate.value == TARGET and one.object.value in held}
    gone |= {str(one.subject) for one in every if f"<{GROCERIES}photo/val-" in str(one.subject)}
    kept = [
        one for one in every if str(one.subject) not in gone and (linked or one.predicate.value not in links)
    ]
    ox.serialize(kept, str(part), format=ox.RdfFormat.N_TRIPLES)


def searched(photos: Photos, folder: Path, graph: Path, held: set[str], settings: Settings) -> Scores:
    """Ranks of the photos' products, of those that have photos and of those that have none."""
    with tempfile.TemporaryDirectory() as place:
        build(graph, Path(place) / "store", settings=settings, media_root=folder)
        searcher = Searcher.open(Path(place) / "store")
        found = searcher.search_batch([Query(image=file) for file in photos.files], where=PRODUCTS, k=81)
    order = [[hit.entity for hit in answer] for answer in found]
    ranks = np.array([one.index(true) + 1.0 for one, true in zip(order, photos.products, strict=True)])
    new = np.array([product in held for product in photos.products])
    parts = dict(zip(KINDS, (ranks[~new], ranks[new]), strict=True))
    return {
        kind: {"MRR": mean_reciprocal_rank(part), **{f"R@{k}": recall_at(part, k) for k in (1, 5)}}
        for kind, part in parts.items()
    }


def main() -> int:
    """Parse, measure, report."""
    flags = data_parser("The right product, found from a photo.").parse_args()
    if not flags.data.is_dir():
        raise SystemExit(f"expected the Grocery Store Dataset in {flags.data} (no such folder)")
    found: dict[str, list[Scores]] = {GRAPH: [], BARE: []}
    settings = Settings(log=("none",), epochs=2) if flags.quick else Settings(log=("none",))
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        photos = photos_of(flags.data, out)
        shown = sorted(set(photos.products))
        for seed in range(1 if flags.quick else SEEDS):
            held = {shown[one] for one in np.random.default_rng(seed).permutation(len(shown))[:HELD]}
            for name in found:
                part = out / f"{name.split()[0]}-{seed}.nt"
                write_part(out / "groceries.ttl", part, held=held, linked=name == GRAPH)
                scores = searched(photos, flags.data, part, held, replace(settings, seed=seed))
                found[name].append(scores)
                print(f"{name}, seed {seed}: {scores}", file=sys.stderr, flush=True)
    return report("grocery_search", claims(found), quick=flags.quick, details=details(found))


def claims(found: dict[str, list[Scores]]) -> list[Row]:
    """The graph's gain, for products with photos and without any."""
    rows = []
    for kind, said in zip(KINDS, ("with training photos", "without any photo"), strict=True):
        ours, rival = (statistics.mean(one[kind]["MRR"] for one in found[name]) for name in (GRAPH, BARE))
        title = f"groceries, MRR of the product of a photo, products {said}: with the graph, against without"
        rows.append(Row(title, "", ours, rival, ours - rival, "ours - rival > 0", ours > rival))
    return rows


def details(found: dict[str, list[Scores]]) -> dict[str, Any]:
    """Mean and values by seed."""
    return {
        name: {
            kind: {
                score: {
                    "mean": statistics.mean(one[kind][score] for one in seeds),
                    "by seed": [one[kind][score] for one in seeds],
                }
                for score in seeds[0][kind]
            }
            for kind in KINDS
        }
        for name, seeds in found.items()
    }


if __name__ == "__main__":
    sys.exit(main())
