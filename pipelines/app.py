"""The app that a service is: its endpoints for programs, its page for people, and who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from pipelines.service.door import Door
from pipelines.service.endpoints import UPLOAD, Desk, routes
from pipelines.service.lanes import Lane
from pipelines.service.limits import BodyLimit, Guard
from pipelines.service.metrics import Counted, Metrics
from pipelines.service.problems import add_handlers
from pipelines.service.state import States
from pipelines.service.uploads import MOST_OCTETS

WAITING = 64
"""Requests that may wait in a line."""
MOST_BODY = 2**20
"""Octets of a body without files."""


def make_app(
    states: States,
    *,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(("localhost", "127.0.0.1", "::1")),
    waiting: int = WAITING,
    page: bool = False,
) -> FastAPI:
    """The app that answers from a store.

    Args:
        states: the store; the app looks out for newer states of it, and closes it at its end.
        token: what requests have to carry; None lets in all that name one of `hosts`.
        hosts: names of this machine.
        waiting: requests that may wait in a line.
        page: whether there is a page for people as well; one of a process can have it.
    """
    desk = Desk(states, Lane("questions", waiting=waiting), Lane("queries", waiting=waiting))
    door = Door(token) if page else None
    figures = Metrics()
    figures.watch({"questions": desk.questions, "queries": desk.queries})
    states.moved = lambda whole: figures.moves.labels(str(whole).lower()).inc()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        states.start()
        yield
        desk.questions.close()
        desk.queries.close()
        states.close()

    app = FastAPI(
        title="Sensegraph",
        version="1",
        description="Questions that mix texts, pictures and sounds with the facts of a knowledge graph.",
        lifespan=lifespan,
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        # checked by the guard; here it is only described
        dependencies=[] if token is None else [Depends(HTTPBearer(auto_error=False))],
    )
    app.state.desk, app.state.metrics = desk, figures
    app.include_router(routes)
    add_handlers(app)
    uploads = {UPLOAD: 2 * MOST_OCTETS}
    if page:
        from pipelines.page.frame import UPLOADS, add_page

        add_page(app, desk, door)
        uploads[UPLOADS] = 2 * MOST_OCTETS
    app.add_middleware(BodyLimit, most=MOST_BODY, uploads=uploads)
    app.add_middleware(Guard, token=token, hosts=hosts, door=door)
    app.add_middleware(Counted, metrics=figures)
    return app
