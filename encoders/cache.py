"""Encodes many references once: each content is stored under its hash and the encoder's name.

A cache folder holds, for each encoder, a few shards of safetensors. A shard appears whole or not
at all (written beside, then renamed), is never changed, and carries a checksum, so that killed
runs, several runs at once and damaged disks cost time but never a wrong row. Knows no modality
but for one thing: the reference of a text is its content.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable, Container, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Encoder, MediaError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_Rows = dict[bytes, "NDArray[np.float32]"]  # by the hash of the content
_Job = tuple[bytes, str | Path]
_Outcome = tuple[_Rows, dict[bytes, str]]

_LOG = logging.getLogger(__name__)
_KEY_BYTES = 32  # of a sha256
_SHARD_SECONDS = 10.0  # at most this much work is lost when a run is killed
_MANY = 8  # so many small shards are merged into one
_SMALL = 64 * 2**20  # bytes; a shard of this size is left alone
_STALE = 600.0  # seconds after which an unfinished shard belongs to nobody


@dataclass(frozen=True)
class Encoded:
    """What became of a list of references.

    Shapes: features (m, dim) float32, rows (m,) int64 indices into the references, ascending.
    `problems` has an index and a sentence for each reference that gave no row.
    """

    features: Tensor
    rows: NDArray[np.int64]
    problems: list[tuple[int, str]]


def encode_cached(
    encoder: Encoder,
    references: Sequence[str | Path],
    folder: Path | None,
    *,
    batch_size: int = 32,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Encoded:
    """Encode references in order; what the cache knows is only hashed, what fails is a problem.

    Args:
        encoder: what loads and encodes.
        references: texts, or paths of files.
        folder: where features are kept between runs; None keeps none.
        batch_size: how many items the encoder gets at once.
        workers: threads that load and encode a batch each; None for one a core, 0 for none.
        progress: told the number of references that were newly finished, in sum all of them.

    Raises:
        OSError: the cache folder cannot be written.
    """
    tell = progress or (lambda count: None)
    owners = _owners(encoder, references)
    shards = None if folder is None else _Shards(folder, encoder)
    found = shards.find(owners) if shards else {}
    failed: dict[bytes, str] = {}
    tell(sum(len(owners[key]) for key in found))
    todo = [(key, references[rows[0]]) for key, rows in owners.items() if key not in found]
    if encoder.modality == "text":
        todo.sort(key=lambda job: len(str(job[1])))  # a batch of like lengths needs no padding
    try:
        for batch, errors in _encoded(encoder, todo, batch_size, workers):
            found |= batch
            failed |= errors
            if shards:
                shards.add(batch)
            tell(sum(len(owners[key]) for key in (*batch, *errors)))
    finally:
        if shards:
            shards.write()
    if shards:
        shards.merge()
    good = sorted((row, key) for key in found for row in owners[key])
    bad = sorted((row, key) for key in failed for row in owners[key])
    return Encoded(
        features=_stacked([found[key] for _, key in good], encoder.dim),
        rows=np.array([row for row, _ in good], dtype=np.int64),
        problems=[(row, str(MediaError(references[row], failed[key]))) for row, key in bad],
    )


def _stacked(rows: Sequence[NDArray[np.float32]], dim: int) -> Tensor:
    import torch

    return torch.from_numpy(np.stack(rows)) if rows else torch.empty(0, dim)


def _owners(encoder: Encoder, references: Sequence[str | Path]) -> dict[bytes, list[int]]:
    """Which references have which content, by its hash."""
    owners: dict[bytes, list[int]] = {}
    for row, reference in enumerate(references):
        # What cannot be hashed cannot be loaded; it gets a key of its own, and the encoder says why.
        key = _key(encoder, reference) or b"unreadable %d" % row
        owners.setdefault(key, []).append(row)
    return owners


def _key(encoder: Encoder, reference: str | Path) -> bytes | None:
    """The hash of the content, or None for a file that cannot be read."""
    if encoder.modality == "text":
        return hashlib.sha256(str(reference).encode("utf-8", "surrogatepass")).digest()
    try:
        if not Path(reference).is_file():  # opening a pipe would wait for ever
            return None
        with Path(reference).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (OSError, ValueError):
        return None


def _encoded(
    encoder: Encoder, todo: Sequence[_Job], batch_size: int, workers: int | None
) -> Generator[_Outcome, None, None]:
    """What becomes of each batch, in order.

    Each thread loads and encodes with one core. Two threads of torch on one batch wait for each
    other at every layer: where another process wants a core too, they are ten times slower than
    two batches on a core each.
    """
    import torch

    cores = torch.get_num_threads()
    workers = cores if workers is None else workers
    rounds = max(1, -(-len(todo) // (batch_size * max(workers, 1))))
    size = max(1, -(-len(todo) // (rounds * max(workers, 1))))  # no core waits for another's last batch
    batches = [todo[start : start + size] for start in range(0, len(todo), size)]
    if workers == 0:
        yield from (_finish(encoder, batch) for batch in batches)
        return
    pending: deque[Future[_Outcome]] = deque()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                for batch in batches:
                    pending.append(pool.submit(_finish, encoder, batch))
                    if len(pending) > 2 * workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()
    finally:
        torch.set_num_threads(cores)  # the workers' setting is also that of threads yet to come


def _finish(encoder: Encoder, batch: Sequence[_Job]) -> _Outcome:
    """Rows of what could be loaded, and why the rest could not."""
    items: dict[bytes, Any] = {}
    errors: dict[bytes, str] = {}
    for key, reference in batch:
        try:
            items[key] = encoder.load(reference)
        except MediaError as error:
            errors[key] = error.reason
    features = encoder.encode(list(items.values())).numpy()
    if features.shape != (len(items), encoder.dim):
        expected = (len(items), encoder.dim)
        raise ValueError(f"expected {encoder.name} to give {expected} (got {features.shape})")
    for key, good in zip(items, np.isfinite(features).all(axis=1), strict=True):
        if not good:
            errors[key] = f"expected finite features (got others from {encoder.name})"
    rows = {key: row for key, row in zip(items, features, strict=True) if key not in errors}
    return rows, errors


class _Shards:
    """The rows that one encoder has left in a cache folder."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", encoder.name)[:60]
        digest = hashlib.sha256(encoder.name.encode()).hexdigest()[:8]
        self._folder = folder / f"{encoder.modality}-{readable}-{digest}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._dim = encoder.dim
        self._new: _Rows = {}
        self._written = time.monotonic()
        for path in self._folder.glob("*.tmp"):
            with suppress(FileNotFoundError):  # its owner has just finished it
                if time.time() - path.stat().st_mtime > _STALE:
                    path.unlink()

    def find(self, keys: Container[bytes]) -> _Rows:
        """The stored rows of these keys; shards without any are not read."""
        found: _Rows = {}
        for path in self._paths():
            found |= self._read(path, keys)
        return found

    def add(self, rows: _Rows) -> None:
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
        rows: _Rows = {}
        for path in small:
            rows |= self._read(path, None)
        if rows:
            self._save(rows)
        for path in small:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.safetensors"))

    def _save(self, rows: _Rows) -> None:
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

    def _read(self, path: Path, wanted: Container[bytes] | None) -> _Rows:
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
