"""A small collection that every test of the whole line shares: made anew in a temporary folder, built once.

Thirty things about ten concepts, each with a caption and a drawn picture, some with a tone; one more that
has nothing but a picture.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher
    from pipelines.settings import Settings

EX = "https://example.org/c/"
HEAD = f"""@prefix ex: <{EX}> .
@prefix schema: <https://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""
# concept: its kind, colour, shape, frequency of its sound in Hz (0 for none), three captions
CONCEPTS = {
    "apple": ("fruit", "red", "circle", 0, ("A ripe apple", "An apple from the orchard", "A shiny apple")),
    "lemon": ("fruit", "yellow", "circle", 0, ("A sour lemon", "A lemon for the tea", "Half a lemon")),
    "train": ("vehicle", "black", "box", 220, ("A steam train", "A train at night", "An express train")),
    "boat": ("vehicle", "blue", "box", 0, ("A sailing boat", "A boat in harbour", "A fishing boat")),
    "tree": ("plant", "green", "triangle", 0, ("An old tree", "A tree on a hill", "A tree in autumn")),
    "tulip": ("plant", "magenta", "triangle", 0, ("A garden tulip", "A Dutch tulip", "A tulip in a vase")),
    "cat": ("animal", "orange", "ears", 880, ("A sleeping cat", "A cat on a sofa", "A hungry cat")),
    "wolf": ("animal", "grey", "ears", 440, ("A howling wolf", "A wolf in snow", "A lone wolf")),
    "violin": ("instrument", "brown", "ring", 1760, ("A violin", "A child's violin", "A rare violin")),
    "drum": ("instrument", "cyan", "ring", 110, ("A marching drum", "A drum with sticks", "A big drum")),
}
NEWCOMER = (
    HEAD
    + """
ex:tower a ex:Building ; schema:name "The old tower" ; schema:image "tower.png" ; ex:near ex:bridge .
ex:bridge a ex:Building ; schema:name "The stone bridge" ; schema:image "bridge.png" ; ex:over ex:river .
ex:river schema:name "The river" ; schema:description "Slow and brown, full of fish." .
ex:mill schema:name "The mill" ; ex:near ex:river .
ex:miller schema:name "The miller" ; ex:worksIn ex:mill .
"""
)


@dataclass(frozen=True)
class Collection:
    """The files of the collection; `items` are the IRIs of its things, three for each concept."""

    folder: Path
    turtle: Path
    items: tuple[str, ...]

    def iri(self, name: str) -> str:
        return EX + name

    def picture(self, name: str) -> Path:
        return self.folder / "media" / f"{name}.png"

    def sound(self, name: str) -> Path:
        return self.folder / "media" / f"{name}.wav"


def draw_shape(path: Path, shape: str, colour: str, variant: int = 0) -> Path:
    """Draw one shape on white; variants differ in place and size."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 96), "white")
    pen = ImageDraw.Draw(image)
    left, top, side = 8 + 6 * variant, 14 - 3 * variant, 60 + 4 * variant
    right, bottom = left + side, top + side
    middle = left + side // 2
    if shape == "circle":
        pen.ellipse((left, top, right, bottom), fill=colour)
    elif shape == "ring":
        pen.ellipse((left, top, right, bottom), outline=colour, width=12)
    elif shape == "box":
        pen.rectangle((left, top + side // 3, right, bottom), fill=colour)
    elif shape == "triangle":
        pen.polygon([(left, bottom), (right, bottom), (middle, top)], fill=colour)
    else:
        pen.ellipse((left, top + side // 4, right, bottom), fill=colour)
        for place in (left, middle):
            foot, half = top + side // 2, side // 2
            pen.polygon([(place, foot), (place + half, foot), (place + half // 2, top)], fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def write_tone(path: Path, hertz: int, variant: int = 0) -> Path:
    """Write a second of a tone with overtones and a beat; variants differ in pitch and beat."""
    seconds = np.arange(8000) / 8000
    tone = sum(np.sin(2 * np.pi * hertz * (1 + 0.02 * variant) * n * seconds) / n for n in (1, 2, 3))
    beat = 0.6 + 0.4 * np.sin(2 * np.pi * (2 + variant) * seconds)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8000 * tone * beat).astype("<i2").tobytes())
    return path


def write_collection(folder: Path) -> Collection:
    """Write the Turtle file and all its media."""
    lines, items = [HEAD], []
    for kind in sorted({row[0] for row in CONCEPTS.values()}):
        lines.append(f'ex:{kind} a skos:Concept ; skos:prefLabel "{kind}"@en .')
    for concept, (kind, colour, shape, hertz, captions) in CONCEPTS.items():
        name = f'skos:prefLabel "{concept}"@en'
        lines.append(f"ex:{concept} a skos:Concept ; {name} ; skos:broader ex:{kind} .")
        for number, caption in enumerate(captions):
            name = f"{concept}{number}"
            draw_shape(folder / "media" / f"{name}.png", shape, colour, number)
            fact = f'ex:{name} a ex:Card ; schema:about ex:{concept} ; schema:name "{caption}"@en ; '
            fact += f'schema:image "media/{name}.png"'
            if hertz:
                write_tone(folder / "media" / f"{name}.wav", hertz, number)
                fact += f' ; schema:audio "media/{name}.wav"'
            lines.append(fact + " .")
            items.append(EX + name)
    draw_shape(folder / "media" / "bare.png", "circle", "red", 3)
    lines.append('ex:bare schema:image "media/bare.png" .')
    turtle = folder / "collection.ttl"
    turtle.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Collection(folder, turtle, tuple(items))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes runs only where it is asked for."""
    if "long" not in config.getoption("-m"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: pytest -m long"))


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the whole run; encoded features are cached in it, not in the user's cache."""
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSEGRAPH_CACHE", str(folder / "cache"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield folder


@pytest.fixture(scope="session")
def collection(session_folder: Path) -> Collection:
    return write_collection(session_folder / "collection")


@pytest.fixture(scope="session")
def draw() -> Callable[..., Path]:
    """Tests are imported each by itself, so what they share comes as a fixture."""
    return draw_shape


@pytest.fixture(scope="session")
def play() -> Callable[..., Path]:
    return write_tone


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Small, and with a test part that is large enough to be measured."""
    from pipelines.settings import Settings

    return Settings(epochs=6, width=32, structure_width=16, test_share=0.4)


@pytest.fixture(scope="session")
def store_folder(collection: Collection, session_folder: Path, settings: Settings) -> Path:
    """The collection's store, built once; tests only read it."""
    from pipelines.build_kg import build

    folder = session_folder / "store"
    build([collection.turtle], folder, settings=settings, device="cpu")
    return folder


@pytest.fixture(scope="session")
def labelled(collection: Collection, session_folder: Path, settings: Settings) -> Path:
    """A store that predicts what a card is about; two cards do not say."""
    from pipelines.building.build import build

    more = (
        '\nex:apple9 a ex:Card ; schema:name "An apple that nobody filed"@en ;'
        ' schema:image "media/apple0.png" .'
        '\nex:wolf9 a ex:Card ; schema:name "A wolf at the door"@en .\n'
    )
    turtle = collection.folder / "unfiled.ttl"
    turtle.write_text(collection.turtle.read_text(encoding="utf-8") + more, encoding="utf-8")
    chosen = replace(settings, target=("https://schema.org/about",), test_share=0.3, label_width=64)
    folder = session_folder / "labelled_cards"
    build([turtle], folder, settings=chosen, device="cpu")
    return folder


@pytest.fixture(scope="session")
def searcher(store_folder: Path) -> Searcher:
    from pipelines.search.retrieval import Searcher

    return Searcher.open(store_folder)


@pytest.fixture
def newcomer(tmp_path: Path, session_folder: Path) -> Path:
    """A newcomer's own file: five entities, two pictures."""
    draw_shape(tmp_path / "tower.png", "box", "grey")
    draw_shape(tmp_path / "bridge.png", "triangle", "brown")
    turtle = tmp_path / "my.ttl"
    turtle.write_text(NEWCOMER, encoding="utf-8")
    return turtle
