"""The states of a store's folder: one is read while the next is written; a rename of one file chooses.

A build leaves its parts in the folder itself. Each update leaves a whole state in `states/N`, and then puts
a manifest in the folder that names it: before that rename everybody reads the old state, after it the new
one. Who has opened a state holds a lock on its folder, which the system lets go of when the process ends,
however it ends; what nobody holds is taken away by the next update.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipelines.files import write_json

STATES, STATE, LOCK = "states", "state", ".lock"
_PARTIAL = ".partial"


class BusyError(ValueError):
    """Somebody else changes the store."""


class Pin:
    """A hold on a folder: while it lasts, updates leave what lies there."""

    def __init__(self, folder: Path) -> None:
        file = os.open(folder, os.O_RDONLY)
        self.release = weakref.finalize(self, os.close, file)
        with suppress(OSError):  # a disk without locks: who reads there must not be updated
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the right to change a store.

    The lock ends with the process, so what a killed one leaves blocks nobody.

    Args:
        folder: the store's folder.
        wait: whether to wait for others, rather than to refuse.

    Raises:
        BusyError: another process changes it.
    """
    path = folder / LOCK
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise BusyError(
                    f"expected a store that nobody else changes (another update of {folder} is at work): "
                    "try again when it is done"
                ) from None
            # a build may have put another folder in its place while we waited
            if not path.exists() or path.stat().st_ino != os.fstat(file).st_ino:
                continue
            yield
            return
        finally:
            os.close(file)


@contextmanager
def next_state(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for the next state; what fails on the way leaves nothing."""
    numbers = [int(path.name) for path in (folder / STATES).glob("*") if path.name.isdecimal()]
    work = folder / STATES / f"{max(numbers, default=0) + 1}{_PARTIAL}"
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def commit(folder: Path, work: Path, manifest: Mapping[str, Any]) -> None:
    """Make the state that lies in `work` that of the store."""
    write_json(work / "manifest.json", manifest)
    state = work.with_name(work.name.removesuffix(_PARTIAL))
    work.rename(state)
    write_json(folder / "manifest.json", {**manifest, STATE: f"{STATES}/{state.name}"})


def sweep(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Take away what killed updates left, and all older states that nobody reads."""
    current = manifest.get(STATE, "")
    for path in (folder / STATES).glob("*"):
        if f"{STATES}/{path.name}" != current and free(path):
            shutil.rmtree(path, ignore_errors=True)
    if current and free(folder):
        # what the first state may have had and this one has not
        maybe = ("numbers.parquet", "findings.json")
        _clear(folder, {str(name).partition("/")[0] for name in (*manifest["files"], *maybe)})


def _clear(folder: Path, names: Iterable[str]) -> None:
    """Take away the parts of the first state, which lie in the store's own folder."""
    for path in (folder / name for name in names):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def free(folder: Path) -> bool:
    """Whether nobody has pinned a folder."""
    try:
        file = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def replace_folder(partial: Path, final: Path) -> None:
    """Put a finished folder in place of an older one, which comes back if that fails."""
    old = _old(final)
    shutil.rmtree(old, ignore_errors=True)
    try:
        if final.exists():
            final.rename(old)
        partial.rename(final)
    except BaseException:
        recover_folder(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(final: Path) -> None:
    """Put the older folder back, if `replace_folder` was killed before the new one stood."""
    if _old(final).exists() and not final.exists():
        _old(final).rename(final)


def _old(final: Path) -> Path:
    return final.with_name(f".{final.name}.old")
