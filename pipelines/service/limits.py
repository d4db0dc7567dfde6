"""Who may ask a service, and how much: the token, the names of the host, the length and pace of a body."""

from __future__ import annotations

import asyncio
import hmac
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.service.door import Door, login
from pipelines.service.problems import problem

SECONDS = 30.0
"""Longest that a client may take for the next piece of its body."""
SHORTEST = 16
"""Characters of a token at least."""
OPEN = "/health"
"""The path that tells everybody whether the service is alive."""


def read_token(path: Path) -> str:
    """The token that a file holds.

    Raises:
        ValueError: it cannot be read, others can read it, or it is too short.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"expected a file with a token in plain ASCII (got {path})") from None
    if mode & 0o077:
        raise ValueError(
            f"expected a token that only you can read (got {path}, mode {mode & 0o777:o}): chmod 600 {path}"
        )
    if len(text) < SHORTEST or len(text.split()) != 1:
        raise ValueError(
            f"expected a token of {SHORTEST} characters or more without blanks in {path} (got "
            f"{len(text)}): head -c 24 /dev/urandom | base64 > {path}"
        )
    return text


class Guard:
    """Lets requests in that carry the token; where there is none, those that call this machine by its name.

    A page from elsewhere could else make a browser ask a service on loopback under a name of its own.

    Args:
        app: what is guarded.
        token: what requests carry; None for none.
        hosts: names of this machine.
        door: lets people in to the page, if there is one.
    """

    def __init__(
        self, app: ASGIApp, token: str | None, hosts: frozenset[str], door: Door | None = None
    ) -> None:
        self._app, self._hosts, self._door = app, hosts, door
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] not in ("http", "websocket") or scope["path"] == OPEN:
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await refusal(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request is not let in; None if it is."""
        if self._door is not None and self._door.is_foreign(scope, headers):
            return problem(403, "expected a page of this service to ask (got the header Origin of another)")
        if self._token is None:
            if _host(headers.get("host", "")) not in self._hosts:
                return problem(421, "expected the name of this machine in the header Host (got another)")
        elif not self._carries(headers) and not (self._door and self._door.admits(scope, headers)):
            if self._door is not None and self._door.is_for_people(scope, headers):
                return login(401)
            told = {"WWW-Authenticate": 'Bearer realm="sensegraph"'}
            return problem(401, "expected the token in the header Authorization: Bearer TOKEN", told)
        return None

    def _carries(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # compared without telling by time how much of it is right
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token or b"")
        return scheme.lower() == "bearer" and same


def _host(header: str) -> str:
    """The name in a Host header, without the port."""
    name, colon, port = header.rpartition(":")
    return (name if colon and port.isdecimal() else header).strip("[]").lower()


class BodyLimit:
    """Refuses bodies that are too long, packed, or sent too slowly.

    Args:
        app: what reads them.
        most: octets of a body.
        uploads: of the paths that take files, octets of a body; a path that ends with a slash is a folder.
    """

    def __init__(self, app: ASGIApp, most: int, uploads: dict[str, int]) -> None:
        self._app, self._most, self._uploads = app, most, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, with a body that is watched."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, most = Headers(scope=scope), self._limit(scope["path"])
        if headers.get("content-encoding", "identity").lower() != "identity":
            refusal = problem(415, "expected a body that is not packed (got a Content-Encoding)")
            return await refusal(scope, receive, send)
        stated = headers.get("content-length", "0")
        if not stated.isdecimal() or len(stated) > 18 or int(stated) > most:
            return await problem(413, _too_long(most))(scope, receive, send)
        return await self._app(scope, _Watched(receive, most), send)

    def _limit(self, path: str) -> int:
        folders = (
            most for start, most in self._uploads.items() if start[-1] == "/" and path.startswith(start)
        )
        return self._uploads.get(path, next(folders, self._most))


class _Watched:
    """What receives a body, and counts it."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._read, self._whole = 0, False

    async def __call__(self) -> Message:
        if self._whole:  # then what comes is the end of the connection, which nobody waits for
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), SECONDS)
        except TimeoutError:
            raise HTTPException(408, f"expected the next piece of the body within {SECONDS:g} s") from None
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._read > self._most:
            raise HTTPException(413, _too_long(self._most))
        return message


def _too_long(most: int) -> str:
    return f"expected a body of at most {most:,} octets (got more)"
