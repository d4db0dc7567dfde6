"""One opened page: what is asked in it, the files it was given, and the way to the lines of the service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pipelines.page.draft import Draft
from pipelines.page.media import Shelf
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    from pipelines.page.answers import Shown
    from pipelines.page.room import Room, Rooms
    from pipelines.service.endpoints import Desk
    from pipelines.service.lanes import Lane
    from pipelines.service.state import State

Result = TypeVar("Result")
_log = logging.getLogger("sensegraph.page")
FAILED = "an error of the service, not of the question; its log tells more"


@dataclass(frozen=True)
class House:
    """What all pages share.

    Args:
        desk: the states and the lines of the service.
        rooms: what is made of each state once.
        pictures: the line of small pictures and of files that are given.
        maps: the line of maps, which take long.
    """

    desk: Desk
    rooms: Rooms
    pictures: Lane
    maps: Lane

    def close(self) -> None:
        """Wait for what runs in the lines of the page."""
        self.pictures.close()
        self.maps.close()


@dataclass
class Visit:
    """What one page remembers, whatever of it is shown.

    Args:
        house: what all pages share.
        shelf: the files that it was given.
        draft: the question as it stands.
        asked: the question that was answered last.
        shown: its answer.
        address: the address that is shown, below the page's own.
    """

    house: House
    shelf: Shelf = field(default_factory=Shelf)
    draft: Draft = field(default_factory=Draft)
    asked: Draft | None = None
    shown: Shown | None = None
    address: str = "/"

    @property
    def state(self) -> str:
        """Name of the state that would answer now."""
        return self.house.desk.states.current.name

    async def do(self, work: Callable[[State, Room], Result], lane: Lane | None = None) -> Result:
        """Do work in a line, by default that of questions.

        Raises:
            ProblemError: one sentence says why there is no result.
        """
        desk = self.house.desk
        try:
            found, _ = await desk.do(
                lane or desk.questions, lambda state: work(state, self.house.rooms.of(state))
            )
        except ProblemError:
            raise
        except Exception:
            _log.exception("the page could not be answered")
            raise ProblemError(500, FAILED) from None
        return found

    async def take(self, name: str, content: bytes) -> int:
        """Keep a file, and give its number.

        Raises:
            ProblemError: it is neither a picture nor a sound.
        """
        return await self.do(lambda state, room: self.shelf.take(name, content), self.house.pictures)
