"""What a service says when it cannot answer: one sentence as RFC 9457 has it, never a traceback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """There is no answer: a status, and why in one sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


class ProblemResponse(JSONResponse):
    """A problem; plain ASCII, as the sentence may repeat whatever was sent."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """JSON that can always be written."""
        import json

        return json.dumps(content).encode("ascii")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The response that tells a problem."""
    title = HTTPStatus(status).phrase
    content = Problem(title=title, status=status, detail=detail).model_dump()
    return ProblemResponse(content, status, headers=None if headers is None else dict(headers))


def add_handlers(app: FastAPI) -> None:
    """Let an app tell all its problems so."""

    @app.exception_handler(ProblemError)
    async def of_ours(request: Request, error: ProblemError) -> ProblemResponse:
        return problem(error.status, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> ProblemResponse:
        return problem(422, sentence(error.errors()))

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> ProblemResponse:
        allowed = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow")
        detail = {
            404: "expected one of the paths in /openapi.json (got another one)",
            405: f"expected the method {allowed} for this path (got {request.method})",
        }.get(error.status_code, str(error.detail))
        return problem(error.status_code, detail, error.headers)

    @app.exception_handler(Exception)
    async def of_all(request: Request, error: Exception) -> ProblemResponse:
        return problem(500, "an error of the service, not of the request; its log tells more")


def sentence(errors: Sequence[Any]) -> str:
    """What is wrong with a request, the first of all there is: where, and what was expected."""
    first = errors[0]
    place = ".".join(str(part)[:80] for part in first["loc"])
    more = f"; {len(errors) - 1} more like this" if len(errors) > 1 else ""
    reason = str(first["msg"])[:300]
    return f"expected a request as /openapi.json describes it (in {place}: {reason}{more})"
