"""What a store's folder says of itself: its manifest, read and checked."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

FORMAT = 1
"""Version of the folder's layout; a store of another one is not opened."""

PACKAGES = ("torch", "torch-geometric", "pyoxigraph", "sentence-transformers", "torchvision", "numpy")

KEYS = frozenset(("format", "settings", "encoders", "model", "counts", "files"))
"""What every manifest says."""

AGAIN = "build it with `python -m pipelines.build_kg INPUT ... --out DIR`"


class StoreError(ValueError):
    """A folder that is no store, a store of another version, or one half written."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a store's folder says of itself.

    Raises:
        StoreError: if it is no store, or one of another version.
    """
    if not folder.is_dir():
        raise StoreError(f"expected a store at {folder} (no such folder): {AGAIN}")
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = manifest["format"]
    except FileNotFoundError:
        raise StoreError(f"expected a store at {folder} (it has no manifest.json): {AGAIN}") from None
    except (ValueError, KeyError, TypeError, OSError):
        raise StoreError(f"expected a store at {folder} (its manifest.json is damaged): {AGAIN}") from None
    if found != FORMAT:
        raise StoreError(f"expected a store of format {FORMAT} at {folder} (got {found}): {AGAIN}")
    if absent := sorted(KEYS - manifest.keys()):
        raise StoreError(f"expected a store at {folder} (its manifest.json lacks {absent[0]}): {AGAIN}")
    return manifest


def is_store(folder: Path) -> bool:
    """Whether a folder holds a store of whatever version, or what is left of one."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.keys() >= {"format", "settings", "files"}


def package_versions() -> dict[str, str]:
    """Versions of the packages that the numbers depend on."""
    return {name: version(name) for name in PACKAGES}
