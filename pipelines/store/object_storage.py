"""Object storage: RDF, media and stores under the URL of any file system that fsspec knows, such as s3://.

What is used is copied to a folder of the cache first, each object once for each of its versions. A store
goes up under a name of its own, and its manifest, one object, last: who reads sees the old one or the new.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.store.manifest import StoreError
from pipelines.store.states import STATE, STATES, free

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_ENDPOINTS = frozenset(("http", "https", "sparql+http", "sparql+https"))
_MANIFEST, _VERSIONS = "manifest.json", ".versions"
_TRIES = 3
"""How often a store that is replaced while it is copied is copied anew."""


class StorageError(ValueError):
    """The storage does not give or take what it should; the text says in one sentence why."""


def is_url(place: str | Path) -> bool:
    """Whether a place is in an object storage: an URL, and that of no endpoint."""
    scheme = _SCHEME.match(place) if isinstance(place, str) else None
    return scheme is not None and scheme[1].lower() not in _ENDPOINTS


def place(text: str) -> str | Path:
    """A place as a command is given it: an URL stays as it is written."""
    return text if is_url(text) else Path(text)


@dataclass(frozen=True)
class Mirror:
    """A folder of an object storage, and what has been copied of it so far.

    Args:
        url: of the folder.
        cache: where copies of all folders lie.
    """

    url: str
    cache: Path

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        return _opened(self.url)

    @cached_property
    def local(self) -> Path:
        """The folder of the copies."""
        folder = self.cache / "objects" / _digest(self.url)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def names(self) -> list[str]:
        """All objects in the folder and below, by their names in it."""
        system, root = self._opened
        with told(self.url):
            return sorted(str(path)[len(root) :].lstrip("/") for path in system.find(root))

    def refresh(self, name: str) -> None:
        """Copy an object unless this version of it is there; what is no more there goes here, too.

        Raises:
            StorageError: the storage does not answer, or the name leads out of the folder.
        """
        system, root = self._opened
        target = self.local / name
        if not target.resolve().is_relative_to(self.local.resolve()):
            raise StorageError(f"expected objects inside {self.url} (got {name})")
        mark = self.local / _VERSIONS / _digest(name)
        with told(f"{self.url}/{name}"):
            if not system.isfile(f"{root}/{name}"):
                target.unlink(missing_ok=True) if target.is_file() else None
                return
            version = str(system.ukey(f"{root}/{name}"))
            if target.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == version:
                return
            _brought(system, f"{root}/{name}", target)
            mark.parent.mkdir(exist_ok=True)
            mark.write_text(version, encoding="utf-8")

    def bring(self, path: Path) -> None:
        """Refresh what a local path in the folder of the copies is a copy of."""
        self.refresh(path.relative_to(self.local.resolve()).as_posix())


def mirrored(url: str, cache: Path, suffixes: frozenset[str]) -> tuple[Path, Mirror]:
    """Copy a file, or those of a folder that have one of the suffixes.

    Returns:
        The local file or folder, and what the folder around is a copy of.

    Raises:
        StorageError: there is no such thing, or the storage does not answer.
    """
    system, path = _opened(url)
    with told(url):
        is_file, is_folder = system.isfile(path), system.isdir(path)
    if is_file:
        folder, _, name = url.rpartition("/")
        mirror = Mirror(folder, cache)
        mirror.refresh(name)
        return mirror.local / name, mirror
    if not is_folder:
        raise StorageError(f"expected a file or a folder at {url} (nothing is there)")
    mirror = Mirror(url.rstrip("/"), cache)
    here = (one.relative_to(mirror.local).as_posix() for one in mirror.local.rglob("*") if one.is_file())
    for name in sorted({*mirror.names(), *here}):
        if not name.startswith(_VERSIONS) and _suffix(name) in suffixes:
            mirror.refresh(name)
    return mirror.local, mirror


def check_free(url: str) -> None:
    """Refuse a place that holds something else than a store.

    Raises:
        StorageError: it does, or the storage does not answer.
    """
    system, root = _opened(url)
    with told(url):
        if system.exists(root) and system.find(root) and not system.isfile(f"{root}/{_MANIFEST}"):
            raise StorageError(f"expected --out to name a new folder or a store to replace (got {url})")


def building_place(url: str, cache: Path) -> Path:
    """The local folder where a store is built that goes to an URL."""
    return cache / "stores" / _digest(url) / "building"


def put_store(folder: Path, url: str) -> Path:
    """Copy a finished store to an URL, then move it to where `local_store` finds it.

    Raises:
        StorageError: the storage does not take it; the older store there is whole.
    """
    system, root = _opened(url)
    state = f"{STATES}/{time.time_ns():x}-{secrets.token_hex(4)}"
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    content = json.dumps({**manifest, STATE: state}, indent=1, ensure_ascii=False).encode()
    with told(url):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = f"{root}/{state}/{file.relative_to(folder).as_posix()}"
                system.makedirs(name.rpartition("/")[0], exist_ok=True)
                system.put_file(str(file), name)
        system.pipe_file(f"{root}/{_MANIFEST}", content)
        for other in system.ls(f"{root}/{STATES}", detail=False):  # stopped copies, and what is replaced
            if not str(other).rstrip("/").endswith(state):
                system.rm(other, recursive=True)
    final = folder.with_name(hashlib.sha256(content).hexdigest()[:16])
    folder.rename(final)
    return final


def local_store(url: str, cache: Path) -> Path:
    """The store of an URL as a local folder, copied unless this state of it is there.

    Raises:
        StoreError: there is no store, or it is replaced again and again.
        StorageError: the storage does not answer.
    """
    system, root = _opened(url)
    for _ in range(_TRIES):
        with told(url):
            if not system.isfile(f"{root}/{_MANIFEST}"):
                raise StoreError(f"expected a store at {url} (it has no {_MANIFEST})")
            content: bytes = system.cat_file(f"{root}/{_MANIFEST}")
        final = cache / "stores" / _digest(url) / hashlib.sha256(content).hexdigest()[:16]
        if final.is_dir() or _copied(system, root, content, final):
            _sweep(final)
            return final
    raise StoreError(f"expected a whole store at {url} that stays for a while (parts of it are missing)")


def _copied(system: Any, root: str, content: bytes, final: Path) -> bool:
    """Copy the state that a manifest names; whether all of it was there."""
    try:
        manifest = json.loads(content)
        home = f"{root}/{manifest.pop(STATE)}"
    except (ValueError, KeyError, AttributeError):
        raise StoreError(f"expected a store at {root} (its {_MANIFEST} is damaged)") from None
    beside = final.with_name(f".{final.name}-{secrets.token_hex(4)}")
    try:
        with told(home):
            for path in system.find(home):
                _brought(system, path, beside / str(path)[len(home) :].lstrip("/"))
        if not beside.is_dir() or any(not (beside / name).exists() for name in manifest["files"]):
            return False
        (beside / _MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
        if not final.is_dir():
            beside.rename(final)
        return True
    except FileNotFoundError:
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sweep(final: Path) -> None:
    """Take away copies of older states that nobody reads."""
    kept = (final.name, "building")
    for other in final.parent.iterdir():
        if other.name not in kept and not other.name.startswith(".") and free(other):
            shutil.rmtree(other, ignore_errors=True)


def _brought(system: Any, path: str, target: Path) -> None:
    """Copy one object beside and rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        system.get_file(path, str(beside))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _opened(url: str) -> tuple[Any, str]:
    """The file system of an URL, and the path in it."""
    import fsspec

    with told(url):
        system, path = fsspec.core.url_to_fs(url)
    return system, str(path).rstrip("/")


@contextmanager
def told(url: str) -> Iterator[None]:
    """Make one sentence of whatever a storage raises.

    Raises:
        StorageError: something was raised.
    """
    try:
        yield
    except (StorageError, StoreError, FileNotFoundError):
        raise
    except Exception as error:  # each storage has its own kinds
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise StorageError(f"expected an object storage that answers at {url} (got: {reason})") from error


def _suffix(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
