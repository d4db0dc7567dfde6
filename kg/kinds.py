"""What is of a kind, by the facts: all that is under a class or concept in a declared hierarchy.

Three steps, as the property path `?x about?/type?/broader* kind` has them: down the hierarchy of classes and
concepts, to their instances, to what is about any of these. It follows no other facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.inferred import is_inferred
from kg.vocabulary import DEFAULT, Vocabulary, canonical, expand

Ids = NDArray[np.int64]

MEMBER = expand("rdf:type", "wdt:P31", "schema:category")
"""From a thing to what it is an instance of."""


def members(
    graph: KnowledgeGraph,
    kinds: Iterable[int],
    vocabulary: Vocabulary = DEFAULT,
    *,
    inferred: bool = True,
    hierarchy: Sequence[str] = (),
) -> Ids:
    """Find all that is of some kinds, the kinds among them.

    Args:
        graph: the graph.
        kinds: ids of classes and concepts; any other entity is of its own kind, alone.
        vocabulary: which relations are hierarchical, and which tell what a thing is about.
        inferred: whether facts that follow count, or only stated ones.
        hierarchy: further relations, each from what is below to what is above.

    Shapes:
        (m,) int64, ascending
    """
    facts = graph.triples if inferred else graph.triples[~is_inferred(graph.graphs)[graph.origin]]
    up = _of(facts, graph, vocabulary.broader.union(map(canonical, hierarchy)))
    down = _of(facts, graph, vocabulary.narrower)
    child, parent = np.concatenate((up[:, 0], down[:, 2])), np.concatenate((up[:, 2], down[:, 0]))
    found = new = np.unique(np.fromiter(kinds, dtype=np.int64))
    while len(new):
        new = np.setdiff1d(child[np.isin(parent, new)], found)
        found = np.union1d(found, new)
    for relations in (MEMBER, vocabulary.concept):
        rows = _of(facts, graph, relations)
        found = np.union1d(found, rows[np.isin(rows[:, 2], found), 0])
    return found


def _of(facts: Ids, graph: KnowledgeGraph, relations: Collection[str]) -> Ids:
    """The facts of some relations, whichever way schema.org is spelt."""
    wanted = [i for i, iri in enumerate(graph.relations.to_pylist()) if canonical(iri) in relations]
    rows: Ids = facts[np.isin(facts[:, 1], wanted)]
    return rows
