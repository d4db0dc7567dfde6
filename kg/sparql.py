"""Facts: the same statements in an Oxigraph store, opened read-only, to constrain answers by SPARQL.

Queries see the union of all graphs, or of those that were stated. They never reach the network: SERVICE is
refused.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pyoxigraph as ox

from kg.inferred import rule_of
from kg.solutions import as_bindings, as_table
from kg.sparql_text import ConstraintError as ConstraintError
from kg.sparql_text import as_select, refuse_other_forms, syntax_error, tokens
from kg.vocabulary import PREFIXES

if TYPE_CHECKING:
    import pyarrow as pa

Result = TypeVar("Result")

SECONDS = 60.0
"""Longest that a query may take."""
SMALL = 100_000
"""Statements up to which a store is worth a copy in memory: half a second and 90 MB at most."""


class Facts:
    """The facts of a loaded graph, for any number of readers at once.

    Args:
        store: An open Oxigraph store.
        prefixes: Those of the loaded data, known in every query.
        seconds: Longest that a query may take; by default SECONDS.
        on_disk: Whether a small store may be copied to memory when it is asked a second time: property
            paths run there in an eighth of the time, and who asks once need not wait for the copy.
    """

    def __init__(
        self,
        store: ox.Store,
        prefixes: Mapping[str, str] | None = None,
        *,
        seconds: float | None = None,
        on_disk: bool = False,
    ) -> None:
        self._store, self._seconds = store, SECONDS if seconds is None else seconds
        self._asked, self._on_disk = 0, on_disk
        self._prefixes = PREFIXES | dict(prefixes or {})

    @classmethod
    def open(cls, folder: str | Path, prefixes: Mapping[str, str] | None = None) -> Facts:
        """Open what `kg.rdf.read(..., facts=folder)` wrote.

        Raises:
            ValueError: There is no such store.
        """
        try:
            if not Path(folder).is_dir():
                raise OSError("no such folder")
            return cls(ox.Store.read_only(str(folder)), prefixes, on_disk=True)
        except OSError as error:
            raise ValueError(f"{folder}: expected a store of facts, build it again (got: {error})") from error

    def __len__(self) -> int:
        return len(self._store)

    def select_entities(
        self, where: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> list[str]:
        """Find the IRIs that a constraint allows as ?x, each once, in the order of the query.

        Args:
            where: A graph pattern, or a whole SELECT that binds ?x. Literals in ?x are left out.
            prefixes: More prefixes to know.
            inferred: Whether it sees what follows from the facts, or only what was stated.

        Raises:
            ConstraintError: It is no such thing, would reach the network or takes too long.
        """
        return within(self._seconds, lambda: self._select_entities(where, prefixes, inferred))

    def _select_entities(self, where: str, prefixes: Mapping[str, str] | None, inferred: bool) -> list[str]:
        refuse_other_forms(where)
        query, lead = as_select(where)
        if not any(token in ("?x", "$x") for _, token in tokens(where)):
            raise ConstraintError(f"expected a constraint that binds ?x (got {where.strip()!r})")
        solutions = self._solutions(query, prefixes, where, lead, inferred)
        if "x" not in {variable.value for variable in solutions.variables}:
            got = ", ".join(str(variable) for variable in solutions.variables)
            raise ConstraintError(f"expected a SELECT that gives ?x (got only {got})")
        found: dict[str, None] = {}
        bound, rows = False, False
        for solution in _carefully(solutions):
            term = solution["x"]
            rows, bound = True, bound or term is not None
            if isinstance(term, ox.NamedNode):
                found[term.value] = None
        if rows and not bound:
            raise ConstraintError(
                "expected a constraint that binds ?x (got solutions, but none with a value for ?x)"
            )
        return list(found)

    def query(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> list[dict[str, str | None]]:
        """Answer a SELECT: a row for each solution, IRIs and literals as text, None if unbound.

        Raises:
            ConstraintError: It is no SELECT, is malformed, would reach the network or takes too long.
        """
        return within(self._seconds, lambda: self._query(sparql, prefixes, inferred))

    def _query(
        self, sparql: str, prefixes: Mapping[str, str] | None, inferred: bool
    ) -> list[dict[str, str | None]]:
        refuse_other_forms(sparql)
        solutions = self._solutions(sparql, prefixes, sparql, 0, inferred)
        names = [variable.value for variable in solutions.variables]
        return [
            {name: getattr(solution[name], "value", None) for name in names}
            for solution in _carefully(solutions)
        ]

    def table(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> pa.Table:
        """Answer a SELECT as a table, a column for each variable (see kg.solutions).

        Raises:
            ConstraintError: It is no SELECT, is malformed, would reach the network or takes too long.
        """
        return within(self._seconds, lambda: self._table(sparql, prefixes, inferred))

    def _table(self, sparql: str, prefixes: Mapping[str, str] | None, inferred: bool) -> pa.Table:
        refuse_other_forms(sparql)
        solutions = self._solutions(sparql, prefixes, sparql, 0, inferred)
        names = [variable.value for variable in solutions.variables]
        return as_table(names, ([solution[name] for name in names] for solution in _carefully(solutions)))

    def bindings(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True, most: int
    ) -> tuple[list[str], list[dict[str, Any]], bool]:
        """Answer a SELECT as SPARQL Results JSON does: variables, solutions, and whether there are more.

        Args:
            sparql: The query.
            prefixes: More prefixes to know.
            inferred: Whether it sees what follows from the facts, or only what was stated.
            most: Solutions at most; no more are looked for.

        Raises:
            ConstraintError: It is no SELECT, is malformed, would reach the network or takes too long.
        """
        return within(self._seconds, lambda: self._bindings(sparql, prefixes, inferred, most))

    def _bindings(
        self, sparql: str, prefixes: Mapping[str, str] | None, inferred: bool, most: int
    ) -> tuple[list[str], list[dict[str, Any]], bool]:
        refuse_other_forms(sparql)
        solutions = self._solutions(sparql, prefixes, sparql, 0, inferred)
        names = [variable.value for variable in solutions.variables]
        terms = ([solution[name] for name in names] for solution in _carefully(solutions))
        found = as_bindings(names, itertools.islice(terms, most + 1))
        return names, found[:most], len(found) > most

    def _solutions(
        self, query: str, prefixes: Mapping[str, str] | None, text: str, lead: int, inferred: bool
    ) -> ox.QuerySolutions:
        """Run a SELECT that stands `lead` lines below the text that the user wrote."""
        known = self._prefixes | dict(prefixes or {})
        try:
            self._come_nearer()
            seen = {"use_default_graph_as_union": True} if inferred else self._stated
            solutions = self._store.query(query, prefixes=known, **seen)
        except SyntaxError as error:
            raise syntax_error(error, text, lead, known) from error
        except (ValueError, RuntimeError, OSError) as error:
            raise ConstraintError(f"expected a query that can be run (got: {error})") from error
        if not isinstance(solutions, ox.QuerySolutions):
            raise ConstraintError(f"expected a graph pattern or a SELECT (got {text.strip()!r})")
        return solutions

    @cached_property
    def _stated(self) -> dict[str, Any]:
        """What to ask so that inferred facts are not seen; naming all graphs would be slow without need."""
        named = list(self._store.named_graphs())
        stated = [name for name in named if rule_of(name.value) is None]
        if len(stated) == len(named):
            return {"use_default_graph_as_union": True}
        return {"default_graph": [ox.DefaultGraph(), *stated], "named_graphs": stated}

    def _come_nearer(self) -> None:
        """Copy a small store to memory once a second question shows that there will be more."""
        self._asked += 1
        if self._on_disk and self._asked == 2 and len(self) <= SMALL:
            memory = ox.Store()
            memory.bulk_extend(self._store)
            self._store = memory  # at the end: others may be reading


def within(seconds: float, ask: Callable[[], Result]) -> Result:
    """Ask in a thread and wait for the answer so long.

    A query cannot be stopped; one that is given up goes on beside, but for the end of the process.

    Raises:
        ConstraintError: It takes longer.
    """
    answer: queue.SimpleQueue[tuple[Result | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        """Hand over what comes back, or what is raised."""
        try:
            answer.put((ask(), None))
        except Exception as error:
            # its frames hold what only this thread may let go of
            error.__traceback__ = error.__cause__ = error.__context__ = None
            answer.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise ConstraintError(
            f"expected a query that is answered within {seconds:g} seconds (it was not): make it narrower"
        ) from None
    if error is not None:
        raise error
    return cast(Result, result)


def _carefully(solutions: ox.QuerySolutions) -> Iterator[ox.QuerySolution]:
    """Iterate over solutions; some errors only show on the way."""
    try:
        yield from solutions
    except (ValueError, RuntimeError, OSError) as error:
        raise ConstraintError(f"expected a query that can be run (got: {error})") from error
