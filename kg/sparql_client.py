"""Asks a SPARQL 1.1 endpoint one query over HTTP: patient with busy servers, within a time and a size.

It knows the protocol and no graph. That it may be asked at all is decided outside.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import pyoxigraph as ox

from kg.source import RdfError

RESULTS = "application/sparql-results+json"
LARGEST = 256 * 2**20
"""Octets of one answer that are taken."""
_END = re.compile(rb"\]\s*\}\s*\}\s*$")
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_LONGEST = 60.0  # seconds to wait at most between two tries, whatever the server asks for


class SparqlClient:
    """An endpoint under an http(s) URL.

    Args:
        url: Where it listens.
        attempts: How often to ask before giving up.
        pause: Seconds before the second attempt; doubled each time.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, url: str, *, attempts: int = 5, pause: float = 1.0, timeout: float = 120.0) -> None:
        self.url = url
        self._attempts, self._pause, self._timeout = attempts, pause, timeout

    def select(self, query: str) -> ox.QuerySolutions:
        """Answer a SELECT.

        Raises:
            RdfError: The endpoint is away or busy for too long, or what comes is no such answer.
        """
        body = _plain(self._answer(query))
        try:
            solutions = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
        except (SyntaxError, ValueError) as error:
            raise self.unexpected(f"an answer that cannot be read: {error}") from error
        if not isinstance(solutions, ox.QuerySolutions):
            raise self.unexpected("an answer to another kind of query")
        return solutions

    def unexpected(self, got: str) -> RdfError:
        """Say what came instead of results."""
        return RdfError(f"{self.url}: expected SPARQL results in JSON (got {got})")

    def _answer(self, query: str) -> bytes:
        """Send a query, again and again while the server is busy or away."""
        for attempt in range(self._attempts):
            try:
                return self._sent(query)
            except urllib.error.HTTPError as error:
                with error:
                    wait = error.headers.get("Retry-After", "") if error.headers else ""
                problem = f"HTTP {error.code} {error.reason}"
                if error.code not in _BUSY:
                    raise self.unexpected(problem) from error
            except (OSError, http.client.IncompleteRead, http.client.BadStatusLine) as error:
                wait, problem = "", str(getattr(error, "reason", error)) or type(error).__name__
            except http.client.InvalidURL as error:
                raise self.unexpected(f"no URL: {error}") from error
            if attempt + 1 < self._attempts:
                asked = float(wait) if wait.isdigit() else 0.0
                time.sleep(min(_LONGEST, max(asked, self._pause * 2**attempt)))
        raise self.unexpected(f"{problem} after {self._attempts} attempts")

    def _sent(self, query: str) -> bytes:
        """Send a query once and give the body of the answer."""
        request = urllib.request.Request(
            self.url,
            data=urllib.parse.urlencode({"query": query}).encode(),
            headers={"Accept": RESULTS, "User-Agent": "sensegraph"},
        )
        with urllib.request.urlopen(request, timeout=self._timeout) as response:
            kind = response.headers.get_content_type()
            body: bytes = response.read(LARGEST + 1)
            if response.length and len(body) <= LARGEST:  # a read with a limit does not tell
                raise http.client.IncompleteRead(body, response.length)
        if kind not in (RESULTS, "application/json"):
            raise self.unexpected(f"an answer of type {kind}")
        if len(body) > LARGEST:
            raise self.unexpected(f"more than {LARGEST >> 20} MB")
        return body


def _plain(body: bytes) -> bytes:
    """The answer without members of the server's own, which the parser does not take behind the results."""
    if _END.search(body[-100:]):
        return body
    try:
        found = json.loads(body)
        kept = {name: found[name] for name in ("head", "boolean", "results") if name in found}
        return json.dumps(kept).encode()
    except (ValueError, TypeError):  # the parser says better what is wrong
        return body
