"""The service: what a request may ask over HTTP, and the line in which it waits for the answer.

Encoders and products use all cores, so one thing is done at a time, but for questions that wait together:
these are answered at once. SPARQL has a line of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, BinaryIO, TypeVar

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import ValidationError

from pipelines.service import answers
from pipelines.service.lanes import BusyError, Lane
from pipelines.service.metrics import Metrics
from pipelines.service.problems import MEDIA_TYPE, Problem, ProblemError, sentence
from pipelines.service.requests import (
    MOST_FACTS,
    Batch,
    Explain,
    Iri,
    PredictFact,
    PredictLabel,
    Search,
    SearchParameters,
    ShortSparql,
    Sparql,
)
from pipelines.service.responses import (
    Answers,
    Entity,
    Explained,
    Found,
    Health,
    Predictions,
    Proposals,
    SparqlResults,
)
from pipelines.service.state import State, States
from pipelines.service.things import media_file, thing
from pipelines.service.together import Together

Result = TypeVar("Result")
UPLOAD = "/search/upload"
RESULTS = "application/sparql-results+json"
STATE = "Sensegraph-State"
"""Header that tells which state of the store answered."""


@dataclass(frozen=True)
class Desk:
    """What the endpoints share: the states, and the lines."""

    states: States
    questions: Lane
    queries: Lane

    @cached_property
    def searches(self) -> Together[State, Search, Found]:
        """Questions in the line of that name."""
        return Together(self.questions, answers.search_each)

    async def search(self, asked: Search, response: Response) -> Found:
        """Answer a question, together with those that wait with it.

        Raises:
            ProblemError: the line is full, or the question has no answer.
        """
        found, response.headers[STATE] = await self._in_line(lambda state: self.searches.submit(state, asked))
        return found

    async def ask(self, lane: Lane, work: Callable[[State], Result], response: Response) -> Result:
        """Do work in a line, and tell in the response which state did it.

        Raises:
            ProblemError: the line is full.
        """
        found, response.headers[STATE] = await self.do(lane, work)
        return found

    async def do(self, lane: Lane, work: Callable[[State], Result]) -> tuple[Result, str]:
        """Do work in a line, on the state of this moment, which is named beside the result.

        Raises:
            ProblemError: the line is full.
        """
        return await self._in_line(lambda state: lane.submit(partial(work, state)))

    async def _in_line(self, submit: Callable[[State], Future[Result]]) -> tuple[Result, str]:
        state = self.states.borrow()
        try:
            future = submit(state)
        except BusyError as error:
            self.states.give_back(state)
            raise ProblemError(503, f"{error}: try again", {"Retry-After": "1"}) from None
        # by the future, as the work goes on even if nobody waits for it any more
        future.add_done_callback(lambda _: self.states.give_back(state))
        return await asyncio.wrap_future(future), state.name


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
routes = APIRouter(
    responses={
        "default": {
            "description": "why there is no answer",
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
    }
)


@routes.get("/search", response_model_exclude_none=True)
async def search_by_address(
    asked: Annotated[SearchParameters, Query()], desk: AtDesk, response: Response
) -> Found:
    """Answer a question that an address can hold."""
    return await desk.search(asked.search(), response)


@routes.post("/search", response_model_exclude_none=True)
async def search(asked: Search, desk: AtDesk, response: Response) -> Found:
    """Answer a question: text, an entity, or both, under a constraint."""
    return await desk.search(asked, response)


@routes.post("/search/batch", response_model_exclude_none=True)
async def search_batch(asked: Batch, desk: AtDesk, response: Response) -> Answers:
    """Answer several questions under one constraint; encoders run once for all."""
    return await desk.ask(desk.questions, partial(answers.search_batch, asked=asked), response)


@routes.post(UPLOAD, response_model_exclude_none=True)
async def search_by_files(
    desk: AtDesk,
    response: Response,
    image: Annotated[UploadFile | None, File(description="a picture to be like")] = None,
    audio: Annotated[UploadFile | None, File(description="a sound to be like")] = None,
    not_image: Annotated[UploadFile | None, File(description="a picture to be unlike")] = None,
    not_audio: Annotated[UploadFile | None, File(description="a sound to be unlike")] = None,
    query: Annotated[str, Form(description="all else, as the JSON that POST /search takes")] = "{}",
) -> Found:
    """Answer a question that shows a picture or a sound."""
    sent = {"image": image, "audio": audio, "not_image": not_image, "not_audio": not_audio}
    files: dict[str, BinaryIO] = {name: one.file for name, one in sent.items() if one is not None}
    try:
        asked = Search.model_validate_json(query)
    except ValidationError as error:
        raise ProblemError(422, sentence(error.errors())) from None
    work = partial(answers.search_by_files, asked=asked, files=files)
    return await desk.ask(desk.questions, work, response)


@routes.post("/explain")
async def explain(asked: Explain, desk: AtDesk, response: Response) -> Explained:
    """Say why entities answer a question: evidence, chains of facts, ranks if something were not so."""
    return await desk.ask(desk.questions, partial(answers.explained, asked=asked), response)


@routes.post("/predict/label")
async def predict_label(asked: PredictLabel, desk: AtDesk, response: Response) -> Predictions:
    """Predict a property that entities lack."""
    return await desk.ask(desk.questions, partial(answers.predicted_label, asked=asked), response)


@routes.post("/predict/fact")
async def predict_fact(asked: PredictFact, desk: AtDesk, response: Response) -> Proposals:
    """Rank what the missing end of a fact may be."""
    return await desk.ask(desk.questions, partial(answers.predicted_fact, asked=asked), response)


@routes.get("/entity", response_model_exclude_none=True)
async def entity(
    entity: Iri, desk: AtDesk, response: Response, facts: Annotated[int, Query(ge=0, le=MOST_FACTS)] = 100
) -> Entity:
    """Tell all that the store has of an entity."""
    return await desk.ask(desk.questions, lambda state: thing(state, entity, most=facts), response)


@routes.get("/entity/media", response_class=FileResponse)
async def entity_media(
    entity: Iri, number: Annotated[int, Query(ge=0, le=10**6)], desk: AtDesk, response: Response
) -> FileResponse:
    """One of an entity's media, as the file is; addresses stand in the answers of /entity."""
    path, kind = await desk.ask(desk.questions, lambda state: media_file(state, entity, number), response)
    closed = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=kind, headers=closed | dict(response.headers))


@routes.get("/sparql", response_model=SparqlResults)
async def sparql(
    query: Annotated[ShortSparql, Query(description="a SELECT")], desk: AtDesk, inferred: bool = True
) -> Response:
    """Answer a SPARQL SELECT over the facts, which it cannot change."""
    return await _select(desk, query, inferred)


@routes.post("/sparql", response_model=SparqlResults)
async def sparql_by_form(
    query: Annotated[Sparql, Form(description="a SELECT")],
    desk: AtDesk,
    inferred: Annotated[bool, Form()] = True,
) -> Response:
    """Answer a SPARQL SELECT that is too long for an address."""
    return await _select(desk, query, inferred)


@routes.get("/health", response_model_exclude_none=True)
async def health(desk: AtDesk) -> Health:
    """Say that the service answers; open to everybody."""
    state = desk.states.current
    newer = None if desk.states.problem is None else "it cannot be read: the log tells why"
    return Health(entities=state.store.graph.num_entities, state=state.name, loaded=state.loaded, newer=newer)


@routes.get("/metrics", response_class=Response)
async def metrics(request: Request, desk: AtDesk) -> Response:
    """Figures for Prometheus."""
    found: Metrics = request.app.state.metrics
    found.loaded.set(desk.states.current.loaded)
    found.entities.set(desk.states.current.store.graph.num_entities)
    return Response(found.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _select(desk: Desk, query: str, inferred: bool) -> Response:
    out = Response(media_type=RESULTS)
    work = partial(answers.sparql, query=query, inferred=inferred)
    found = await desk.ask(desk.queries, work, out)
    return Response(found.model_dump_json(), media_type=RESULTS, headers={STATE: out.headers[STATE]})
