"""How people come in to the page where a token is demanded: they type it once, and a cookie vouches for them.

The token itself is in no address, no cookie and no page. The cookie is worth nothing for the endpoints of
programs, and no page from elsewhere can make a browser use it.
"""

from __future__ import annotations

import hmac
import time
from html import escape
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

PAGE = "/page"
"""Where the page is; all that belongs to it lies below."""
ENTER, LEAVE = PAGE + "/enter", PAGE + "/leave"
MEDIA = "/entity/media"
"""Pictures and sounds, which the page shows as well."""
COOKIE = "sensegraph"
LASTS = 12 * 3600
"""Seconds until the token has to be typed again."""
LONGEST = 1_000
"""Characters of what may be typed."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class Door:
    """Knows who was let in.

    Args:
        token: what has to be typed; None lets in everybody.
    """

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    @property
    def is_locked(self) -> bool:
        """Whether a token is demanded."""
        return self._token is not None

    def enter(self, typed: str, scope: Scope) -> Response:
        """To the page with a cookie, or the form again."""
        given = typed.strip().encode("utf-8", "replace")
        if self._token is None or not hmac.compare_digest(given, self._token):
            return login(401, "This is not the token of this service.")
        response = RedirectResponse(f"{PAGE}/", 303)
        response.set_cookie(
            COOKIE,
            self._vouched(int(time.time()) + LASTS),
            max_age=LASTS,
            httponly=True,
            samesite="strict",
            secure=scope.get("scheme") == "https",
        )
        return response

    def admits(self, scope: Scope, headers: Headers) -> bool:
        """Whether a request without the token may go on: to the form, or with the cookie to the page."""
        path = scope["path"]
        if path == ENTER:
            return True
        if not is_of_page(path) and not (path == MEDIA and scope.get("method") in ("GET", "HEAD")):
            return False
        return self._is_known(_cookie(headers))

    def is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """Whether a page from elsewhere makes a browser ask: it would act in the name of who sits there."""
        origin = headers.get("origin")
        if origin is None or not is_of_page(scope["path"]):
            return False
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()

    def is_for_people(self, scope: Scope, headers: Headers) -> bool:
        """Whether a browser asks for the page itself: it is answered by the form."""
        asked = scope.get("method") == "GET" and "text/html" in headers.get("accept", "")
        return asked and (is_of_page(scope["path"]) or scope["path"] == "/")

    def _is_known(self, cookie: str) -> bool:
        until, _, _ = cookie.partition(".")
        if self._token is None or not until.isascii() or not until.isdecimal() or len(until) > 12:
            return False
        same = hmac.compare_digest(cookie.encode("utf-8", "replace"), self._vouched(int(until)).encode())
        return same and int(until) > time.time()

    def _vouched(self, until: int) -> str:
        """What only who knows the token can write, good until a time in seconds since 1970."""
        mark = hmac.new(self._token or b"", f"page until {until}".encode(), "sha256").hexdigest()
        return f"{until}.{mark}"


def is_of_page(path: str) -> bool:
    """Whether a path is that of the page or of what belongs to it."""
    return path == PAGE or path.startswith(PAGE + "/")


def leave() -> Response:
    """To the form, the cookie taken away."""
    response = RedirectResponse(f"{PAGE}/", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def login(status: int, problem: str = "") -> Response:
    """The form that asks for the token; it needs no script."""
    told = f'<p role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    form = Template(files("pipelines.service").joinpath("login.html").read_text(encoding="utf-8"))
    page = form.substitute(told=told, described=described, enter=ENTER, longest=LONGEST)
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(page, status, headers=headers)
