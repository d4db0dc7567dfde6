"""The two Debian packages of the demo, downloaded and unpacked into a cache folder without root.

A folder that is there is whole: everything is unpacked beside it and renamed at the end.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INSTEAD = "give your own RDF instead: python -m pipelines.build_kg YOUR.ttl --out DIR"


class FetchError(ValueError):
    """The demo data cannot be had here; the text says what to do instead."""


@dataclass(frozen=True)
class Package:
    """One package, which of its folders is wanted, and the name that folder gets in the cache."""

    name: str
    inside: str
    folder: str
    megabytes: int


STAMPS = Package("tuxpaint-stamps-default", "usr/share/tuxpaint/stamps", "media", 161)
WORDNET = Package("wordnet-base", "usr/share/wordnet", "wordnet", 6)


def fetch(package: Package, cache: Path, say: Callable[[str], None]) -> Path:
    """The package's folder in the cache; fetched only if it is not there.

    Raises:
        FetchError: if apt-get or dpkg-deb is missing or fails.
    """
    target = cache / package.folder
    if target.is_dir():
        return target
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise FetchError(f"the demo data needs {tool} (Debian, Ubuntu), which is not here; {INSTEAD}")
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    say(f"demo data: fetching {package.name} ({package.megabytes} MB) into {cache}")
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as scratch:
        _move(_unpack(package, Path(scratch)), target)
    return target


def _unpack(package: Package, scratch: Path) -> Path:
    _run(package, ["apt-get", "-q", "download", package.name], scratch)
    archives = sorted(scratch.glob("*.deb"))
    if not archives:
        raise FetchError(f"apt-get download {package.name} left no package; {INSTEAD}")
    unpacked = scratch / "unpacked"
    _run(package, ["dpkg-deb", "-x", str(archives[0]), str(unpacked)], scratch)
    wanted = unpacked / package.inside
    if not wanted.is_dir():
        raise FetchError(f"expected {package.inside} in {archives[0].name}; {INSTEAD}")
    licence = unpacked / "usr/share/doc" / package.name / "copyright"
    if licence.is_file():
        shutil.copyfile(licence, wanted / "copyright")
    return wanted


def _run(package: Package, command: list[str], folder: Path) -> None:
    """Run quietly: apt-get warns at length about its sandbox, which matters to nobody here."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode == 0:
        return
    complaints = [line for line in result.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
    reason = (complaints or result.stderr.splitlines() or ["no reason given"])[0]
    remedy = "run `apt-get update` as root, with a network, and try again, or "
    if command[0] != "apt-get":
        remedy = "see that the disk has room, or "
    raise FetchError(f"{command[0]} fails on {package.name} ({reason}): {remedy}{INSTEAD}")


def _move(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker, with the same files
            raise


def _sweep(cache: Path, hours: float = 2.0) -> None:
    """Remove what killed runs left; a younger folder may be another process at work."""
    for scratch in cache.glob(".fetch-*"):
        if time.time() - scratch.stat().st_mtime > hours * 3600:
            shutil.rmtree(scratch, ignore_errors=True)
