"""Files that strangers give to the page: told apart by what is in them, refused in one sentence."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from pipelines.page.media import MOST_FILES, Shelf
from pipelines.service.problems import ProblemError
from pipelines.service.uploads import MOST_OCTETS


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few octets that unpacks to half a gigabyte."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        mark = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + mark

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(5_000_000))
    return content.getvalue()


def test_a_picture_and_a_sound_are_told_apart_whatever_they_are_called(collection: Any) -> None:
    shelf = Shelf()
    picture = shelf.take("song.mp3", collection.picture("cat0").read_bytes())
    sound = shelf.take("cat.png", collection.sound("cat0").read_bytes())
    assert shelf.files[picture].modality == "image"
    assert shelf.files[picture].shown.startswith("data:image/webp;base64,")
    assert shelf.files[sound].modality == "audio"
    assert shelf.files[sound].shown.startswith("data:audio/wav;base64,")
    chosen = shelf.chosen(picture, sound)
    assert chosen["image"].read_bytes() == collection.picture("cat0").read_bytes()
    assert set(chosen) == {"image", "audio"}
    assert shelf.chosen(None, None) == {}
    for numbers in ((sound, None), (99, None), (None, picture)):
        with pytest.raises(ProblemError, match="again"):
            shelf.chosen(*numbers)
    folder = Path(shelf.folder.name)
    shelf.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bomb.png", bomb(), "million"),
        ("zip.png", archive(), "got zip.png"),
        ("words.txt", b"a" * 10_000_000, "got words.txt"),
        ("nothing.png", b"", "got nothing.png"),
        ("half.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "got half.png"),
        ("script.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "got script.svg"),
        ("large.png", bytes(MOST_OCTETS + 1), "20 MB"),
    ],
)
def test_what_is_neither_is_refused_in_one_sentence_and_not_kept(
    name: str, content: bytes, words: str
) -> None:
    shelf = Shelf()
    with pytest.raises(ProblemError, match="expected a") as told:
        shelf.take(name, content)
    assert words in told.value.detail
    assert "\n" not in told.value.detail
    assert shelf.folder.name not in told.value.detail
    assert not shelf.files
    shelf.close()


def test_a_cut_picture_is_refused_and_no_decoder_is_left_running(collection: Any) -> None:
    shelf, whole = Shelf(), collection.picture("cat0").read_bytes()
    with pytest.raises(ProblemError, match="expected a picture that can be read"):
        shelf.take("cut.png", whole[: len(whole) // 2])
    shelf.close()


def test_the_oldest_files_go_first(collection: Any) -> None:
    shelf, content = Shelf(), collection.picture("cat0").read_bytes()
    first = shelf.take("first.png", content)
    path = shelf.files[first].path
    for _ in range(MOST_FILES):
        shelf.take("more.png", content)
    assert len(shelf.files) == MOST_FILES
    assert first not in shelf.files
    assert not path.exists()
    shelf.close()
