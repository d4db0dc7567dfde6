"""The phantom: synthetic studies with a known answer, as Turtle, pictures and a table of places.

Picture and report decide the lesion type only together; the numbers lean a little towards each. The place
of the lesion stands in `synthetic_places.csv` alone, never in the graph: it is there to judge heat maps.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.PngImagePlugin import PngInfo

from data.medicine import phantom_image, phantom_report
from data.medicine.phantom_types import PHANTOM, LesionType, counts, ontology
from data.medicine.recipe import FINDING, classes, study_node, write
from data.medicine.turtle import header, iri, literal, measurement_properties, node

GRAPH, PLACES, IMAGES = "synthetic_phantom.ttl", "synthetic_places.csv", "images"
WARNING = "Synthetic data: drawn and written by a program. No patient, no real disease, no medical meaning."
MISSING = 0.1
"""The share of each measurement that was not taken."""

_NUMBERS = {
    "age": (55.0, 16.0, {}),
    "temperature": (37.2, 0.5, {"fever": 0.6}),
    "saturation": (95.0, 1.5, {"cough": -1.5, "ring": 0.7}),
    "heartRate": (76.0, 9.0, {"pain": 8.0}),
    "marker": (20.0, 6.0, {"star": 7.0, "loss": 4.0}),
}
"""Mean and spread of each number, and what a shape or a sign adds: about one spread, which only hints."""


@dataclass(frozen=True)
class Settings:
    """How many studies, how many of each rare type, and the seed that decides everything else."""

    studies: int = 600
    rare: int = 8
    seed: int = 0


def write_phantom(out: Path, settings: Settings, say: Callable[[str], None] = lambda line: None) -> Path:
    """Draw and write all of it into a folder; the path of its Turtle file, which is written last.

    Raises:
        ValueError: too few studies for the rare types, or a negative seed.
        OSError: the folder cannot be written.
    """
    if settings.seed < 0:
        raise ValueError(f"expected a seed of 0 or more (got {settings.seed})")
    kinds = _order(settings)
    (out / IMAGES).mkdir(parents=True, exist_ok=True)
    say(f"phantom: drawing {len(kinds)} synthetic studies into {out}")
    nodes, places = list[str](), list[tuple[str, phantom_image.Place]]()
    for number, kind in enumerate(kinds):
        text, place = _study(out, number, kind, settings.seed)
        nodes.append(text)
        places.append((f"{PHANTOM}study/{number:05d}", place))
    write(out / PLACES, _places(places))
    graph = [header(), f"# {WARNING}\n", _about(settings), classes(), measurement_properties(_NUMBERS)]
    write(out / GRAPH, "".join([*graph, *nodes, *ontology()]))
    return out / GRAPH


def _order(settings: Settings) -> list[LesionType]:
    """The type of each study, shuffled."""
    kinds = [kind for kind, count in counts(settings.studies, settings.rare).items() for _ in range(count)]
    places = np.random.default_rng(settings.seed).permutation(len(kinds))
    return [kinds[place] for place in places]


def _study(out: Path, number: int, kind: LesionType, seed: int) -> tuple[str, phantom_image.Place]:
    """Draw one study; its node and its place. A study depends on the seed, its number and its type only."""
    random = np.random.default_rng([seed, number])
    picture, place = phantom_image.draw(kind.shape, random)
    name = f"{IMAGES}/synthetic_study_{number:05d}.png"
    note = PngInfo()
    note.add_text("Description", WARNING)
    picture.save(out / name, pnginfo=note)
    report = phantom_report.write(kind.sign, random)
    facts = [(FINDING, iri(kind.iri))]
    return study_node(iri(f"{PHANTOM}study/{number:05d}"), name, report, _numbers(kind, random), facts), place


def _numbers(kind: LesionType, random: np.random.Generator) -> dict[str, float]:
    """What was measured; each number depends on shape and sign by its mean, and may be missing."""
    numbers = {}
    for name, (mean, spread, shifts) in _NUMBERS.items():
        value = (
            mean + shifts.get(kind.shape, 0) + shifts.get(kind.sign, 0) + spread * random.standard_normal()
        )
        if random.random() >= MISSING:
            low, high = (18, 95) if name == "age" else (1, 100 if name == "saturation" else 200)
            numbers[name] = round(float(np.clip(value, low, high)), 0 if name == "age" else 1)
    return numbers


def _about(settings: Settings) -> str:
    """What the graph says of itself."""
    label = f"Synthetic phantom of {settings.studies} studies, seed {settings.seed}"
    facts = [("a", "owl:Ontology"), ("rdfs:label", literal(label, "en"))]
    return node(iri(PHANTOM), [*facts, ("dcterms:description", literal(WARNING, "en"))])


def _places(places: list[tuple[str, phantom_image.Place]]) -> str:
    """Centre and radius in pixels of the 256 x 256 picture, and the box around them."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["study", "x", "y", "radius", "left", "top", "right", "bottom"])
    for study, place in places:
        box = (place.x - place.radius, place.y - place.radius, place.x + place.radius, place.y + place.radius)
        rows.writerow([study, place.x, place.y, place.radius, *(round(edge, 1) for edge in box)])
    return text.getvalue()
