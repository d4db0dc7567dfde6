"""What files tell of the entities of a user's own split: names, texts, pictures and sounds, but no facts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from kg.rdf import read
from kg.vocabulary import DEFAULT
from pipelines.senses.joint import Observations
from pipelines.wording import counted

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.training.history import Progress


def told_of(paths: Sequence[Path], entities: pa.Array) -> tuple[pa.Table, pa.Table, tuple[str, ...]]:
    """Literals and media of RDF files that belong to some entities, and a sentence on what the files tell.

    Raises:
        ValueError: a file cannot be read, or tells of none of the entities.
    """
    if not paths:
        return LITERAL_SCHEMA.empty_table(), MEDIA_SCHEMA.empty_table(), ()
    graph = read(paths)[0]
    place = pc.index_in(graph.entities, value_set=entities)
    literals, media = (_moved(table, place) for table in (graph.literals, graph.media))
    owners = pc.unique(pa.chunked_array([*literals["entity"].chunks, *media["entity"].chunks], pa.int64()))
    if not len(owners):
        names = ", ".join(map(str, paths))
        raise ValueError(
            f"expected --about to tell of entities of the split by the same names (got none in {names})"
        )
    remark = f"--about tells of {len(owners):,} of {counted(len(entities), 'entity', 'entities')}"
    if len(graph.triples):
        remark += f"; {counted(len(graph.triples), 'fact')} in it left out, as facts come by --train alone"
    return literals, media, (remark,)


def _moved(table: pa.Table, place: pa.Array) -> pa.Table:
    """The rows whose entity has a place, and that in its stead; all of them of the default graph."""
    moved = place.take(table["entity"].combine_chunks())
    table = table.set_column(0, table.schema.field("entity"), moved.cast(pa.int64()))
    table = table.filter(moved.is_valid())
    origin = pa.array([0] * len(table), pa.int32())
    return table.set_column(table.schema.get_field_index("origin"), "origin", origin)


def observed(
    graph: KnowledgeGraph, settings: Settings, root: Path, *, device: str, progress: Progress
) -> Observations:
    """Encode what the graph tells of its entities; media lie inside the root, nothing is fetched."""
    if not len(graph.literals) and not len(graph.media):
        return Observations({}, {})
    from pipelines.building.build import cache_folder
    from pipelines.senses.encoding import MediaAccess, encode_observations

    media = MediaAccess(root, cache_folder())
    found = encode_observations(graph, DEFAULT, settings, media, device=device, progress=progress)
    return found.observations
