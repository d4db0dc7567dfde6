"""New facts beside a graph that a model was trained on: one graph, and where the old entities went."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph


@dataclass(frozen=True)
class Merged:
    """The graph of both, and the ids there.

    Shapes: ``old (n,)`` and ``new (m,) int64``, the id in `graph` of each entity of the two graphs;
    ``unknown`` counts the new graph's facts by relations that the old one does not have.
    """

    graph: KnowledgeGraph
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    unknown: int


def merged(old: KnowledgeGraph, new: KnowledgeGraph) -> Merged:
    """Put two graphs together, with the relations of the old one: a model knows no others."""
    entities = pc.unique(pa.concat_arrays([old.entities, new.entities]))
    entities = entities.take(pc.sort_indices(entities))
    places = [
        pc.index_in(graph.entities, value_set=entities).to_numpy().astype(np.int64) for graph in (old, new)
    ]
    relation = pc.index_in(new.relations, value_set=old.relations).fill_null(-1).to_numpy().astype(np.int64)
    graphs = tuple(dict.fromkeys(old.graphs + new.graphs))
    parts = []
    for graph, place, known in zip((old, new), places, (np.arange(old.num_relations), relation), strict=True):
        head, kind, tail = graph.triples.T
        rows = np.stack([place[head], known[kind] if len(known) else kind, place[tail]], axis=1)
        where = np.array([graphs.index(name) for name in graph.graphs], dtype=np.int32)
        parts.append((rows, graph.weights, where[graph.origin].astype(np.int32), where))
    triples, weights, origin = (np.concatenate([part[i] for part in parts]) for i in range(3))
    kept = triples[:, 1] >= 0
    # the old graph comes first, so that of a fact in both its weight stays
    order = np.flatnonzero(kept)[np.unique(triples[kept], axis=0, return_index=True)[1]]
    tables = {
        name: _joined(
            [
                _moved(getattr(graph, name), place, part[3])
                for graph, place, part in zip((old, new), places, parts, strict=True)
            ]
        )
        for name in ("literals", "media")
    }
    graph = KnowledgeGraph(
        entities=entities,
        relations=old.relations,
        triples=triples[order],
        weights=weights[order],
        origin=origin[order],
        graphs=graphs,
        **tables,
        prefixes={**new.prefixes, **old.prefixes},
    )
    return Merged(graph, places[0], places[1], int((~kept).sum()))


def with_relations(graph: KnowledgeGraph, relations: pa.Array) -> KnowledgeGraph:
    """The same graph, which also knows relations of which it has no facts: those that a model knows."""
    names = pc.unique(pa.concat_arrays([graph.relations, relations]))
    names = names.take(pc.sort_indices(names))
    place = pc.index_in(graph.relations, value_set=names).to_numpy().astype(np.int64)
    triples = graph.triples.copy()
    triples[:, 1] = place[triples[:, 1]] if len(place) else triples[:, 1]
    return replace(
        graph, relations=names, triples=triples
    )  # the order of the facts is still that of their ids


def _moved(table: pa.Table, place: NDArray[np.int64], graphs: NDArray[np.int32]) -> pa.Table:
    entity = pa.array(place[table["entity"].to_numpy()], pa.int64())
    origin = pa.array(graphs[table["origin"].to_numpy()], pa.int32())
    for name, column in (("entity", entity), ("origin", origin)):
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table


def _joined(tables: list[pa.Table]) -> pa.Table:
    both = pa.concat_tables(tables)
    names = both.column_names
    distinct = both.group_by(names, use_threads=False).aggregate([]).select(names).cast(both.schema)
    return distinct.sort_by([(name, "ascending") for name in names]).combine_chunks()
