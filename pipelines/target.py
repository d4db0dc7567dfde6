"""The property that is to be predicted: who has it, who lacks it, its values, and what gives it away."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.splits import Split

GIVES_AWAY = 0.98
"""Share of the labelled entities from which a relation tells the label, above which it is a leak."""


@dataclass(frozen=True)
class Target:
    """One property of entities, as classes.

    Shapes: ``entities (m,) int64`` ascending, each with one value, ``classes (m,) int64`` its class;
    ``names`` of the classes, IRIs or literal values, and ``class_entities (c,) int64`` the entity each is,
    -1 for a literal; ``candidates (u,) int64``, entities of the same kind without a value; ``several``
    counts those that were left out because they have more than one.
    """

    iri: str
    entities: NDArray[np.int64]
    classes: NDArray[np.int64]
    names: tuple[str, ...]
    class_entities: NDArray[np.int64]
    candidates: NDArray[np.int64]
    several: int

    @property
    def is_literal(self) -> bool:
        """Whether the values are literals rather than entities."""
        return bool((self.class_entities < 0).all())


@dataclass(frozen=True)
class Leak:
    """A relation or literal property that gives the label away, and in which way."""

    iri: str
    reason: str


def find_target(graph: KnowledgeGraph, iri: str) -> Target:
    """Collect the values of a property.

    Raises:
        ValueError: if nobody has it, or it has fewer than two values.
    """
    pairs, names, class_entities = _linked(graph, iri)
    if not len(pairs):
        pairs, names = _literal(graph, iri)
        class_entities = np.full(len(names), -1)
    if not len(pairs):
        hint = _hint(graph, iri)
        raise ValueError(f"expected a property that entities of this graph have (got {iri}){hint}")
    owner, count = np.unique(pairs[:, 0], return_counts=True)
    single = np.isin(pairs[:, 0], owner[count == 1])
    entities, classes = pairs[single].T
    kept, classes = np.unique(classes, return_inverse=True)
    if len(kept) < 2:
        raise ValueError(f"expected two values or more of {iri}, to tell apart (got {len(kept)})")
    order = np.argsort(entities, kind="stable")
    return Target(
        iri=iri,
        entities=entities[order],
        classes=classes[order].astype(np.int64),
        names=tuple(names[i] for i in kept),
        class_entities=class_entities[kept],
        candidates=np.setdiff1d(_kind_of(graph, owner), owner),
        several=int((count > 1).sum()),
    )


def label_split(target: Target, *, valid: float, test: float, seed: int) -> Split:
    """Parts of the labelled entities, as indices into them, each class in proportion.

    A class keeps at least one example for training, so one with a single example is only there.
    """
    random = np.random.default_rng(seed)
    parts: dict[str, list[NDArray[np.int64]]] = {"train": [], "valid": [], "test": []}
    for label in range(len(target.names)):
        rows = random.permutation(np.flatnonzero(target.classes == label))
        first = min(_some(test * len(rows), random), len(rows) - 1)
        second = min(first + _some(valid * len(rows), random), len(rows) - 1)
        for name, part in zip(parts, (rows[second:], rows[first:second], rows[:first]), strict=True):
            parts[name].append(part)
    return Split(**{name: np.sort(np.concatenate(rows)) for name, rows in parts.items()})


def leaks(graph: KnowledgeGraph, target: Target) -> list[Leak]:
    """Relations and literal properties that tell the label of nearly every entity that has them.

    An inverse or a twin holds the same pairs; a derived property has values that stand for one class each,
    and is met at no fewer than half of the labelled entities, several times a value.
    """
    label = np.full(graph.num_entities, -1)
    label[target.entities] = target.classes
    value = np.full(graph.num_entities, -1)
    value[target.entities] = target.class_entities[target.classes]
    found = []
    for number, iri in enumerate(graph.relations.to_pylist()):
        if iri == target.iri:
            continue
        head, _, tail = graph.triples[graph.triples[:, 1] == number].T
        for one, other, way in ((head, tail, "the same pairs"), (tail, head, "the inverse")):
            told = label[one] >= 0
            if not target.is_literal and told.any() and (value[one] == other)[told].mean() >= GIVES_AWAY:
                found.append(Leak(iri, f"it holds {way}"))
                break
        else:
            if _derives(label, head, tail, len(target.entities)):
                found.append(Leak(iri, "each of its values stands for one class"))
    literals = graph.literals
    for iri in pc.unique(literals["predicate"]).to_pylist():
        rows = literals.filter(pc.equal(literals["predicate"], iri))
        codes = rows["value"].combine_chunks().dictionary_encode().indices.to_numpy()
        if iri != target.iri and _derives(label, rows["entity"].to_numpy(), codes, len(target.entities)):
            found.append(Leak(iri, "each of its values stands for one class"))
    return found


def _derives(
    label: NDArray[np.int64], entity: NDArray[np.int64], value: NDArray[np.int64], labelled: int
) -> bool:
    """Whether values tell classes apart, judged on values that are met at least twice."""
    told = label[entity] >= 0
    entity, value = entity[told], value[told]
    if len(np.unique(entity)) < labelled / 2:
        return False
    _, value, count = np.unique(value, return_inverse=True, return_counts=True)
    repeated = count[value] > 1
    if repeated.mean() < 0.9 or len(count) < 2:
        return False
    table = np.zeros((len(count), int(label.max()) + 1))
    np.add.at(table, (value[repeated], label[entity[repeated]]), 1)
    several = len(np.unique(table[table.sum(1) > 0].argmax(1))) > 1
    return several and bool(table.max(1).sum() / table.sum() >= GIVES_AWAY)


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


def _some(expected: float, random: np.random.Generator) -> int:
    """A whole number with this mean: small classes are held out now and then rather than never."""
    whole = int(expected)
    return whole + int(random.random() < expected - whole)


def _hint(graph: KnowledgeGraph, iri: str) -> str:
    known = graph.relations.to_pylist() + pc.unique(graph.literals["predicate"]).to_pylist()
    near = difflib.get_close_matches(iri, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
