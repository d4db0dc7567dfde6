"""Numeric literals of a graph as one more sense, on scales that the training part alone decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from encoders.literals import Numbers, ReadNumbers, read_numbers
from encoders.number import Standard, number_rows
from kg.graph import KnowledgeGraph
from pipelines.senses.joint import Observations

NUMBER = "number"
_QUDT = "http://qudt.org/schema/qudt/"
_UNITS = (_QUDT + "hasUnit", _QUDT + "unit")


def graph_numbers(graph: KnowledgeGraph, wanted: Mapping[str, str] | None = None) -> ReadNumbers:
    """All numeric literals and dates; a unit is the value's own, else the property's (qudt:hasUnit).

    The values of a property are brought to its `wanted` unit, if it has one, else to its commonest.
    """
    literals = graph.literals
    coded = literals["predicate"].combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    predicate = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    units = _units(graph)
    return read_numbers(
        literals["entity"].to_numpy(),
        predicate,
        names,
        literals["value"].to_pylist(),
        [kind or "" for kind in literals["datatype"].to_pylist()],
        [units.get(names[number]) for number in predicate.tolist()] if units else None,
        wanted,
    )


def with_numbers(observations: Observations, visible: NDArray[np.bool_]) -> Observations:
    """The same observations and the numbers as a sense, scaled by the visible entities' values.

    Shapes: visible ``(n,) bool``.
    """
    numbers = observations.numbers
    if numbers is None or not len(numbers.value):
        return observations
    return scaled(observations, Standard.fit(numbers, visible[numbers.entity]))


def scaled(observations: Observations, standard: Standard) -> Observations:
    """The same observations and the numbers as a sense, on known scales."""
    if observations.numbers is None:
        return observations
    rows, owners = number_rows(aligned(observations.numbers, standard.names), standard)
    if not len(rows):
        return observations
    return replace(
        observations,
        features={**observations.features, NUMBER: rows},
        owners={**observations.owners, NUMBER: torch.from_numpy(owners)},
    )


def joined(parts: Sequence[Numbers]) -> Numbers | None:
    """Numbers of several sources over one list of predicates; None of none."""
    if not parts:
        return None
    names = tuple(sorted({name for part in parts for name in part.names}))
    same = [aligned(part, names) for part in parts]
    columns = zip(*((part.entity, part.predicate, part.value) for part in same), strict=True)
    entity, predicate, value = (np.concatenate(column) for column in columns)
    return Numbers(entity, predicate, value, names)


def aligned(numbers: Numbers, names: tuple[str, ...]) -> Numbers:
    """The numbers of known predicates, counted as in `names`; the others are left out."""
    place = {name: number for number, name in enumerate(names)}
    known = np.array([place.get(name, -1) for name in numbers.names], dtype=np.int64)
    predicate = known[numbers.predicate]
    kept = predicate >= 0
    return Numbers(numbers.entity[kept], predicate[kept], numbers.value[kept], names)


def without_predicates(numbers: Numbers, predicates: frozenset[str]) -> Numbers:
    """The numbers of all other predicates."""
    dropped = np.isin(numbers.predicate, [i for i, name in enumerate(numbers.names) if name in predicates])
    return Numbers(
        numbers.entity[~dropped], numbers.predicate[~dropped], numbers.value[~dropped], numbers.names
    )


def as_table(numbers: Numbers) -> pa.Table:
    """The numbers as a table of entity, predicate, value."""
    names = pa.DictionaryArray.from_arrays(pa.array(numbers.predicate), pa.array(numbers.names, pa.string()))
    return pa.table(
        {"entity": numbers.entity, "predicate": names.dictionary_decode(), "value": numbers.value}
    )


def from_table(table: pa.Table) -> Numbers:
    """Read back what `as_table` gave; predicates in alphabetical order."""
    names = sorted(pc.unique(table["predicate"]).to_pylist())
    predicate = pc.index_in(table["predicate"], value_set=pa.array(names, pa.string())).to_numpy()
    return Numbers(
        table["entity"].to_numpy(), predicate.astype(np.int64), table["value"].to_numpy(), tuple(names)
    )


def _units(graph: KnowledgeGraph) -> dict[str, str]:
    relations = graph.relations.to_pylist()
    wanted = [number for number, iri in enumerate(relations) if iri in _UNITS]
    rows = graph.triples[np.isin(graph.triples[:, 1], wanted)]
    heads, tails = (graph.entities.take(rows[:, place]).to_pylist() for place in (0, 2))
    return dict(zip(heads, tails, strict=True))
