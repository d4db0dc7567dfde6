"""Which entities may be the missing end of a fact: by domain, range, disjoint classes, and types seen there.

RDF states no closed world: an entity without any stated type contradicts no class. Arrays only.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.vocabulary import PREFIXES, RDF_TYPE

_RDFS, _OWL = PREFIXES["rdfs"], PREFIXES["owl"]
Mask = NDArray[np.bool_]


class Candidates:
    """The candidates of each directed relation: ``r + num_relations`` asks for heads of ``r``."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._graph, self._size = graph, graph.num_entities
        self._relations = {iri: number for number, iri in enumerate(graph.relations.to_pylist())}

    def of(self, relation: int) -> tuple[Mask, str]:
        """Which entities may be the answer, and by which constraint, in words; ``(n,) bool``.

        Terms of the schema are candidates only where they were seen. Of the rest, what stated classes leave;
        of that, entities of a type that was seen in this place,
        if one was. A constraint that leaves nobody is dropped.
        """
        kept, said = np.ones(self._size, dtype=bool), []
        for name, narrowed in (
            ("things or terms of the schema", self._by_schema(relation)),
            ("stated classes", self._by_statement(relation)),
            ("types seen there", self._by_custom(relation)),
        ):
            if narrowed is not None and (kept & narrowed).any() and not narrowed[kept].all():
                kept &= narrowed
                said.append(name)
        return kept, " and ".join(said) or "none"

    def allows(self, relation: int, entity: int) -> bool:
        """Whether an entity may stand where the query of a directed relation begins."""
        count = self._graph.num_relations
        other = relation + count if relation < count else relation - count
        narrowed = self._by_statement(other)
        return narrowed is None or bool(narrowed[entity])

    def _pairs(self, iri: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Heads and tails of a relation, none where it is not in the graph."""
        number = self._relations.get(iri, -1)
        rows = self._graph.triples[self._graph.triples[:, 1] == number]
        return rows[:, 0], rows[:, 2]

    def _table(self, iri: str) -> scipy.sparse.csr_array:
        pairs = self._pairs(iri)
        return scipy.sparse.csr_array((np.ones(len(pairs[0]), bool), pairs), (self._size, self._size))

    @cached_property
    def _stated(self) -> scipy.sparse.csr_array:
        """Entities by classes as stated."""
        return self._table(RDF_TYPE)

    @cached_property
    def _types(self) -> scipy.sparse.csr_array:
        """Entities by classes, those above the stated ones included."""
        above, types = self._table(_RDFS + "subClassOf"), self._stated
        while True:
            more = (types + types @ above).astype(bool)
            if more.nnz == types.nnz:
                return types
            types = more

    def _by_statement(self, relation: int) -> Mask | None:
        """What rdfs:range, or domain for heads, and owl:disjointWith leave; None where nothing is stated."""
        count = self._graph.num_relations
        kind, number = ("domain", relation - count) if relation >= count else ("range", relation)
        heads, classes = self._pairs(_RDFS + kind)
        prop = int(self._graph.entity_ids([self._graph.relations[number].as_py()])[0])
        stated = classes[heads == prop] if prop >= 0 else classes[:0]
        if not len(stated):
            return None
        typed = self._types.sum(1) > 0
        kept = np.ones(self._size, dtype=bool)
        left, right = self._pairs(_OWL + "disjointWith")
        for wanted in stated.tolist():
            member = self._member(wanted)
            over = np.append(self._above(wanted), wanted)
            for foe in np.concatenate([right[np.isin(left, over)], left[np.isin(right, over)]]).tolist():
                kept &= ~self._member(foe)
            kept &= member | ~typed
        return kept

    def _member(self, one: int) -> Mask:
        return np.asarray(self._types[:, [one]].toarray().ravel() > 0)

    def _above(self, one: int) -> NDArray[np.int64]:
        """Classes above a class."""
        above, reached = self._table(_RDFS + "subClassOf"), {one}
        waiting = [one]
        while waiting:
            fresh = set(above[[waiting.pop()]].indices.tolist()) - reached
            reached |= fresh
            waiting += fresh
        return np.array(sorted(reached - {one}), dtype=np.int64)

    def _seen(self, relation: int) -> NDArray[np.int64]:
        """Entities that answer some query of a directed relation."""
        count = self._graph.num_relations
        rows = self._graph.triples[self._graph.triples[:, 1] == relation % count]
        return np.unique(rows[:, 2 if relation < count else 0])

    @cached_property
    def _terms(self) -> Mask:
        """Classes and properties, by what is stated of them."""
        ends = [self._pairs(RDF_TYPE)[1]]
        for iri in (_RDFS + "subClassOf", _RDFS + "domain", _RDFS + "range", _OWL + "disjointWith"):
            ends += self._pairs(iri)
        found = np.zeros(self._size, dtype=bool)
        found[np.concatenate(ends)] = True
        return found

    def _by_schema(self, relation: int) -> Mask | None:
        """Terms alone where terms alone were seen, things where no term was."""
        seen = self._terms[self._seen(relation)]
        if seen.all() and len(seen):
            return self._terms
        return None if seen.any() else ~self._terms

    def _by_custom(self, relation: int) -> Mask | None:
        """Entities of the stated types that were seen in this place; without a type if such a one was."""
        seen = self._seen(relation)
        if not len(seen):
            return None
        classes = np.unique(self._stated[seen].indices)
        typed = np.asarray(self._stated.sum(1)).ravel() > 0
        kept = np.asarray(self._types[:, classes].sum(1)).ravel() > 0
        return kept | ~typed if (~typed[seen]).any() else kept
