"""What every encoder shares: the contract, the error, and the way from a reference to a file.

Knows no model and no modality, and imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from torch import Tensor

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # one letter is a Windows drive, not a scheme
_MAX_REFERENCE = 4096  # PATH_MAX of Linux, and longer than any sensible URL


class MediaError(ValueError):
    """One observation cannot be read; the text names it and says why in one sentence."""

    def __init__(self, reference: str | Path, reason: str) -> None:
        super().__init__(reference, reason)
        self.reference = reference
        self.reason = reason

    def __str__(self) -> str:
        return f"{shown(self.reference)}: {self.reason}"


class Encoder(Protocol):
    """One raw observation in, one row out; batching, caching and progress belong to the caller.

    `name` identifies the model and the version of the preprocessing: equal names mean that equal
    content gives equal rows, so the name is part of the cache's key.
    """

    modality: str
    name: str
    dim: int

    def load(self, reference: str | Path) -> Any:
        """Read one reference; safe to call from several threads.

        Raises:
            MediaError: it is missing, damaged, too large or not of this modality.
        """

    def encode(self, items: Sequence[Any]) -> Tensor:
        """Encode what `load` returned.

        Shapes: result (n, dim) float32 on the CPU, rows of unit length; no items give (0, dim).
        """


@runtime_checkable
class RegionEncoder(Encoder, Protocol):
    """An encoder of pictures that also tells what each cell of a grid over them shows."""

    def regions(self, items: Sequence[Any]) -> Tensor:
        """Encode the cells of what `load` returned.

        Shapes: result (n, rows, columns, dim) float32 on the CPU; the mean over a picture's cells, at unit
        length, is its row.

        Raises:
            ValueError: no items, or this network tells no cells apart.
        """


@dataclass(frozen=True)
class Naming:
    """The classes that a network was trained to tell apart.

    Shapes: ``directions (c, dim)`` float32, the scores of the classes being their products with a row.
    """

    names: tuple[str, ...]
    directions: Tensor


@runtime_checkable
class NamingEncoder(Encoder, Protocol):
    """An encoder that may know by name what it sees."""

    def naming(self) -> Naming | None:
        """The classes that its network can name, in English; None where it knows none."""


def shown(reference: str | Path) -> str:
    """The reference for a message: printable, and short enough to stay one sentence."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(reference)[:_MAX_REFERENCE])
    if not text.strip():
        return repr(text[:20])
    return text if len(text) <= 160 else f"{text[:100]}...{text[-40:]}"


def read_bytes(reference: str | Path, what: str, limit_bytes: int = 200 * 2**20) -> bytes:
    """The content of a file that should be `what` ("a picture").

    Raises:
        MediaError: missing, not a file, empty, or larger than the limit.
    """
    try:
        path = Path(reference)
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise MediaError(reference, f"expected {what} (got {found})")
        if (size := path.stat().st_size) > limit_bytes:
            limit = f"of at most {limit_bytes >> 20} MB"
            raise MediaError(reference, f"expected {what} {limit} (got {size >> 20} MB)")
        content = path.read_bytes()
    except MediaError:
        raise
    except (OSError, ValueError) as error:
        raise MediaError(reference, f"expected {what} (the file cannot be read)") from error
    if not content:
        raise MediaError(reference, f"expected {what} (got an empty file)")
    return content


def resolve_media(
    reference: str,
    root: Path,
    fetch: Callable[[str], Path] | None = None,
    bring: Callable[[Path], None] | None = None,
) -> Path:
    """The existing regular file that a reference means, always inside `root`.

    A reference is a path relative to `root`, an absolute path, or a file: IRI; a path that does
    not exist as written is percent-decoded. http(s) URLs go to `fetch`, where the caller gives one.
    `bring` is told each path inside the root before it is looked at: what is kept elsewhere can come there.

    Raises:
        MediaError: it climbs out of the root (symlinks followed), is remote, or is not a file.
    """
    scheme = _SCHEME.match(reference)
    kind = scheme[1].lower() if scheme else ""
    if not reference or len(reference) > _MAX_REFERENCE:
        raise MediaError(
            reference,
            f"expected a path of 1 to {_MAX_REFERENCE} characters (got {len(reference)})",
        )
    if kind in ("http", "https"):
        if fetch is None:
            raise MediaError(reference, "expected a local file (it is remote: pass --allow-remote)")
        return fetch(reference)
    if kind not in ("", "file"):
        raise MediaError(reference[:100], f"expected a path, a file: IRI or an http(s) URL (got {kind}:)")
    spellings = [_path_of_iri(reference)] if kind else [reference, unquote(reference)]
    found = "nothing there"
    for spelling in spellings:
        path = _inside(spelling, root, reference)
        if bring is not None:
            bring(path)
        if _is(path.is_file, reference):
            return path
        if _is(path.exists, reference):
            found = "something else"
    raise MediaError(reference, f"expected a file in {shown(root)} (found {found})")


def _path_of_iri(iri: str) -> str:
    """The decoded path of a file: IRI; its query and fragment name no other file."""
    try:
        parts = urlsplit(iri)
        path = unquote(parts.path, errors="strict")
    except ValueError as error:
        raise MediaError(iri, f"expected a file: IRI ({error})") from error
    if parts.netloc not in ("", "localhost"):
        raise MediaError(iri, f"expected a file: IRI of this machine (got host {parts.netloc!r})")
    return path


def _inside(path: str, root: Path, reference: str) -> Path:
    if "\0" in path:
        raise MediaError(reference, "expected a file name (it holds a null byte)")
    try:
        resolved = (root / path).resolve()
        inside = resolved.is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # too long, symlink loop, lone surrogate
        raise MediaError(reference, "expected a file name (the system refuses it)") from error
    if not inside:
        raise MediaError(reference, f"expected a file inside the media root {shown(root)}")
    return resolved


def _is(question: Callable[[], bool], reference: str) -> bool:
    try:
        return question()
    except (OSError, ValueError) as error:
        raise MediaError(reference, "expected a file name (the system refuses it)") from error
