"""Patterns of facts asked of a store in two steps: the few rows of the vocabulary first, the things for each.

A join of both would leave the order to the engine, which does not know which of them is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyoxigraph as ox

from kg.vocabulary import PREFIXES

Row = Mapping[str, Any]
"""Terms by the name of their variable."""


def rows(store: ox.Store, where: str, known: Row | None = None) -> Iterator[Row]:
    """Ask a pattern in which some variables are known already; these are in what comes back."""
    known = known or {}
    if not where:
        yield known
        return
    given = {ox.Variable(name): term for name, term in known.items() if f"?{name}" in where}
    solutions = store.query(
        f"SELECT * WHERE {{ {where} }}",
        prefixes=PREFIXES,
        use_default_graph_as_union=True,
        substitutions=given,
    )
    assert isinstance(solutions, ox.QuerySolutions)
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        yield {**known, **{name: solution[name] for name in names if solution[name] is not None}}


def filled(template: str, row: Row) -> tuple[Any, Any, Any]:
    """Put terms in place of the variables and names of `?x rdf:type ?c`."""
    head, relation, tail = (
        row[part[1:]] if part.startswith("?") else named(part) for part in template.split()
    )
    return head, relation, tail


def named(name: str) -> ox.NamedNode:
    """Give the IRI of a name as rdf:type."""
    prefix, _, local = name.partition(":")
    return ox.NamedNode(PREFIXES[prefix] + local)


def listed(store: ox.Store, node: Any) -> list[Any]:
    """Give the members of an RDF list; one that goes round ends where it began."""
    members, seen = [], set()
    while node is not None and node not in seen:
        seen.add(node)
        members += [quad.object for quad in store.quads_for_pattern(node, named("rdf:first"), None, None)][:1]
        rest = store.quads_for_pattern(node, named("rdf:rest"), None, None)
        node = next((quad.object for quad in rest), None)
    return members
