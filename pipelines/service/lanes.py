"""Work that waits in line: a few threads, a line of bounded length, and a refusal where it is full."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class BusyError(RuntimeError):
    """The line is full."""


class Lane:
    """Runs work in the order in which it comes.

    Args:
        name: what its threads are called.
        workers: how much runs at once.
        waiting: how much more may wait.
    """

    def __init__(self, name: str, *, workers: int = 1, waiting: int) -> None:
        self._room, self._inside = workers + waiting, 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)

    @property
    def inside(self) -> int:
        """How much runs or waits."""
        return self._inside

    async def run(self, work: Callable[[], Result]) -> Result:
        """Wait for a place, then for the result.

        Raises:
            BusyError: the line is full.
        """
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Put work in line.

        Raises:
            BusyError: the line is full.
        """
        with self._lock:
            if self._inside >= self._room:
                raise BusyError(f"expected fewer than {self._room} requests at once (the line is full)")
            self._inside += 1
        future = self._pool.submit(work)
        future.add_done_callback(self._left)  # also when it is given up before it began
        return future

    def close(self) -> None:
        """Give up what waits, and wait for what runs."""
        self._pool.shutdown(cancel_futures=True)

    def _left(self, _: Future[Any]) -> None:
        with self._lock:
            self._inside -= 1
