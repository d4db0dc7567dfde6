"""The rows that encoders have left in a cache folder.

A shard of safetensors appears whole or not at all (written beside, then renamed), is never changed, and
carries a checksum, so that killed runs, several runs at once and damaged disks cost time but never a
wrong row.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
import zlib
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .base import Encoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = dict[bytes, "NDArray[np.float32]"]  # by the hash of the content

_LOG = logging.getLogger(__name__)
_KEY_BYTES = 32  # of a sha256
_SHARD_SECONDS = 10.0  # at most this much work is lost when a run is killed
_MANY = 8  # so many small shards are merged into one
_SMALL = 64 * 2**20  # bytes; a shard of this size is left alone
_STALE = 600.0  # seconds after which an unfinished shard belongs to nobody


class Shards:
    """The rows that one encoder has left in a cache folder."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", encoder.name)[:60]
        digest = hashlib.sha256(encoder.name.encode()).hexdigest()[:8]
        self._folder = folder / f"{encoder.modality}-{readable}-{digest}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._dim = encoder.dim
        self._new: Rows = {}
        self._written = time.monotonic()
        for path in self._folder.glob("*.tmp"):
            with suppress(FileNotFoundError):  # its owner has just finished it
                if time.time() - path.stat().st_mtime > _STALE:
                    path.unlink()

    def find(self, keys: Container[bytes]) -> Rows:
        """The stored rows of these keys; shards without any are not read."""
        found: Rows = {}
        for path in self._paths():
            found |= self._read(path, keys)
        return found

    def add(self, rows: Rows) -> None:
        """Remember new rows of known content, on disk at least every few seconds."""
        self._new |= {key: row for key, row in rows.items() if len(key) == _KEY_BYTES}
        if time.monotonic() - self._written > _SHARD_SECONDS:
            self.write()

    def write(self) -> None:
        """Put what is only in memory on disk."""
        if self._new:
            self._save(self._new)
        self._new = {}
        self._written = time.monotonic()

    def merge(self) -> None:
        """Make one shard of many small ones; safe beside other processes that do the same."""
        small = []
        for path in self._paths():
            with suppress(FileNotFoundError):
                if path.stat().st_size < _SMALL:
                    small.append(path)
        if len(small) < _MANY:
            return
        rows: Rows = {}
        for path in small:
            rows |= self._read(path, None)
        if rows:
            self._save(rows)
        for path in small:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.safetensors"))

    def _save(self, rows: Rows) -> None:
        from safetensors.numpy import save

        keys = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, _KEY_BYTES)
        features = np.stack(list(rows.values())).astype(np.float32)
        checksum = {"crc32": str(_checksum(keys, features))}
        content = save({"keys": keys, "features": features}, metadata=checksum)
        name = f"{time.time_ns():x}-{secrets.token_hex(4)}.safetensors"
        beside = self._folder / f".{name}.tmp"
        try:
            beside.write_bytes(content)
            beside.replace(self._folder / name)
        finally:
            beside.unlink(missing_ok=True)

    def _read(self, path: Path, wanted: Container[bytes] | None) -> Rows:
        """The rows of a shard that are wanted (None: all); a damaged shard has none."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as shard:
                keys = shard.get_tensor("keys")
                names = [key.tobytes() for key in keys]
                hits = [i for i, key in enumerate(names) if wanted is None or key in wanted]
                if not hits:
                    return {}
                features = shard.get_tensor("features")
                checksum = (shard.metadata() or {}).get("crc32")
        except FileNotFoundError:  # another process has just merged it: at worst encoded again
            return {}
        except (SafetensorError, OSError) as error:
            _LOG.warning("ignoring the damaged cache file %s (%s)", path, error)
            return {}
        if features.shape != (len(names), self._dim) or checksum != str(_checksum(keys, features)):
            _LOG.warning("ignoring the damaged cache file %s (its checksum is wrong)", path)
            return {}
        return {names[i]: features[i] for i in hits}


def _checksum(keys: NDArray[np.uint8], features: NDArray[np.float32]) -> int:
    return zlib.crc32(np.ascontiguousarray(features).data, zlib.crc32(keys.data))
