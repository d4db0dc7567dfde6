"""Groceries: which of 81 products a photo shows, by the graph of photos, icons, descriptions and classes.

python -m benchmarks.groceries --data FOLDER [--quick]

The folder is the Grocery Store Dataset (Klasson et al., WACV 2019; MIT). Training sees the labels of the
train photos; those of its validation part are judged, once for each seed, fine (81 products) and coarse (43
classes). The rival is a linear probe on the same image features, its strength chosen by cross-validation on
the train photos. Neighbouring photos are near twins, so such a choice is easy going for both sides; nothing
is chosen on the judged photos. Each of our rows is the same build with one thing changed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measure import Row, parser, report
from data.groceries.recipe import ANSWERS, write_groceries
from kg.graph import KnowledgeGraph
from kg.rdf import read
from kg.vocabulary import DEFAULT
from pipelines.building.build import cache_folder
from pipelines.labels.learn import Lesson, learn, prepare, probabilities
from pipelines.senses.encoding import Encoded, MediaAccess, encode_observations
from pipelines.senses.joint import Observations
from pipelines.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]

TARGET = "https://schema.org/about"
BROADER = "http://www.w3.org/2004/02/skos/core#broader"
FINE, COARSE = 0.08, 0.06
SEEDS = 3
SETTINGS = Settings(encoder={"image": "efficientnet-lite0-stages"}, test_share=0.0)


@dataclass(frozen=True)
class Shop:
    """The graph, its features, and the photos that are judged.

    Shapes: ``photos (m,)`` entities, ``products (m,)`` what each shows; `above` maps an entity to the class
    above it.
    """

    graph: KnowledgeGraph
    encoded: Encoded
    photos: Ids
    products: Ids
    above: dict[int, int]

    def scores(self, lesson: Lesson, probability: Floats) -> tuple[float, float]:
        """Fine and coarse accuracy of the judged photos."""
        chosen = lesson.target.class_entities[probability.argmax(1)]
        fine = chosen == self.products
        pairs = zip(chosen.tolist(), self.products.tolist(), strict=True)
        coarse = [self.above[one] == self.above[other] for one, other in pairs]
        return float(fine.mean()), float(np.mean(coarse))


def open_shop(folder: Path) -> Shop:
    """Turn the folder into RDF, read it, and encode what it shows.

    Raises:
        SystemExit: there is no such folder.
    """
    if not folder.is_dir():
        raise SystemExit(f"expected the Grocery Store Dataset in {folder} (no such folder)")
    with tempfile.TemporaryDirectory() as out:
        graph, _ = read([write_groceries(folder, Path(out))])
        held, _ = read([Path(out) / ANSWERS])
    media = MediaAccess(folder, cache_folder())
    encoded = encode_observations(graph, DEFAULT, SETTINGS, media, progress=lambda stage, done, total: None)
    rows = held.triples[held.triples[:, 1] == held.relation_id(TARGET)]
    photos, products = (graph.entity_ids(held.entities.take(rows[:, at]).to_pylist()) for at in (0, 2))
    links = graph.triples[graph.triples[:, 1] == graph.relation_id(BROADER)]
    above = dict(zip(links[:, 0].tolist(), links[:, 2].tolist(), strict=True))
    return Shop(graph, encoded, photos, products, above)


def only(observations: Observations, *senses: str) -> Observations:
    """Some of the senses."""
    return replace(
        observations,
        features={name: observations.features[name] for name in senses},
        owners={name: observations.owners[name] for name in senses},
    )


def ours(
    shop: Shop, settings: Settings, *, facts: bool = True, senses: Sequence[str] = ("text", "image")
) -> tuple[Lesson, Floats]:
    """One training, and the probabilities of the judged photos."""
    observations = only(shop.encoded.observations, *senses)
    lesson = prepare(shop.graph, observations, shop.encoded.table, TARGET, settings, facts=facts)
    learned = learn(lesson, settings, lambda stage, done, total: None)
    return lesson, probabilities(learned.labeller, lesson.joint, shop.photos)


def probe(shop: Shop, lesson: Lesson, seed: int) -> Floats:
    """The linear probe: logistic regression on the image features, with C by five-fold cross-validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    observations = shop.encoded.observations
    rows = np.zeros((shop.graph.num_entities, observations.features["image"].shape[1]))
    rows[observations.owners["image"].numpy()] = observations.features["image"].numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [3.0, 10.0, 30.0, 100.0]}, cv=folds)
    search.fit(rows[lesson.target.entities], lesson.target.classes)
    found: Floats = search.predict_proba(rows[shop.photos])
    return found


def main() -> int:
    """Parse, measure, report."""
    flags = data_parser("Which product a photo shows.").parse_args()
    shop = open_shop(flags.data)
    kinds: dict[str, dict[str, Any]] = {
        "attention, graph": {},
        "attention, no facts": {"facts": False},
        "image alone": {"facts": False, "senses": ("image",)},
        "concat": {"fusion": "concat"},
        "autoencoder": {"fusion": "autoencoder"},
    }
    found: dict[str, list[tuple[float, float]]] = {}
    together: list[Floats] = []
    for seed in range(1 if flags.quick else SEEDS):
        for name, changed in kinds.items():
            rest = dict(changed)
            settings = replace(SETTINGS, seed=seed, fusion=rest.pop("fusion", "attention"))
            start = time.perf_counter()
            lesson, probability = ours(shop, settings, **rest)
            found.setdefault(name, []).append(shop.scores(lesson, probability))
            spent = time.perf_counter() - start
            print(f"{name}, seed {seed}: {found[name][-1]} in {spent:.0f} s", file=sys.stderr)
            if name == "attention, graph":
                together.append(probability)
    if not flags.quick:
        found["ensemble of attention, graph"] = [shop.scores(lesson, np.mean(together, axis=0))]
    found["linear probe"] = [shop.scores(lesson, probe(shop, lesson, seed=0))]
    rows = []
    for place, (grade, gain) in enumerate((("fine", FINE), ("coarse", COARSE))):
        sides = ("attention, graph", "linear probe")
        score, rival = (statistics.mean(pair[place] for pair in found[name]) for name in sides)
        rows.append(
            Row(
                f"groceries, {grade} label of a photo, against a linear probe on the same features",
                "accuracy",
                score,
                rival,
                score - rival,
                f"ours - rival >= {gain:g}",
                score - rival >= gain,
            )
        )
    details = {
        name: {
            grade: {"mean": statistics.mean(values), "by seed": values}
            for grade, values in zip(("fine", "coarse"), zip(*pairs, strict=True), strict=True)
        }
        for name, pairs in found.items()
    }
    return report("groceries", rows, quick=flags.quick, details=details)


def data_parser(description: str) -> argparse.ArgumentParser:
    """The flags of a benchmark over this set."""
    out = parser(description)
    out.add_argument("--data", type=Path, required=True, help="folder of the Grocery Store Dataset")
    return out


if __name__ == "__main__":
    sys.exit(main())
