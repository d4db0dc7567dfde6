"""Encodes many references once: each content is stored under its hash and the encoder's name.

How rows lie on the disk is the matter of `shards`. Knows no modality but for one thing: the reference of a
text is its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .base import Encoder, MediaError
from .engine import Engine, LocalEngine
from .shards import Shards

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


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
    engine: Engine | None = None,
    progress: Callable[[int], None] | None = None,
) -> Encoded:
    """Encode references in order; what the cache knows is only hashed, what fails is a problem.

    Args:
        encoder: what loads and encodes.
        references: texts, or paths of files.
        folder: where features are kept between runs; None keeps none.
        batch_size: how many items the encoder gets at once.
        workers: threads that load and encode a batch each; None for one a core, 0 for none.
        engine: who loads and encodes instead of these threads.
        progress: told the number of references that were newly finished, in sum all of them.

    Raises:
        OSError: the cache folder cannot be written.
        EngineError: the engine cannot do its work; what it did is kept.
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
        for batch, errors in (engine or LocalEngine(workers))(encoder, todo, batch_size):
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
