"""A map's peak lies where the evidence was drawn, in pixels of the picture; what has no map says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from encoders.base import MediaError
from encoders.picture import PictureReader
from fusion.base import Sense, View
from kg.rdf import read
from pipelines.predict import main
from pipelines.prediction import heat_map
from pipelines.prediction.heat_map import SIDE, HeatMapper
from pipelines.prediction.predictor import PredictionError, Predictor
from pipelines.senses.encoding import MediaAccess
from pipelines.store.store import Store

RED, BLUE = 0, 1
ABOUT = "https://schema.org/about"
THINGS = """@prefix schema: <https://schema.org/> .
@prefix ex: <https://example.org/> .
ex:wide schema:image "wide.png" . ex:two schema:image "plain.png", "wide.png" . ex:bare schema:name "Bare" .
ex:half schema:image "wide.png", "gone.png" . ex:lost schema:image "gone.png" .
"""


class Colours:
    """An encoder whose cells are the mean colours of an 8 x 8 grid."""

    modality, name, dim = "image", "colours@1", 3

    def load(self, reference: str | Path) -> Tensor:
        return torch.from_numpy(np.asarray(PictureReader(64).read(reference)).copy()).float() / 255

    def regions(self, items: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(items)).view(-1, 8, 8, 8, 8, 3).mean((2, 4))

    def encode(self, items: Sequence[Tensor]) -> Tensor:
        return torch.nn.functional.normalize(self.regions(items).mean((1, 2)), dim=1)


@pytest.fixture
def mapper(tmp_path: Path) -> HeatMapper:
    """Class 0 is told by red, class 1 by blue; one picture has both, the other neither."""
    Image.new("RGB", (200, 100), "grey").save(tmp_path / "plain.png")
    wide = Image.new("RGB", (400, 200), "grey")
    wide.paste("red", (250, 50, 350, 150))
    wide.paste("blue", (0, 50, 100, 150))
    wide.save(tmp_path / "wide.png")
    (tmp_path / "things.ttl").write_text(THINGS, encoding="utf-8")
    graph, _ = read([tmp_path / "things.ttl"])
    model: Any = SimpleNamespace(
        fusion=SimpleNamespace(reduced=lambda name, features: features),
        view=lambda senses, affinity, rows: View({"image": Sense(torch.zeros(1, 3), torch.ones(1).bool())}),
        counted=lambda rows: torch.zeros(len(rows), 2),
        logits=lambda view, memory, known: view.senses["image"].vectors[:, [0, 2]],
    )
    memory: Any = SimpleNamespace(senses={}, affinity=None)
    return HeatMapper(model, memory, graph, Colours(), MediaAccess(tmp_path, tmp_path / "cache"))


def thing(mapper: HeatMapper, name: str) -> int:
    return mapper.graph.entity_id(f"https://example.org/{name}")


@pytest.mark.parametrize(("label", "x", "y"), [(RED, 300, 100), (BLUE, 50, 100)])
def test_the_peak_lies_where_the_class_was_drawn(mapper: HeatMapper, label: int, x: int, y: int) -> None:
    (found,) = mapper.maps(thing(mapper, "wide"), label)
    assert found.place.picture == "wide.png"
    assert abs(found.place.x - x) <= 50  # half of a coloured square
    assert abs(found.place.y - y) <= 50
    assert found.picture.size == (SIDE, SIDE // 2)  # without the bars
    assert found.heat.shape == (SIDE // 2, SIDE)
    column, row = found.peak
    assert found.place.x == pytest.approx((column + 0.5) * 400 / SIDE)
    assert found.place.y == pytest.approx((row + 0.5) * 200 / (SIDE // 2))


def test_of_several_pictures_that_which_tells_most_comes_first(mapper: HeatMapper) -> None:
    found = mapper.maps(thing(mapper, "two"), RED)
    assert [one.place.picture for one in found] == ["wide.png", "plain.png"]
    assert found[0].heat.max() > found[1].heat.max()


def test_a_picture_that_is_gone_is_left_out_while_there_is_another(mapper: HeatMapper) -> None:
    assert [one.place.picture for one in mapper.maps(thing(mapper, "half"), RED)] == ["wide.png"]
    with pytest.raises(MediaError, match=r"gone\.png"):
        mapper.maps(thing(mapper, "lost"), RED)


def test_an_entity_without_a_picture_has_no_map(mapper: HeatMapper) -> None:
    sentence = r"expected an entity with a picture to map \(got https://example\.org/bare, which has none\)"
    with pytest.raises(PredictionError, match=sentence):
        mapper.maps(thing(mapper, "bare"), RED)


@pytest.fixture(scope="module")
def labelled(collection: Any, session_folder: Path, settings: Any) -> Path:
    """The shared collection built for a target, with fewer epochs."""
    from pipelines.building.build import build

    folder = session_folder / "labelled"
    chosen = replace(settings, target=(ABOUT,), epochs=2)
    build([collection.turtle], folder, settings=chosen, device="cpu")
    return folder


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(labelled: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command on the labelled store: its code, its output, its errors."""

    def run(*flags: object) -> tuple[int, str, str]:
        code = main(["--store", str(labelled), "--target", ABOUT, *map(str, flags)])
        return code, *capsys.readouterr()

    return run


def test_the_command_draws_the_map_and_tells_the_place(collection: Any, say: Say, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    wolf = ("--entity", collection.iri("wolf0"), "--media-root", collection.folder, "--map", out)
    code, told, _ = say(*wolf, "--json")
    assert code == 0
    (row,) = json.loads(told)
    assert row["picture"] == "media/wolf0.png"
    assert len(row["place"]) == 2
    assert all(0 <= at <= 96 for at in row["place"])  # the picture's side
    with Image.open(out) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 2 * SIDE
    code, told, _ = say("--entity", collection.iri("wolf0"), "--json")
    assert "place" not in json.loads(told)[0]


def test_a_map_that_cannot_be_says_why_in_one_sentence(collection: Any, say: Say, tmp_path: Path) -> None:
    one, media = ("--entity", collection.iri("wolf0")), ("--media-root", collection.folder)
    out = ("--map", tmp_path / "why.png")
    for flags, sentence in (
        ((*out, *media), "expected one --entity with --map (got 0)"),
        ((*out, *media, *one, *one), "expected one --entity with --map (got 2)"),
        ((*out, *media, *one, "--suggest", 3), "expected one --entity with --map (got --suggest)"),
        ((*out, *one), "expected --media-root with --map"),
        (("--map", "why.jpg", *media, *one), "expected a file name that ends in .png for the map"),
        ((*out, *media, "--entity", collection.iri("apple")), "expected an entity with a picture to map"),
        ((*out, "--media-root", tmp_path, *one), "expected a file in"),
        ((*out, *media, "--entity", "https://example.org/none"), "https://example.org/none"),
    ):
        code, told, error = say(*flags)
        assert (code, told) == (1, ""), sentence
        assert sentence in error
        assert error.count("\n") == 1
    assert not (tmp_path / "why.png").exists()


def test_an_encoder_without_regions_or_of_another_name_is_refused(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.open(Store.open(labelled), ABOUT)
    media = MediaAccess(tmp_path, tmp_path / "cache")
    blind = SimpleNamespace(modality="image", name="efficientnet-lite0@2", dim=1280)
    monkeypatch.setattr(heat_map, "make_encoder", lambda *rest: blind)
    blind.load = blind.encode = None
    with pytest.raises(PredictionError, match="expected an image encoder that tells regions apart"):
        HeatMapper.of(predictor, media)
    blind.name = "another@1"
    with pytest.raises(PredictionError, match=r"efficientnet-lite0@2 that the store .* \(got another@1\)"):
        HeatMapper.of(predictor, media)
    del predictor.store.manifest["encoders"]["image"]
    with pytest.raises(PredictionError, match=r"expected a store with pictures \(got .*, which has none\)"):
        HeatMapper.of(predictor, media)
