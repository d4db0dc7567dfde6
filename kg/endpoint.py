"""A SPARQL 1.1 endpoint as a stream of statements: paged, patient with busy servers.

It reads the default graph as the endpoint shows it. That it may be asked at all is decided outside.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pyoxigraph as ox

from kg.source import RdfError

_QUERY = "SELECT ?s ?p ?o WHERE {{ ?s ?p ?o }} ORDER BY ?s ?p ?o LIMIT {limit} OFFSET {offset}"
_RESULTS = "application/sparql-results+json"
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_LONGEST = 60.0  # seconds to wait at most between two tries, whatever the server asks for


class Endpoint:
    """An endpoint under an http(s) URL.

    Args:
        url: Where it listens.
        page: Rows to ask for at a time; a server may give fewer.
        attempts: How often to ask for a page before giving up.
        pause: Seconds before the second attempt; doubled each time.
        timeout: Seconds to wait for an answer.
    """

    def __init__(
        self,
        url: str,
        *,
        page: int = 10_000,
        attempts: int = 5,
        pause: float = 1.0,
        timeout: float = 120.0,
    ) -> None:
        self.name = url
        self._page = page
        self._attempts = attempts
        self._pause = pause
        self._timeout = timeout

    def quads(self, skip: Callable[[str], None] | None) -> Iterator[ox.Quad]:
        """Stream the statements page by page until a page is empty, as servers may cap pages."""
        offset = 0
        while True:
            rows = 0
            for solution in self._solutions(offset):
                rows += 1
                try:
                    quad = ox.Quad(solution["s"], solution["p"], solution["o"])
                except (KeyError, TypeError, ValueError) as error:
                    raise self._unexpected("a row that is no statement") from error
                yield quad
            if rows == 0:
                return
            offset += rows

    def _solutions(self, offset: int) -> ox.QuerySolutions:
        """Ask for one page."""
        body = self._answer(_QUERY.format(limit=self._page, offset=offset))
        try:
            solutions = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
        except (SyntaxError, ValueError) as error:
            raise self._unexpected(f"an answer that cannot be read: {error}") from error
        if not isinstance(solutions, ox.QuerySolutions):
            raise self._unexpected("an answer to another kind of query")
        return solutions

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
                    raise self._unexpected(problem) from error
            except (OSError, http.client.IncompleteRead, http.client.BadStatusLine) as error:
                wait, problem = "", str(getattr(error, "reason", error)) or type(error).__name__
            except http.client.InvalidURL as error:
                raise self._unexpected(f"no URL: {error}") from error
            if attempt + 1 < self._attempts:
                asked = float(wait) if wait.isdigit() else 0.0
                time.sleep(min(_LONGEST, max(asked, self._pause * 2**attempt)))
        raise self._unexpected(f"{problem} after {self._attempts} attempts")

    def _sent(self, query: str) -> bytes:
        """Send a query once and give the body of the answer."""
        request = urllib.request.Request(
            self.name,
            data=urllib.parse.urlencode({"query": query}).encode(),
            headers={"Accept": _RESULTS, "User-Agent": "sensegraph"},
        )
        with urllib.request.urlopen(request, timeout=self._timeout) as response:
            kind = response.headers.get_content_type()
            body: bytes = response.read()
        if kind not in (_RESULTS, "application/json"):
            raise self._unexpected(f"an answer of type {kind}")
        return body

    def _unexpected(self, got: str) -> RdfError:
        """Say what came instead of results."""
        return RdfError(f"{self.name}: expected SPARQL results in JSON (got {got})")

    def explained(self, error: Exception) -> RdfError:
        """Say what an error met while streaming means."""
        return self._unexpected(str(error))

    def prefixes(self) -> dict[str, str]:
        """Results declare none."""
        return {}

    def digest(self) -> str:
        """Hash the address: blank nodes are named within one reading."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]

    def close(self) -> None:
        """Nothing stays open between two pages."""
