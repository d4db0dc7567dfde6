"""Pictures and sounds that a page is given, and small pictures of what the store has."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from encoders.base import MediaError
from pipelines.search.data_uri import small_picture, sound, thumbnail
from pipelines.service.problems import ProblemError
from pipelines.service.things import media_file
from pipelines.service.uploads import MOST_OCTETS, PICTURES, SOUNDS, received

if TYPE_CHECKING:
    from pipelines.service.state import State

SIDE = 420
"""Longer edge of a picture in a card, pixels."""
MOST_FILES = 24
"""Files that one page holds; the oldest goes first."""


@dataclass(frozen=True)
class Given:
    """A file that a page was given, once it is known to be what it should be.

    Args:
        modality: image or audio.
        name: what its owner calls it.
        path: where it lies.
        shown: it as a data URI; empty where it cannot be shown.
    """

    modality: str
    name: str
    path: Path
    shown: str


@dataclass
class Shelf:
    """The files that one page was given, by number; they are gone with the page."""

    folder: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(prefix="sensegraph-", ignore_cleanup_errors=True)
    )
    files: dict[int, Given] = field(default_factory=dict)
    _count: int = 0

    def take(self, name: str, content: bytes) -> int:
        """Keep a file, and give its number.

        Raises:
            ProblemError: it is neither a picture nor a sound, or too large; one sentence says so.
        """
        self._count += 1
        place = Path(self.folder.name) / str(self._count)
        place.mkdir()
        self.files[self._count] = _given(name[:80], content, place)
        while len(self.files) > MOST_FILES:
            self.files.pop(next(iter(self.files))).path.unlink()
        return self._count

    def chosen(self, picture: int | None, sound: int | None) -> dict[str, Path]:
        """The files of a question, by modality.

        Raises:
            ProblemError: one is not here any more.
        """
        out = {}
        for modality, number in (("image", picture), ("audio", sound)):
            if number is None:
                continue
            given = self.files.get(number)
            if given is None or given.modality != modality:
                what = "picture" if modality == "image" else "sound"
                raise ProblemError(404, f"expected the {what} again (the page was left or reloaded since)")
            out[modality] = given.path
        return out

    def close(self) -> None:
        """Take all away."""
        self.folder.cleanup()


def _given(name: str, content: bytes, folder: Path) -> Given:
    if len(content) > MOST_OCTETS:
        raise ProblemError(413, f"expected a file of at most {MOST_OCTETS >> 20} MB (got more: {name})")
    problems = []
    for modality in ("image", "audio"):
        try:
            path = received({modality: io.BytesIO(content)}, folder)[modality]
        except ProblemError as error:
            problems.append(error.detail)
            continue
        return Given(modality, name, path, _shown(modality, path))
    # a picture that is too large is one, a text is none
    telling = [one for one in problems if "unknown file" not in one]
    if telling:
        reason = telling[0].partition("(got ")[2].removesuffix(")")
        raise ProblemError(422, f"expected a picture or a sound that can be read (got {name}: {reason})")
    kinds = ", ".join(PICTURES + SOUNDS)
    raise ProblemError(422, f"expected a picture or a sound, one of {kinds} (got {name})")


def _shown(modality: str, path: Path) -> str:
    try:
        return thumbnail(path) if modality == "image" else sound(path)
    except MediaError as error:
        if modality == "audio":  # long, and to be heard elsewhere
            return ""
        raise ProblemError(422, f"expected a picture that can be read (got: {error.reason})") from None


def picture_of(state: State, iri: str, number: int) -> bytes:
    """A small picture of one of an entity's media, as WebP.

    Raises:
        ProblemError: there is none.
    """
    path, _ = media_file(state, iri, number)
    try:
        return _small(path, path.stat().st_mtime_ns)
    except MediaError as error:
        raise ProblemError(404, f"expected a picture that can be read (got: {error.reason})") from None


@lru_cache(maxsize=512)
def _small(path: Path, changed: int) -> bytes:
    """A picture, made again where the file was changed."""
    return small_picture(path, SIDE)
