"""What gives a target away: relations and literal properties from which its value can be read off.

All properties at once, on integers, so that thousands of relations take no longer than few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from pipelines.labels.target import Target

GIVES_AWAY = 0.98
"""Share of the labelled entities from which a relation tells the label, above which it is a leak."""
REPEATED = 0.9
"""Share of a derived property's statements whose value is met at least twice."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """A relation or literal property that gives the label away, and in which way."""

    iri: str
    reason: str


def leaks(graph: KnowledgeGraph, target: Target) -> list[Leak]:
    """Relations and literal properties that tell the label of nearly every entity that has them.

    An inverse or a twin holds the same pairs; a derived property has values that stand for one class each,
    and is met at no fewer than half of the labelled entities, several times a value.
    """
    head, relation, tail = graph.triples.T
    names = graph.relations.to_pylist()
    derived = _derived(relation, head, tail, target, len(names), graph.num_entities)
    twin, inverse = (
        _same_pairs(relation, *ends, target, len(names), graph.num_entities)
        for ends in ((head, tail), (tail, head))
    )
    found = []
    for number, iri in enumerate(names):
        if iri == target.iri:
            continue
        if twin[number] or inverse[number]:
            found.append(Leak(iri, f"it holds {'the same pairs' if twin[number] else 'the inverse'}"))
        elif derived[number]:
            found.append(Leak(iri, "each of its values stands for one class"))
    return found + _leaking_literals(graph, target)


def _leaking_literals(graph: KnowledgeGraph, target: Target) -> list[Leak]:
    predicates, values = (
        graph.literals[name].combine_chunks().dictionary_encode() for name in ("predicate", "value")
    )
    names = predicates.dictionary.to_pylist()
    entity = graph.literals["entity"].to_numpy()
    columns = (part.indices.to_numpy().astype(np.int64) for part in (predicates, values))
    predicate, value = columns
    derived = _derived(predicate, entity, value, target, len(names), graph.num_entities)
    return [
        Leak(iri, "each of its values stands for one class")
        for iri, gives_away in zip(names, derived.tolist(), strict=True)
        if gives_away and iri != target.iri
    ]


def _same_pairs(
    relation: Ids, one: Ids, other: Ids, target: Target, num_relations: int, num_entities: int
) -> NDArray[np.bool_]:
    """Whether nearly all statements of each relation about labelled entities hold their values: ``(r,)``."""
    if target.is_literal:
        return np.zeros(num_relations, dtype=bool)
    place, label = target.pairs()
    known = np.sort(target.entities[place] * num_entities + target.class_entities[label])
    told = np.isin(one, target.entities)
    same = told & np.isin(one * num_entities + other, known)
    asked, hit = (np.bincount(relation[rows], minlength=num_relations) for rows in (told, same))
    return (asked > 0) & (hit >= GIVES_AWAY * asked)


def _derived(
    kind: Ids, entity: Ids, value: Ids, target: Target, num_kinds: int, num_entities: int
) -> NDArray[np.bool_]:
    """Whether each property's values tell classes apart, judged on values that are met at least twice.

    Shapes: of all statements, ``kind, entity, value (m,)`` -> ``(num_kinds,)``.
    """
    place = np.full(num_entities, -1)
    place[target.entities] = np.arange(len(target.entities))
    told = place[entity] >= 0
    owners = np.unique(kind[told] * num_entities + entity[told]) // num_entities
    common = np.bincount(owners, minlength=num_kinds) >= len(target.entities) / 2
    told &= common[kind]
    kind, place, value = kind[told], place[entity[told]], value[told]
    # a group is one value of one property
    _, first, group, count = np.unique(
        kind * (int(value.max(initial=0)) + 1) + value,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    group_kind, repeated = kind[first], count > 1
    most, label = _commonest(group, place, target, len(count))
    statements, again, right = (
        np.bincount(group_kind[rows], numbers[rows], minlength=num_kinds)
        for rows, numbers in ((count > 0, count), (repeated, count), (repeated, most))
    )
    classes = np.unique(group_kind[repeated] * len(target.names) + label[repeated]) // len(target.names)
    several = np.bincount(classes, minlength=num_kinds) > 1
    return common & several & (again >= REPEATED * statements) & (right >= GIVES_AWAY * again)


def _commonest(group: Ids, place: Ids, target: Target, size: int) -> tuple[Ids, Ids]:
    """The class that most entities of each group have, of ties the first: how many, and which ``(size,)``."""
    owner, label = target.pairs()
    order = np.argsort(owner, kind="stable")
    label = label[order]
    start = np.searchsorted(owner[order], np.arange(len(target.entities) + 1))
    number = np.diff(start)[place]
    within = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    classes = label[np.repeat(start[place], number) + within]
    cells, count = np.unique(np.repeat(group, number) * len(target.names) + classes, return_counts=True)
    by_count = np.lexsort((cells, -count, cells // len(target.names)))
    best = by_count[np.unique(cells[by_count] // len(target.names), return_index=True)[1]]
    most, which = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    most[cells[best] // len(target.names)] = count[best]
    which[cells[best] // len(target.names)] = cells[best] % len(target.names)
    return most, which
