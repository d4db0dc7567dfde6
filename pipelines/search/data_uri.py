"""Pictures and sounds as data URIs, small enough to stand inside a page."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.base import MediaError, read_bytes

if TYPE_CHECKING:
    from encoders.picture import PictureReader

SIDE = 224
"""Longer edge of a thumbnail in pixels: sharp at half that size on a fine screen."""
MOST_SOUND = 300_000
"""Bytes of a sound up to which it stands in the page itself."""
SOUNDS = {
    b"OggS": "audio/ogg",
    b"RIFF": "audio/wav",
    b"fLaC": "audio/flac",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
}
"""First bytes of a file: what browsers call it."""


def thumbnail(path: Path) -> str:
    """A picture of any kind that is read, small, on white, as WebP.

    Raises:
        MediaError: it cannot be read.
    """
    return _uri("image/webp", small_picture(path, SIDE))


def small_picture(path: Path, side: int) -> bytes:
    """A picture of any kind that is read, on white, as WebP, the longer edge of `side` pixels.

    Raises:
        MediaError: it cannot be read.
    """
    reader = _reader(side)
    picture = reader.read(path).crop(reader.frame(path).box)
    content = io.BytesIO()
    picture.save(content, format="WEBP", quality=80)
    return content.getvalue()


def sound(path: Path) -> str:
    """A sound as it is.

    Raises:
        MediaError: it cannot be read, is too large to stand in a page, or no browser plays it.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size > MOST_SOUND:
        raise MediaError(path.name, f"{size / 1e6:.1f} MB, too large to stand in this page")
    content = read_bytes(path, "a sound")
    kind = next((kind for start, kind in SOUNDS.items() if content.startswith(start)), None)
    if kind is None:
        raise MediaError(path.name, "a kind of sound that browsers do not play")
    return _uri(kind, content)


@lru_cache(maxsize=2)
def _reader(side: int) -> PictureReader:
    from encoders.picture import PictureReader

    return PictureReader(side)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
