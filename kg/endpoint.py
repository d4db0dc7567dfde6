"""A SPARQL 1.1 endpoint as a stream of statements, page by page.

It reads the default graph as the endpoint shows it. That it may be asked at all is decided outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pyoxigraph as ox

from kg.source import RdfError
from kg.sparql_client import SparqlClient

_QUERY = "SELECT ?s ?p ?o WHERE {{ ?s ?p ?o }} ORDER BY ?s ?p ?o LIMIT {limit} OFFSET {offset}"


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
        self._client = SparqlClient(url, attempts=attempts, pause=pause, timeout=timeout)

    def quads(self, skip: Callable[[str], None] | None) -> Iterator[ox.Quad]:
        """Stream the statements page by page until a page is empty, as servers may cap pages."""
        offset = 0
        while True:
            rows = 0
            for solution in self._client.select(_QUERY.format(limit=self._page, offset=offset)):
                rows += 1
                try:
                    quad = ox.Quad(solution["s"], solution["p"], solution["o"])
                except (KeyError, TypeError, ValueError) as error:
                    raise self._client.unexpected("a row that is no statement") from error
                yield quad
            if rows == 0:
                return
            offset += rows

    def explained(self, error: Exception) -> RdfError:
        """Say what an error met while streaming means."""
        return self._client.unexpected(str(error))

    def prefixes(self) -> dict[str, str]:
        """Results declare none."""
        return {}

    def digest(self) -> str:
        """Hash the address: blank nodes are named within one reading."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]

    def close(self) -> None:
        """Nothing stays open between two pages."""
