"""The property that is to be predicted: who has it, who lacks it, and its values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kg.graph import KnowledgeGraph


def _nothing() -> NDArray[np.int64]:
    return np.empty((2, 0), dtype=np.int64)


@dataclass(frozen=True)
class Target:
    """One property of entities, as classes.

    Shapes: ``entities (m,) int64`` ascending, ``classes (m,) int64`` of each, the rarest of several;
    ``names`` of the classes, IRIs or literal values, and ``class_entities (c,) int64`` the entity each is,
    -1 for a literal; ``candidates (u,) int64``, entities of the same kind without a value;
    ``more (2, k) int64``, the further values of those that have several: a place in `entities`, and a class;
    ``groups (m,) int64``, numbers from 0 of who must stay together in a split, or None.
    """

    iri: str
    entities: NDArray[np.int64]
    classes: NDArray[np.int64]
    names: tuple[str, ...]
    class_entities: NDArray[np.int64]
    candidates: NDArray[np.int64]
    more: NDArray[np.int64] = field(default_factory=_nothing)
    groups: NDArray[np.int64] | None = None

    @property
    def several(self) -> int:
        """How many entities have several values."""
        return len(np.unique(self.more[0]))

    @property
    def is_literal(self) -> bool:
        """Whether the values are literals rather than entities."""
        return bool((self.class_entities < 0).all())

    def pairs(self, part: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Values of some of the entities, by default of all: ``(2, p)``, places in `entities` and classes."""
        part = np.arange(len(self.entities)) if part is None else part
        further = self.more[:, np.isin(self.more[0], part)]
        return np.concatenate([np.stack([part, self.classes[part]]), further], axis=1)

    def known_of(self, part: NDArray[np.int64]) -> Target:
        """The target as it were if the values of the others were not known: ``part (b,)``, ascending."""
        place, label = self.pairs(part)
        entities, classes, more = _by_entity(np.stack([self.entities[place], label], axis=1))
        others = np.delete(self.entities, part)
        return replace(
            self,
            entities=entities,
            classes=classes,
            candidates=np.union1d(self.candidates, others),
            more=more,
            groups=None if self.groups is None else self.groups[part],
        )

    def counts(self, part: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many examples of each class are in a part: ``(c,)``."""
        return np.bincount(self.pairs(part)[1], minlength=len(self.names))

    def shares(self) -> NDArray[np.int64] | NDArray[np.float32]:
        """What is to be told of each: its class ``(m,)``; where some have several, shares ``(m, c)``."""
        if not self.several:
            return self.classes
        place, label = self.pairs()
        out = np.zeros((len(self.entities), len(self.names)), dtype=np.float32)
        out[place, label] = 1
        return np.asarray(out / out.sum(1, keepdims=True), dtype=np.float32)

    def judged(self, part: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """The truth that predictions are held to: the value that was hit, else the class.

        Shapes: ``part (b,)`` places in `entities`, ``chosen (b,)`` predicted classes -> ``(b,)``.
        """
        count = len(self.names)
        hit = np.isin(part * count + chosen, self.more[0] * count + self.more[1])
        return np.where(hit, chosen, self.classes[part])


def find_target(graph: KnowledgeGraph, iri: str, group: str = "") -> Target:
    """Collect the values of a property.

    Args:
        graph: the facts.
        iri: the property.
        group: another one; who shares a value of it, at first or at second hand, stays together in a split.

    Raises:
        ValueError: if nobody has it, it has fewer than two values, or all or none of those that have it
            share a group.
    """
    pairs, names, class_entities = _linked(graph, iri)
    if not len(pairs):
        pairs, names = _literal(graph, iri)
        class_entities = np.full(len(names), -1)
    if not len(pairs):
        hint = _hint(graph, iri)
        raise ValueError(f"expected a property that entities of this graph have (got {iri}){hint}")
    if len(names) < 2:
        raise ValueError(f"expected two values or more of {iri}, to tell apart (got {len(names)})")
    entities, classes, more = _by_entity(pairs)
    return Target(
        iri=iri,
        entities=entities,
        classes=classes,
        names=tuple(names),
        class_entities=class_entities,
        candidates=np.setdiff1d(_kind_of(graph, entities), entities),
        more=more,
        groups=groups_of(graph, entities, group) if group else None,
    )


def stated_classes(graph: KnowledgeGraph, iri: str, names: Sequence[str]) -> NDArray[np.int64]:
    """Who has which of the known values of a property: ``(2, m)``, entities and places in `names`."""
    pairs, values, _ = _linked(graph, iri)
    if not len(pairs):
        pairs, values = _literal(graph, iri)
    number = {name: place for place, name in enumerate(names)}
    known = np.array([number.get(value, -1) for value in values], dtype=np.int64)
    entity, label = pairs[:, 0], known[pairs[:, 1]] if len(known) else pairs[:, 1]
    kept = label >= 0
    return np.stack([entity[kept], label[kept]])


def _by_entity(
    pairs: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Entities, the rarest value of each, and the further ones as places and classes."""
    rarity = np.bincount(pairs[:, 1])[pairs[:, 1]]
    entity, classes = pairs[np.lexsort((pairs[:, 1], rarity, pairs[:, 0]))].T
    entities, place = np.unique(entity, return_inverse=True)
    first = np.diff(entity, prepend=-1) > 0
    return entities, classes[first], np.stack([place[~first], classes[~first]])


def groups_of(graph: KnowledgeGraph, entities: NDArray[np.int64], iri: str) -> NDArray[np.int64]:
    """Numbers from 0 that are equal for entities that share a value of a property: ``(m,)``.

    Of several values each ties; who has none is a group alone.

    Raises:
        ValueError: if none of the entities has the property, or it ties all of them together.
    """
    pairs, _, _ = _linked(graph, iri)
    if not len(pairs):
        pairs, _ = _literal(graph, iri)
    pairs = pairs[np.isin(pairs[:, 0], entities)]
    if not len(pairs):
        hint = _hint(graph, iri)
        raise ValueError(f"expected a group that entities with the target have (got {iri}){hint}")
    size = len(entities) + int(pairs[:, 1].max()) + 1
    ends = np.searchsorted(entities, pairs[:, 0]), len(entities) + pairs[:, 1]
    _, tied = connected_components(coo_array((np.ones(len(pairs)), ends), shape=(size, size)), directed=False)
    names, groups = np.unique(tied[: len(entities)], return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"expected two groups or more by {iri} (got 1: all that have the target share it)")
    return groups.astype(np.int64)


def _linked(graph: KnowledgeGraph, iri: str) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64]]:
    at = pc.index(graph.relations, iri).as_py()
    rows = graph.triples[graph.triples[:, 1] == at][:, [0, 2]] if at >= 0 else graph.triples[:0, [0, 2]]
    rows = np.unique(rows, axis=0)
    values, code = np.unique(rows[:, 1], return_inverse=True)
    return np.stack([rows[:, 0], code], axis=1), graph.entities.take(values).to_pylist(), values


def _literal(graph: KnowledgeGraph, iri: str) -> tuple[NDArray[np.int64], list[str]]:
    rows = graph.literals.filter(pc.equal(graph.literals["predicate"], iri))
    coded = rows["value"].combine_chunks().dictionary_encode()
    code = coded.indices.to_numpy().astype(np.int64)
    pairs = np.stack([rows["entity"].to_numpy(), code], axis=1)
    return np.unique(pairs, axis=0), coded.dictionary.to_pylist()


def _kind_of(graph: KnowledgeGraph, owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Entities of a class that most of the owners have; where there is none, all that have media."""
    entity, kind = graph.types()
    owned = kind[np.isin(entity, owners)]
    kinds, count = np.unique(owned, return_counts=True)
    common = kinds[count >= max(1, len(owners) / 2)]
    if len(common):
        return np.unique(entity[np.isin(kind, common)])
    return np.unique(graph.media["entity"].to_numpy())


def _hint(graph: KnowledgeGraph, iri: str) -> str:
    known = graph.relations.to_pylist() + pc.unique(graph.literals["predicate"]).to_pylist()
    near = difflib.get_close_matches(iri, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
