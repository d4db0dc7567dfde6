"""Thumbnails are small pictures, sounds are themselves, and what is too large or unreadable says so."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from encoders.base import MediaError
from pipelines.search.data_uri import MOST_SOUND, SIDE, sound, thumbnail

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">
<rect width="40" height="20" fill="red"/></svg>"""


def decoded(uri: str, kind: str) -> bytes:
    head, _, content = uri.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(content)


def test_a_thumbnail_keeps_the_shape_and_what_it_shows(tmp_path: Path) -> None:
    Image.new("RGB", (900, 300), "blue").save(tmp_path / "wide.png")
    picture = Image.open(io.BytesIO(decoded(thumbnail(tmp_path / "wide.png"), "image/webp")))
    assert picture.size == (SIDE, round(SIDE / 3))
    red, _, blue = picture.convert("RGB").getpixel((100, 30))  # type: ignore[misc]
    assert blue > 240
    assert red < 15


def test_a_drawing_has_a_thumbnail_too(tmp_path: Path) -> None:
    (tmp_path / "drawn.svg").write_text(SVG)
    picture = Image.open(io.BytesIO(decoded(thumbnail(tmp_path / "drawn.svg"), "image/webp")))
    assert picture.size == (SIDE, SIDE // 2)


def test_what_is_clear_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    picture = Image.open(io.BytesIO(decoded(thumbnail(tmp_path / "clear.png"), "image/webp")))
    assert min(picture.convert("RGB").getpixel((9, 9))) > 250  # type: ignore[arg-type, type-var]


def test_a_sound_is_itself(play: Callable[..., Path], tmp_path: Path) -> None:
    path = play(tmp_path / "tone.wav", 440)
    assert decoded(sound(path), "audio/wav") == path.read_bytes()


def test_what_cannot_stand_in_a_page_says_why(tmp_path: Path) -> None:
    (tmp_path / "large.ogg").write_bytes(b"OggS" + bytes(MOST_SOUND))
    (tmp_path / "odd.ogg").write_bytes(b"<html>")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(MediaError, match=r"large.ogg: 0.3 MB, too large to stand in this page"):
        sound(tmp_path / "large.ogg")
    with pytest.raises(MediaError, match="a kind of sound that browsers do not play"):
        sound(tmp_path / "odd.ogg")
    with pytest.raises(MediaError, match="no such file"):
        sound(tmp_path / "none.ogg")
    with pytest.raises(MediaError, match="expected a picture"):
        thumbnail(tmp_path / "broken.png")
