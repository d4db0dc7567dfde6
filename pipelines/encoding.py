"""From the graph's texts and media to observations: what was found, what is missing, what is unreadable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import torch

from encoders import make_encoder
from encoders.base import Encoder, MediaError, resolve_media
from encoders.cache import encode_cached
from encoders.literals import ReadNumbers
from encoders.remote import fetch_remote
from encoders.text import TextEncoder
from kg.graph import KnowledgeGraph
from kg.vocabulary import Vocabulary
from pipelines.joint import Observations
from pipelines.numbers import NUMBER, graph_numbers
from pipelines.settings import ENCODED, Settings

FOUND, MISSING, UNREADABLE = "found", "missing", "unreadable"


@dataclass(frozen=True)
class MediaAccess:
    """Where media may come from: files inside the root and, only if asked for, the network."""

    root: Path
    cache: Path
    allow_remote: bool = False

    def resolve(self, reference: str) -> Path:
        """The local file of a reference.

        Raises:
            MediaError: outside the root, remote without permission, or not there.
        """
        fetch = (lambda url: fetch_remote(url, self.cache / "remote")) if self.allow_remote else None
        return resolve_media(reference, self.root, fetch)


@dataclass(frozen=True)
class Encoded:
    """Encoded observations, the names of their encoders, and a table of all that the data names.

    The table has a row for each observation: modality, entity, reference, status, problem (null when
    found), row of its features (-1 when there is none).
    """

    observations: Observations
    encoders: dict[str, str]
    table: pa.Table

    def seen_as(self, observations: Observations) -> Encoded:
        """The same with other features; a sense without any row has no encoder in the store."""
        kept = {name: encoder for name, encoder in self.encoders.items() if name in observations.features}
        return replace(self, observations=observations, encoders=kept)

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of observations by modality and status."""
        out: dict[str, dict[str, int]] = {}
        for modality, status in zip(
            self.table["modality"].to_pylist(), self.table["status"].to_pylist(), strict=True
        ):
            row = out.setdefault(modality, dict.fromkeys((FOUND, MISSING, UNREADABLE), 0))
            row[status] += 1
        return out


def encode_observations(
    graph: KnowledgeGraph,
    vocabulary: Vocabulary,
    settings: Settings,
    media: MediaAccess,
    *,
    device: str = "cpu",
    progress: Callable[[str, int, int], None],
    units: Mapping[str, str] | None = None,
) -> Encoded:
    """Encode everything that the graph says or points to, one modality after the other.

    `units` of properties are those of a store that the graph joins.

    Raises:
        ValueError: if an encoder cannot be had.
    """
    features, owners, names, tables = {}, {}, {}, []
    for modality in ENCODED:
        entities, references, shown = _references(graph, vocabulary, settings, modality)
        if not entities:
            continue
        chosen = settings.encoder.get(modality)
        encoder = make_encoder(modality, chosen, device, allow_remote=media.allow_remote)
        rows, table = _encode(encoder, entities, references, shown, media, progress)
        tables.append(table)
        if len(rows):
            kept = table.filter(pa.compute.greater_equal(table["row"], 0))
            features[modality] = rows
            owners[modality] = torch.tensor(kept["entity"].to_pylist(), dtype=torch.int64)
            names[modality] = encoder.name
    read = graph_numbers(graph, units)
    numbers = read.numbers if len(read.numbers.value) else None
    if numbers is not None:
        names[NUMBER] = "scaled@1"
    if len(read.rows) or read.problems:
        tables.append(_numbers_table(graph, read))
    table = pa.concat_tables(tables) if tables else _TABLE.empty_table()
    return Encoded(Observations(features, owners, numbers), names, table)


def _numbers_table(graph: KnowledgeGraph, read: ReadNumbers) -> pa.Table:
    """The numbers as observations; their features depend on what training may see, so they have no row."""
    failed = dict(read.problems)
    places = sorted({*read.rows.tolist(), *failed})
    literals = graph.literals.take(pa.array(places, pa.int64()))
    columns = [
        [NUMBER] * len(places),
        literals["entity"].to_pylist(),
        [value[:200] for value in literals["value"].to_pylist()],
        [UNREADABLE if place in failed else FOUND for place in places],
        [failed.get(place) for place in places],
        [-1] * len(places),
    ]
    return pa.table(dict(zip(_TABLE.names, columns, strict=True)), schema=_TABLE)


_TABLE = pa.schema(
    {
        "modality": pa.string(),
        "entity": pa.int64(),
        "reference": pa.string(),
        "status": pa.string(),
        "problem": pa.string(),
        "row": pa.int64(),
    }
)


def _references(
    graph: KnowledgeGraph, vocabulary: Vocabulary, settings: Settings, modality: str
) -> tuple[list[int], list[str], list[str]]:
    """Entities, what their encoder reads, and how to show it."""
    if modality == "text":
        texts = graph.texts(vocabulary, settings.languages)
        # one entity often repeats a text under two predicates
        rows = sorted(set(zip(texts["entity"].to_pylist(), texts["value"].to_pylist(), strict=True)))
    else:
        chosen = graph.media.filter(pa.compute.equal(graph.media["modality"], modality))
        rows = sorted(set(zip(chosen["entity"].to_pylist(), chosen["reference"].to_pylist(), strict=True)))
    references = [reference for _, reference in rows]
    shown = [reference[:200] for reference in references] if modality == "text" else references
    return [entity for entity, _ in rows], references, shown


def _encode(
    encoder: Encoder,
    entities: list[int],
    references: list[str],
    shown: list[str],
    media: MediaAccess,
    progress: Callable[[str, int, int], None],
) -> tuple[torch.Tensor, pa.Table]:
    status = [FOUND] * len(references)
    problem: list[str | None] = [None] * len(references)
    ready: list[str | Path] = []
    places: list[int] = []
    for place, reference in enumerate(references):
        try:
            ready.append(reference if encoder.modality == "text" else media.resolve(reference))
            places.append(place)
        except MediaError as error:
            status[place], problem[place] = MISSING, str(error)
    if isinstance(encoder, TextEncoder):
        for text in references:  # also of those that are cached, which the encoder never sees
            encoder.warn_of(text)
    done = len(references) - len(ready)

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(encoder.modality, done, len(references))

    encoded = encode_cached(encoder, ready, media.cache / "features", progress=report)
    for index, sentence in encoded.problems:
        status[places[index]], problem[places[index]] = UNREADABLE, sentence
    row = [-1] * len(references)
    for number, index in enumerate(encoded.rows.tolist()):
        row[places[index]] = number
    columns = [[encoder.modality] * len(references), entities, shown, status, problem, row]
    return encoded.features, pa.table(dict(zip(_TABLE.names, columns, strict=True)), schema=_TABLE)
