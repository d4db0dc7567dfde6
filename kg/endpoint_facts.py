"""Facts at a SPARQL 1.1 endpoint: the same questions as `kg.sparql.Facts` answers, asked over HTTP.

A constraint comes in pages, so that a server that caps its answers hides nothing. What is no constraint is
told before anything is sent. It sees the graphs that the endpoint shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyoxigraph as ox

from kg.solutions import as_bindings, as_table
from kg.source import RdfError
from kg.sparql import SECONDS, Facts, within
from kg.sparql_client import SparqlClient
from kg.sparql_text import ConstraintError, EndpointError, as_select, tokens, with_prefixes
from kg.vocabulary import PREFIXES

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = 10_000
"""Solutions asked for at a time; a server may give fewer."""
_NONE = "expected a constraint that binds ?x (got solutions, but none with a value for ?x)"


class EndpointFacts:
    """The facts of an endpoint; nothing is asked of it before a question needs it.

    Args:
        url: where it listens, http or https.
        seconds: longest that a question may take, all its pages and attempts together.
        page: solutions of a constraint to ask for at a time.
        attempts: how often to ask for a page before giving up.
        pause: seconds before the second attempt; doubled each time.

    Raises:
        ValueError: that is no address of an endpoint.
    """

    def __init__(
        self,
        url: str,
        *,
        seconds: float | None = None,
        page: int = PAGE,
        attempts: int = 3,
        pause: float = 0.5,
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError(f"expected the http(s) URL of a SPARQL endpoint for the facts (got {url!r})")
        self.url, self._page = url, page
        self._seconds = SECONDS if seconds is None else seconds
        self._client = SparqlClient(url, attempts=attempts, pause=pause, timeout=self._seconds)
        self._empty = Facts(ox.Store())  # knows what is malformed as the store's own facts do

    def select_entities(
        self, where: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> list[str]:
        """Find the IRIs that a constraint allows as ?x, each once, sorted as the endpoint sorts.

        Raises:
            ConstraintError: it is no such thing, would reach further, or takes too long.
            EndpointError: the endpoint is away, or does not speak SPARQL.
        """
        self._empty.select_entities(where, prefixes)
        _refuse_stated(inferred)
        if any(kind == "word" and token.upper() == "FROM" for kind, token in tokens(where)):
            raise ConstraintError("expected a constraint without FROM, as it comes in pages (got one)")
        prologue, rest = with_prefixes(as_select(where)[0], PREFIXES | dict(prefixes or {}))
        query = f"{prologue}\nSELECT DISTINCT ?x WHERE {{ {{\n{rest}\n}} }} ORDER BY ?x LIMIT {self._page}"
        return within(self._seconds, lambda: self._entities(query))

    def _entities(self, query: str) -> list[str]:
        """Ask page by page until a page is empty."""
        found: dict[str, None] = {}
        bound, offset = False, 0
        while True:
            rows = 0
            for (term,) in self._rows(f"{query} OFFSET {offset}", ["x"]):
                rows, bound = rows + 1, bound or term is not None
                if isinstance(term, ox.NamedNode):
                    found[term.value] = None
            if not rows:
                if offset and not bound:
                    raise ConstraintError(_NONE)
                return list(found)
            offset += rows

    def table(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> pa.Table:
        """Answer a SELECT as a table, a column for each variable; a cap of the server cuts it.

        Raises:
            ConstraintError: see `select_entities`.
        """
        names, query = self._checked(sparql, prefixes, inferred)
        return within(self._seconds, lambda: as_table(names, self._rows(query, names)))

    def bindings(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True, most: int
    ) -> tuple[list[str], list[dict[str, Any]], bool]:
        """Answer a SELECT as SPARQL Results JSON does: variables, solutions, and whether there are more.

        Raises:
            ConstraintError: see `select_entities`.
        """
        names, query = self._checked(sparql, prefixes, inferred)
        few = within(
            self._seconds,
            lambda: as_bindings(names, itertools.islice(self._rows(query, names), most + 1)),
        )
        return names, few[:most], len(few) > most

    def close(self) -> None:
        """Nothing stays open between two questions."""

    def _checked(
        self, sparql: str, prefixes: Mapping[str, str] | None, inferred: bool
    ) -> tuple[list[str], str]:
        """The variables of a SELECT and its text with all prefixes, if it is one."""
        names, _, _ = self._empty.bindings(sparql, prefixes, most=0)
        _refuse_stated(inferred)
        return names, "\n".join(with_prefixes(sparql, PREFIXES | dict(prefixes or {})))

    def _rows(self, query: str, names: Sequence[str]) -> Iterator[list[Any]]:
        """The terms of each solution, None where one is unbound."""
        try:
            for solution in self._client.select(query):
                yield [solution[name] for name in names]
        except RdfError as error:
            raise EndpointError(f"{error}: a search without a constraint needs no endpoint") from error
        except (SyntaxError, ValueError) as error:
            raise EndpointError(str(self._client.unexpected(f"damaged solutions: {error}"))) from error


def _refuse_stated(inferred: bool) -> None:
    """An endpoint does not tell apart what was stated."""
    if not inferred:
        raise ConstraintError(
            "expected a constraint on all that the endpoint shows (got one on what was stated alone)"
        )
