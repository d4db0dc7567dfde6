"""Encodes many references once: each content is stored under its hash and the encoder's name.

How rows lie on the disk is the matter of `shards`. Knows no modality but for one thing: the reference of a
text is its content.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Encoder, MediaError
from .shards import Rows, Shards

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_Job = tuple[bytes, str | Path]
_Outcome = tuple[Rows, dict[bytes, str]]


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
    shards = None if folder is None else Shards(folder, encoder)
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
