"""Declared hierarchies: which facts set one thing below another, and where such an order goes round.

Arrays only. skos:broader, rdfs:subClassOf and their like are known (`kg.vocabulary`); a user may name more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from kg.graph import KnowledgeGraph
from kg.vocabulary import DEFAULT, PREFIXES, Vocabulary

MOST = 1_000
"""Knots that are listed."""

_REFLEXIVE = frozenset(PREFIXES["rdfs"] + name for name in ("subClassOf", "subPropertyOf"))
"""By these each thing is below itself rightfully."""


@dataclass(frozen=True)
class Hierarchy:
    """What is below what, by the stated facts of the hierarchical relations.

    Shapes: ``upward (k,)`` directed relations that lead from what is below to what is above, where
    ``r + num_relations`` is the inverse of ``r``; ``steps (s, 3)`` as below, relation, above;
    ``knot (n,)`` is the same number for entities that are below each other, where the order goes round.
    """

    upward: NDArray[np.int64]
    steps: NDArray[np.int64]
    knot: NDArray[np.int64]


def hierarchy_of(
    graph: KnowledgeGraph,
    more: Sequence[str] = (),
    vocabulary: Vocabulary = DEFAULT,
    facts: NDArray[np.int64] | None = None,
) -> Hierarchy:
    """Find the hierarchical relations of a graph.

    Args:
        graph: the facts; those that were inferred are left out.
        more: IRIs of further relations, each from what is below to what is above.
        vocabulary: which relations are hierarchical anyway.
        facts: ``(t, 3)``, those of the graph that count; by default all.

    Raises:
        ValueError: the graph does not have a relation of `more`.
    """
    told = {graph.relation_id(iri) for iri in more}
    relations = list(enumerate(graph.relations.to_pylist()))
    up = sorted(told | {place for place, iri in relations if vocabulary.has("broader", iri)})
    down = sorted({place for place, iri in relations if vocabulary.has("narrower", iri)} - told)
    triples = graph.stated().triples if facts is None else facts
    steps = np.concatenate(
        [triples[np.isin(triples[:, 1], up)], triples[np.isin(triples[:, 1], down)][:, ::-1]]
    )
    size = (graph.num_entities, graph.num_entities)
    below = scipy.sparse.csr_array((np.ones(len(steps), dtype=bool), (steps[:, 0], steps[:, 2])), size)
    knot = connected_components(below, connection="strong")[1]
    upward = np.array([*up, *(place + graph.num_relations for place in down)], dtype=np.int64)
    return Hierarchy(upward, steps, knot.astype(np.int64))


def cycles(graph: KnowledgeGraph, hierarchy: Hierarchy) -> list[dict[str, Any]]:
    """Find where the order goes round, once for each knot, as relation and entities, the first again last."""
    low, relation, high = hierarchy.steps.T
    reflexive = [place for place, iri in enumerate(graph.relations.to_pylist()) if iri in _REFLEXIVE]
    tied = (hierarchy.knot[low] == hierarchy.knot[high]) & ((low != high) | ~np.isin(relation, reflexive))
    steps = hierarchy.steps[tied]
    steps = steps[np.lexsort(steps.T[::-1])]
    knots, first = np.unique(hierarchy.knot[steps[:, 0]], return_index=True)
    out = []
    for knot in knots[np.argsort(first)][:MOST]:
        around = _around(steps[hierarchy.knot[steps[:, 0]] == knot])
        names = {graph.relations[number].as_py() for _, number, _ in around}
        entities = [graph.entities[low].as_py() for low, _, _ in [*around, around[0]]]
        out.append({"relation": " and ".join(sorted(names)), "entities": entities})
    return out


def _around(steps: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """One way round in a knot, from its first entity; of several facts between two the first."""
    import networkx

    part = networkx.DiGraph()
    for low, relation, high in steps.tolist():
        if not part.has_edge(low, high):
            part.add_edge(low, high, relation=relation)
    around = networkx.find_cycle(part, min(part))
    return [(low, part.edges[low, high]["relation"], high) for low, high in around]
