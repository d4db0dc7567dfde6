"""Who loads and encodes the batches: threads of this process, or whatever else takes the same jobs.

Knows no cache: what comes out of an engine is kept by `cache`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .base import Encoder, MediaError
from .shards import Rows

Job = tuple[bytes, str | Path]
"""The hash of a content, or a key of another length where it cannot be hashed, and its reference."""
Outcome = tuple[Rows, dict[bytes, str]]
"""Rows of what could be loaded, and why the rest could not, by the keys of the jobs."""


class EngineError(ValueError):
    """The engine cannot do its work; the text says in one sentence why. What was encoded is kept."""


class Engine(Protocol):
    """Encodes many jobs, batch by batch."""

    def __call__(
        self, encoder: Encoder, todo: Sequence[Job], batch_size: int
    ) -> Generator[Outcome, None, None]:
        """What becomes of each batch, in any order.

        Raises:
            EngineError: it cannot do its work.
        """


@dataclass(frozen=True)
class LocalEngine:
    """Threads that load and encode a batch each; None for one a core, 0 for none.

    Each thread loads and encodes with one core. Two threads of torch on one batch wait for each
    other at every layer: where another process wants a core too, they are ten times slower than
    two batches on a core each.
    """

    workers: int | None = None

    def __call__(
        self, encoder: Encoder, todo: Sequence[Job], batch_size: int
    ) -> Generator[Outcome, None, None]:
        """What becomes of each batch, in order."""
        import torch

        cores = torch.get_num_threads()
        workers = cores if self.workers is None else self.workers
        rounds = max(1, -(-len(todo) // (batch_size * max(workers, 1))))
        size = max(1, -(-len(todo) // (rounds * max(workers, 1))))  # no core waits for another's last batch
        batches = [todo[start : start + size] for start in range(0, len(todo), size)]
        if workers == 0:
            yield from (finished(encoder, batch) for batch in batches)
            return
        pending: deque[Future[Outcome]] = deque()
        try:
            with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                try:
                    for batch in batches:
                        pending.append(pool.submit(finished, encoder, batch))
                        if len(pending) > 2 * workers:
                            yield pending.popleft().result()
                    while pending:
                        yield pending.popleft().result()
                finally:
                    for future in pending:
                        future.cancel()
        finally:
            torch.set_num_threads(cores)  # the workers' setting is also that of threads yet to come


def finished(encoder: Encoder, batch: Sequence[Job]) -> Outcome:
    """Load and encode one batch.

    Raises:
        ValueError: the encoder gives rows of another shape than it says.
    """
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
