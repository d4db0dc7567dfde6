"""What waits at once is answered at once, each by its own state, and a mistake stays that of its question."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from pipelines.service.lanes import BusyError, Lane
from pipelines.service.together import MOST, Together


class Halves:
    """Answers with the half of each even number, once it may."""

    def __init__(self) -> None:
        self.gate, self.began = threading.Event(), threading.Event()
        self.turns: list[tuple[str, list[int]]] = []

    def __call__(self, state: str, asked: Sequence[int]) -> list[int | Exception]:
        self.turns.append((state, list(asked)))
        self.began.set()
        self.gate.wait(10)
        return [ValueError(f"{one} is odd") if one % 2 else one // 2 for one in asked]


def submitted(together: Together[str, int, int], halves: Halves, *more: tuple[str, int]) -> list[Future[int]]:
    """One question that keeps the lane busy, and others that wait for it."""
    first = together.submit("old", 2)
    assert halves.began.wait(10)
    return [first, *(together.submit(state, one) for state, one in more)]


def test_what_waits_is_answered_together_and_by_its_own_state() -> None:
    lane, halves = Lane("test", waiting=9), Halves()
    together = Together[str, int, int](lane, halves)
    futures = submitted(together, halves, ("old", 4), ("old", 6), ("new", 8))
    halves.gate.set()
    assert [future.result(10) for future in futures] == [1, 2, 3, 4]
    assert halves.turns == [("old", [2]), ("old", [4, 6]), ("new", [8])]
    lane.close()


def test_a_mistake_is_that_of_its_question_alone() -> None:
    lane, halves = Lane("test", waiting=9), Halves()
    futures = submitted(Together[str, int, int](lane, halves), halves, ("old", 3), ("old", 6))
    halves.gate.set()
    assert futures[2].result(10) == 3
    with pytest.raises(ValueError, match="3 is odd"):
        futures[1].result(10)
    lane.close()


def test_a_question_that_was_given_up_is_not_answered() -> None:
    lane, halves = Lane("test", waiting=9), Halves()
    futures = submitted(Together[str, int, int](lane, halves), halves, ("old", 4), ("old", 6))
    assert futures[1].cancel()
    halves.gate.set()
    assert futures[2].result(10) == 3
    assert halves.turns == [("old", [2]), ("old", [6])]
    lane.close()


def test_a_full_line_refuses_and_forgets() -> None:
    lane, halves = Lane("test", waiting=1), Halves()
    together = Together[str, int, int](lane, halves)
    futures = submitted(together, halves, ("old", 4))
    with pytest.raises(BusyError):
        together.submit("old", 6)
    halves.gate.set()
    assert [future.result(10) for future in futures] == [1, 2]
    assert halves.turns == [("old", [2]), ("old", [4])]
    lane.close()


def test_no_turn_takes_more_than_it_may() -> None:
    lane, halves = Lane("test", waiting=50), Halves()
    futures = submitted(Together[str, int, int](lane, halves), halves, *[("old", 4)] * (MOST + 3))
    halves.gate.set()
    assert [future.result(10) for future in futures[1:]] == [2] * (MOST + 3)
    assert [len(asked) for _, asked in halves.turns] == [1, MOST, 3]
    lane.close()


def test_what_fails_as_a_whole_fails_for_each() -> None:
    lane = Lane("test", waiting=9)

    def broken(state: str, asked: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        Together[str, int, int](lane, broken).submit("old", 1).result(10)
    lane.close()


def test_a_lane_that_closes_gives_up_what_waits() -> None:
    lane, halves = Lane("test", waiting=9), Halves()
    futures = submitted(Together[str, int, int](lane, halves), halves, ("old", 4))
    told = threading.Event()
    futures[1].add_done_callback(lambda _: told.set())
    closing = threading.Thread(target=lane.close)
    closing.start()
    assert told.wait(10)
    assert futures[1].cancelled()
    halves.gate.set()
    closing.join(10)
    assert futures[0].result(10) == 1


def test_turns_of_what_was_answered_do_not_fill_the_line() -> None:
    lane, done = Lane("test", waiting=5), threading.Semaphore(0)
    together = Together[str, int, int](lane, lambda state, asked: [one + 1 for one in asked])

    def ask_again(future: Future[int]) -> None:
        if future.result() < 50:
            together.submit("old", future.result()).add_done_callback(ask_again)
        else:
            done.release()

    gate = threading.Event()
    busy = lane.submit(gate.wait)
    for _ in range(4):  # each asks its next question as soon as the last one is answered
        together.submit("old", 0).add_done_callback(ask_again)
    gate.set()
    for _ in range(4):
        assert done.acquire(timeout=10)
    assert busy.result()
    lane.close()
    assert lane.inside == 0
