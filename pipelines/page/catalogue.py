"""What a person can pick of a store: its classes, the relations of their members, and the values of these.

Counts are of members; what is broader than a value is offered as well, as all below it then counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse
from numpy.typing import NDArray

from kg.vocabulary import RDF_TYPE, canonical
from pipelines.page.pattern import Literal, Names
from pipelines.search.explain import last_word

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph
    from kg.vocabulary import Vocabulary

MOST_VALUES = 5_000
"""Literals of a relation that can be picked."""
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """Something that can be picked: an IRI or a literal, what it is called, and how many members have it."""

    value: str | Literal
    label: str
    count: int

    @property
    def shown(self) -> str:
        """Its name with the count."""
        return f"{self.label} ({self.count:,})"


@dataclass(frozen=True)
class Offer:
    """What a relation can be picked with: values, or a range of numbers."""

    values: Sequence[Choice] = ()
    least: float | None = None
    most: float | None = None


@dataclass
class Catalogue:
    """What can be picked of one graph; each part is made when it is first asked for.

    Args:
        graph: the graph.
        labels: a label for each entity.
        vocabulary: which relations are hierarchical, and which predicates are words.
        hierarchy: further relations, each from what is below to what is above.
        things: ids of what may answer where nothing is picked.
    """

    graph: KnowledgeGraph
    labels: Sequence[str]
    vocabulary: Vocabulary
    hierarchy: Sequence[str]
    things: Ids
    _offers: dict[tuple[str | None, str], Offer] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        """How patterns write its IRIs."""
        relations = self.graph.relations.to_pylist()
        broader = self.vocabulary.broader.union(map(canonical, self.hierarchy))
        up = [iri for iri in relations if canonical(iri) in broader]
        down = [iri for iri in relations if canonical(iri) in self.vocabulary.narrower]
        return Names(self.graph.prefixes, up, down, self._terms)

    @property
    def _terms(self) -> list[str]:
        """Classes of vocabulary, unless there is nothing but vocabulary."""
        _, kinds = self.graph.types()
        if np.isin(self.things, kinds).any():
            return []
        iris = self.graph.entities.take(np.unique(kinds)).to_pylist()
        return [iri for iri in iris if self.vocabulary.has("schema_types", iri)]

    @cached_property
    def classes(self) -> list[Choice]:
        """The classes, those of what may answer first, the most frequent first."""
        entities, kinds = self.graph.types()
        of_things = set(kinds[np.isin(entities, self.things)].tolist())
        counts = Counter(kinds.tolist()).most_common()
        ordered = sorted(counts, key=lambda pair: (pair[0] not in of_things, -pair[1]))
        named = self.named([place for place, _ in ordered], [count for _, count in ordered])
        return [replace(one, label=_of_class(one)) for one in named]

    def members(self, kind: str | None) -> Ids:
        """Ids of the members of a class, those of classes below included; of None, all that may answer."""
        if kind is None:
            return self.things
        from kg.kinds import members

        place = self.graph.entity_id(kind)
        entities, kinds = self.graph.types()
        below = members(self.graph, [place], self.vocabulary, hierarchy=self.hierarchy)
        found: Ids = np.unique(entities[np.isin(kinds, below)])
        return found

    def relations(self, kind: str | None) -> list[Choice]:
        """Relations and properties that members of a class have, the most frequent first; no words."""
        own = self.members(kind)
        facts = self.graph.triples[np.isin(self.graph.triples[:, 0], own)]
        pairs = np.unique(facts[:, :2], axis=0)
        iris = self.graph.relations.to_pylist()
        counts = Counter({iris[place]: n for place, n in Counter(pairs[:, 1].tolist()).items()})
        del counts[RDF_TYPE]  # the class says it
        literals = self._properties
        mine = literals.filter(pc.is_in(literals["entity"], value_set=pa.array(own)))
        for row in mine.group_by("predicate").aggregate([("entity", "count_distinct")]).to_pylist():
            counts[row["predicate"]] += row["entity_count_distinct"]
        return [Choice(iri, readable(iri), count) for iri, count in counts.most_common()]

    def offer(self, kind: str | None, relation: str) -> Offer:
        """What a relation of a class's members can be picked with."""
        if (kind, relation) not in self._offers:
            self._offers[kind, relation] = self._offer(self.members(kind), relation)
        return self._offers[kind, relation]

    def _offer(self, own: Ids, relation: str) -> Offer:
        entities = self._counted(own, relation)
        mine = self._properties.filter(pc.equal(self._properties["predicate"], relation))
        mine = mine.filter(pc.is_in(mine["entity"], value_set=pa.array(own)))
        numbers = _numbers(mine)
        if len(numbers) > 1 and not entities:
            return Offer(least=float(numbers.min()), most=float(numbers.max()))
        return Offer(entities + _literals(mine))

    def values_of(self, place: int, relation: str) -> list[Choice]:
        """The entities that a relation leads one entity to, what is broader left out."""
        at = pc.index(self.graph.relations, relation).as_py()
        facts = self.graph.triples[(self.graph.triples[:, 0] == place) & (self.graph.triples[:, 1] == at)]
        return self.named(facts[:, 2].tolist(), [1] * len(facts))

    def reach(self, own: Ids, relation: str) -> scipy.sparse.csr_array:
        """Which entities a relation leads members to, what is broader than these included.

        Shapes: ``own (m,)``; the table ``(m, num_entities)`` of truth.
        """
        place = pc.index(self.graph.relations, relation).as_py()
        facts = self.graph.triples[self.graph.triples[:, 1] == place]
        facts = facts[np.isin(facts[:, 0], own)]
        shape = (len(own), self.graph.num_entities)
        fresh = found = _table(np.searchsorted(own, facts[:, 0]), facts[:, 2], shape)
        while fresh.nnz:
            known = found
            found = ((found + fresh @ self._upwards) > 0).tocsr()
            fresh = (found > known).tocsr()
        return found

    def _counted(self, own: Ids, relation: str) -> list[Choice]:
        """Tails and all above them, by how many members have them or what is below them."""
        counts = np.asarray(self.reach(own, relation).sum(axis=0)).ravel()
        order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
        return self.named(order.tolist(), counts[order].tolist())

    @cached_property
    def _upwards(self) -> scipy.sparse.csr_array:
        """From each entity to what is directly broader."""
        iris = self.graph.relations.to_pylist()
        of = [np.isin(self.graph.triples[:, 1], [iris.index(iri) for iri in side]) for side in self._sides]
        up, down = (self.graph.triples[rows] for rows in of)
        below = np.concatenate([up[:, 0], down[:, 2]])
        above = np.concatenate([up[:, 2], down[:, 0]])
        return _table(below, above, (self.graph.num_entities,) * 2)

    @property
    def _sides(self) -> tuple[Sequence[str], Sequence[str]]:
        return self.names.up, self.names.down

    @cached_property
    def _properties(self) -> pa.Table:
        """Literals that are no words: those are what questions are for."""
        literals = self.graph.literals
        words = [
            iri
            for iri in literals["predicate"].unique().to_pylist()
            if any(self.vocabulary.has(role, iri) for role in ("label", "alt_label", "text"))
        ]
        return literals.filter(
            pc.invert(pc.is_in(literals["predicate"], value_set=pa.array(words, pa.string())))
        )

    def named(self, places: Sequence[int], counts: Sequence[int]) -> list[Choice]:
        """Entities with their labels; those of one label are told apart by their IRIs."""
        same = Counter(self.labels[place] for place in places)
        out = []
        for place, count in zip(places, counts, strict=True):
            iri, label = self.graph.entities[place].as_py(), self.labels[place]
            own = last_word(iri)
            if same[label] > 1 and own != label:
                label = f"{label}, {own}"
            out.append(Choice(iri, label, int(count)))
        return out


def readable(iri: str) -> str:
    """The last word of a relation's IRI as words: ``hasPart`` is *has part*."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last_word(iri)).replace("_", " ")
    return word if word.isupper() else word.lower()


def _of_class(one: Choice) -> str:
    return readable(one.label) if one.label == last_word(str(one.value)) else one.label


def _table(rows: Any, columns: Any, shape: tuple[int, int]) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array((np.ones(len(rows), bool), (rows, columns)), shape)


def _numbers(rows: pa.Table) -> NDArray[np.float64]:
    """The values as numbers, or none if one is no number."""
    try:
        found = np.array([float(value) for value in rows["value"].to_pylist()], dtype=np.float64)
    except ValueError:
        return np.empty(0)
    return found if np.isfinite(found).all() else np.empty(0)


def _literals(rows: pa.Table) -> list[Choice]:
    keys = ["value", "language", "datatype"]
    counted = rows.group_by(keys).aggregate([("entity", "count_distinct")]).to_pylist()
    counted.sort(key=lambda row: (-row["entity_count_distinct"], row["value"]))
    return [
        Choice(Literal(*(row[key] for key in keys)), row["value"][:80], row["entity_count_distinct"])
        for row in counted[:MOST_VALUES]
    ]
