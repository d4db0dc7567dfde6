"""The drawn map: the plain picture, the same under red, a ring at the peak, two lines of text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.drawing.heat import LINE, MARGIN, draw
from pipelines.prediction.heat_map import HeatMap
from pipelines.prediction.predictor import Place

SIZE = (300, 200)
TOP = MARGIN + 2 * LINE


def found(heat: torch.Tensor) -> HeatMap:
    picture = Image.new("RGB", SIZE, (100, 100, 100))
    return HeatMap(picture, heat, Place("a.png", 0, 0))


def drawn(heat: torch.Tensor, path: Path, title: str = "A title") -> np.ndarray:
    draw(found(heat), title, "below it", path)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        return np.asarray(sheet.convert("RGB")).astype(int)


def test_red_stands_where_the_heat_is_and_nowhere_else(tmp_path: Path) -> None:
    heat = torch.zeros(200, 300)
    heat[150:, 200:] = 1.0
    heat[:50, :50] = -5.0  # what speaks against the class is not drawn
    pixels = drawn(heat, tmp_path / "a.png")
    left = 2 * MARGIN + SIZE[0]
    assert (pixels[TOP : TOP + 200, MARGIN : MARGIN + 300] == 100).all()
    over = pixels[TOP : TOP + 200, left : left + 300]
    assert (over[:140, :180] == 100).all()
    assert (over[170:, 220:, 0] > 180).all()
    assert (over[170:, 220:, 2] < 80).all()
    assert pixels[:TOP].min() < 100  # the text


def test_what_all_places_share_is_not_drawn(tmp_path: Path) -> None:
    heat = torch.full((200, 300), 4.0)
    heat[:40, :40] = 5.0
    over = drawn(heat, tmp_path / "a.png")[TOP : TOP + 200, 2 * MARGIN + SIZE[0] :]
    assert (over[60:200, 60:300] == 100).all()
    assert (over[20:40, 20:40, 0] > 180).all()


def test_a_ring_marks_the_peak(tmp_path: Path) -> None:
    heat = torch.full((200, 300), 0.5)
    heat[120, 77] = 1.0
    assert found(heat).peak == (77, 120)
    over = drawn(heat, tmp_path / "a.png")[TOP : TOP + 200, 2 * MARGIN + SIZE[0] :]
    white = np.argwhere((over[:, :300] == 255).all(2))
    assert white.mean(0) == pytest.approx([120, 77], abs=1)


def test_a_map_without_any_heat_is_the_plain_picture_with_a_ring(tmp_path: Path) -> None:
    pixels = drawn(torch.full((200, 300), -1.0), tmp_path / "a.png")
    assert (pixels[TOP + 30 : TOP + 200, 2 * MARGIN + SIZE[0] + 30 : 2 * MARGIN + 600] == 100).all()


def test_a_long_title_is_cut_to_its_line(tmp_path: Path) -> None:
    pixels = drawn(torch.zeros(200, 300), tmp_path / "a.png", "long " * 100)
    assert (pixels[:TOP, -MARGIN + 1 :] == 255).all()


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a file name that ends in \.png for the map"):
        draw(found(torch.zeros(200, 300)), "", "", tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
