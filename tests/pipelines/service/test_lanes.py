"""Lines of work: their order, their length, and that what leaves makes room."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pipelines.service.lanes import BusyError, Lane


def test_work_runs_one_by_one_in_the_order_in_which_it_came() -> None:
    lane, order = Lane("test", waiting=9), []

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(lane.run(lambda n=n: order.append(n) or n) for n in range(8)))

    assert asyncio.run(all_of_them()) == list(range(8)) == order
    lane.close()


def test_a_full_line_refuses_and_has_room_again_once_something_left() -> None:
    lane, gate = Lane("test", waiting=1), threading.Event()
    running, waiting = lane.submit(gate.wait), lane.submit(lambda: 2)
    assert lane.inside == 2
    with pytest.raises(BusyError, match="fewer than 2"):
        lane.submit(lambda: 3)
    gate.set()
    assert (running.result(), waiting.result()) == (True, 2)
    assert lane.submit(lambda: 3).result() == 3
    lane.close()
    assert lane.inside == 0


def test_what_is_given_up_before_it_began_leaves_its_place() -> None:
    lane, gate = Lane("test", waiting=1), threading.Event()
    running, waiting = lane.submit(gate.wait), lane.submit(lambda: 2)
    assert waiting.cancel()
    assert lane.inside == 1
    gate.set()
    assert running.result()
    lane.close()


def test_an_error_comes_to_who_waits() -> None:
    lane = Lane("test", waiting=1)

    def broken() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        asyncio.run(lane.run(broken))
    lane.close()
    assert lane.inside == 0
