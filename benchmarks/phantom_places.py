"""Is the lesion found? The heat map's peak against the lesion's circle, on studies that training never saw.

python -m benchmarks.phantom_places [--quick]

A phantom is drawn for each seed (see data/medicine), encoded, and its finding learned, the seed also deciding
the split. Then each study of the test part is mapped for what the model predicts of it, right or wrong. The
places are in a table of their own that no model reads. Rivals: the middle of the picture, where lesions are
more often than at its edge, and the most active place of the network's cells, which knows of no class.
"""

from __future__ import annotations

import csv
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import Row, at_least, parser, report
from data.medicine.phantom import GRAPH, PLACES, write_phantom
from data.medicine.phantom import Settings as Phantom
from data.medicine.phantom_image import SIDE
from data.medicine.turtle import MEDICINE
from encoders import make_encoder
from encoders.base import RegionEncoder
from fusion.regions import enlarged, smoothed
from kg.graph import KnowledgeGraph
from kg.rdf import read
from kg.vocabulary import DEFAULT
from pipelines.building.build import cache_folder
from pipelines.labels.learn import Learned, learn, prepare, probabilities
from pipelines.prediction.heat_map import HeatMapper
from pipelines.senses.encoding import MediaAccess, encode_observations
from pipelines.settings import Settings
from pipelines.training.deviation import deviation, deviation_said

Found = dict[str, float]
SEEDS = (11, 12, 13)
"""Phantoms that no choice was made on."""
TARGET = 0.9
FUSIONS = ("attention", "concat")
RIVALS = {"middle": "the picture's middle", "active": "the network's most active place"}


@dataclass(frozen=True)
class Circle:
    """Where a lesion is, in pixels."""

    x: float
    y: float
    radius: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place lies inside."""
        return math.hypot(x - self.x, y - self.y) <= self.radius


def read_circles(path: Path) -> dict[str, Circle]:
    """The lesion of each study."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["study"]: Circle(*(float(row[key]) for key in ("x", "y", "radius")))
            for row in csv.DictReader(file)
        }


def places_found(folder: Path, studies: int, seed: int, fusions: Sequence[str]) -> dict[str, Found]:
    """By fusion, the share of the test part whose lesion holds the peak, and that of each rival."""
    write_phantom(folder, Phantom(studies=studies, seed=seed))
    graph, _ = read([folder / GRAPH])
    media, settings = MediaAccess(folder, cache_folder()), Settings(seed=seed)
    encoded = encode_observations(graph, DEFAULT, settings, media, progress=_silent)
    circles = read_circles(folder / PLACES)
    out = {}
    for fusion in fusions:
        chosen = replace(settings, fusion=fusion)
        lesson = prepare(graph, encoded.observations, encoded.table, f"{MEDICINE}finding", chosen)
        out[fusion] = judged(graph, learn(lesson, chosen, _silent), media, circles)
    return out


def judged(graph: KnowledgeGraph, learned: Learned, media: MediaAccess, circles: dict[str, Circle]) -> Found:
    """Map each study of the test part."""
    lesson, model = learned.lesson, learned.labeller.model
    encoder = make_encoder("image")
    assert isinstance(encoder, RegionEncoder)
    with torch.no_grad():
        memory = model.remember(lesson.joint)
    mapper = HeatMapper(model, memory, graph, encoder, media)
    entities = lesson.target.entities[lesson.split.test]
    likeliest = probabilities(learned.labeller, lesson.joint, entities).argmax(1)
    hits = []
    for entity, label in zip(entities.tolist(), likeliest.tolist(), strict=True):
        place = mapper.maps(entity, label)[0].place
        active = most_active(encoder, media.resolve(place.picture))
        circle = circles[graph.entities[entity].as_py()]
        hits.append([circle.holds(*at) for at in ((place.x, place.y), (SIDE / 2, SIDE / 2), active)])
    shares = dict(zip(("found", *RIVALS), np.mean(hits, axis=0).tolist(), strict=True))
    return {**shares, "accuracy": learned.scores["accuracy"], "studies": len(hits)}


def most_active(encoder: RegionEncoder, picture: Path) -> tuple[float, float]:
    """The peak of the cells' lengths, smoothed and enlarged as a map is: what stands out, whatever it is."""
    cells = encoder.regions([encoder.load(picture)])
    heat = enlarged(smoothed(cells.norm(dim=3)), SIDE)[0]
    row, column = divmod(int(heat.argmax()), SIDE)
    return column + 0.5, row + 0.5


def compare(
    seeds: Sequence[int], studies: int, fusions: Sequence[str] = FUSIONS
) -> tuple[list[Row], dict[str, Any]]:
    """A phantom for each seed, by each fusion."""
    runs = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            runs[seed] = places_found(Path(folder), studies, seed, fusions)
    rows = []
    for fusion in fusions:
        shares = [run[fusion]["found"] for run in runs.values()]
        mean, what = statistics.fmean(shares), f"lesions of the synthetic phantom found, {fusion}"
        spread = f"mean of {len(shares)} seeds, {deviation_said(deviation(shares))}"
        rows.append(at_least(f"{what} ({spread})", mean, TARGET, unit=""))
        for rival, name in RIVALS.items():
            other = statistics.fmean(run[fusion][rival] for run in runs.values())
            rows.append(
                Row(
                    f"{what}, against {name}", "", mean, other, mean / other, "ours / rival > 1", mean > other
                )
            )
    return rows, {str(seed): run for seed, run in runs.items()}


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody of the progress."""


def main() -> int:
    """Parse, map, report."""
    asked = parser("The place of the phantom's lesions by the heat map.").parse_args()
    rows, details = compare(*((SEEDS[:1], 200) if asked.quick else (SEEDS, 600)))
    return report("phantom_places", rows, quick=asked.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
