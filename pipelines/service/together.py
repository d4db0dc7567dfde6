"""Questions that wait at the same moment, answered together: encoders and products run once for all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipelines.service.lanes import Lane

State = TypeVar("State")
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

MOST = 16
"""Questions answered at once: more gain little, and the first would wait for the last."""


@dataclass(eq=False)
class _Waiting(Generic[State, Asked, Answer]):
    state: State
    asked: Asked
    future: Future[Answer] = field(default_factory=Future)
    turn: Future[None] | None = None


class Together(Generic[State, Asked, Answer]):
    """Answers in a lane; each turn takes what has come meanwhile for the same state, whose turns are over.

    Args:
        lane: in which they wait, each for itself among all other work.
        answer: answers several questions by one state; an error stands in the place of its question alone.
    """

    def __init__(
        self, lane: Lane, answer: Callable[[State, Sequence[Asked]], Sequence[Answer | Exception]]
    ) -> None:
        self.lane, self._answer = lane, answer
        self._line: deque[_Waiting[State, Asked, Answer]] = deque()
        self._lock = threading.Lock()

    def submit(self, state: State, asked: Asked) -> Future[Answer]:
        """Put a question in line.

        Raises:
            BusyError: the line is full.
        """
        one = _Waiting[State, Asked, Answer](state, asked)
        with self._lock:  # no turn takes it before it knows its own
            one.turn = self.lane.submit(self._turn)
            self._line.append(one)
        # where the lane is closed, nobody waits in vain; who is being answered cannot be given up
        one.turn.add_done_callback(lambda done: done.cancelled() and one.future.cancel())
        return one.future

    def _turn(self) -> None:
        """Answer what waits."""
        taken = self._take()
        if not taken:
            return
        try:
            found = self._answer(taken[0].state, [one.asked for one in taken])
        except BaseException as error:
            for one in taken:
                one.future.set_exception(error)
            raise
        for one, answer in zip(taken, found, strict=True):
            if isinstance(answer, Exception):
                one.future.set_exception(answer)
            else:
                one.future.set_result(answer)

    def _take(self) -> list[_Waiting[State, Asked, Answer]]:
        """What is answered now, out of the line; those that were given up are not."""
        with self._lock:
            taken: list[_Waiting[State, Asked, Answer]] = []
            while self._line and len(taken) < MOST and self._line[0].state is (taken or self._line)[0].state:
                taken.append(self._line.popleft())
        taken = [one for one in taken if one.future.set_running_or_notify_cancel()]
        for one in taken:
            if one.turn is not None:
                one.turn.cancel()  # else turns would fill the line; the one that runs cannot be
        return taken
