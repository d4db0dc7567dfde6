"""From the graph's texts and media to observations: what was found, what is missing, what is unreadable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import torch

from encoders import Engine, make_encoder, make_engine
from encoders.base import Encoder, MediaError, resolve_media
from encoders.cache import encode_cached
from encoders.literals import ReadNumbers
from encoders.remote import fetch_remote
from encoders.text import TextEncoder
from kg.graph import KnowledgeGraph
from kg.vocabulary import Vocabulary
from pipelines.senses.joint import Observations
from pipelines.senses.naming import names_of
from pipelines.senses.numbers import NUMBER, graph_numbers
from pipelines.settings import ENCODED, Settings

if TYPE_CHECKING:
    from pipelines.senses.known import Known

FOUND, MISSING, UNREADABLE = "found", "missing", "unreadable"


@dataclass(frozen=True)
class MediaAccess:
    """Where media may come from: files inside the root and, only if asked for, the network.

    `bring` copies there what is kept elsewhere (see `pipelines.store.object_storage`).
    """

    root: Path
    cache: Path
    allow_remote: bool = False
    bring: Callable[[Path], None] | None = None

    def resolve(self, reference: str) -> Path:
        """The local file of a reference.

        Raises:
            MediaError: outside the root, remote without permission, or not there.
        """
        fetch = (lambda url: fetch_remote(url, self.cache / "remote")) if self.allow_remote else None
        return resolve_media(reference, self.root, fetch, self.bring)


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


@dataclass(frozen=True)
class Asked:
    """What is to be observed by one modality: entities, what their encoder reads, and how to show it."""

    entities: list[int]
    references: list[str]
    shown: list[str]


Outcome = tuple[str, str | None, int]
"""What became of a reference: its status, what is wrong with it, and its row, -1 for none."""


def encode_observations(
    graph: KnowledgeGraph,
    vocabulary: Vocabulary,
    settings: Settings,
    media: MediaAccess,
    *,
    device: str = "cpu",
    progress: Callable[[str, int, int], None],
    known: Known | None = None,
    engine: str = "local",
) -> Encoded:
    """Encode everything that the graph says or points to, one modality after the other.

    Of what is `known` already nothing is read, and where nothing else is left no encoder is made. The
    `engine` (see `encoders.ENGINES`) encodes the rest; the features are the same.

    Raises:
        ValueError: if an encoder cannot be had, or is another one than that of what is known.
        ImportError: what the engine needs is not installed.
    """
    features, owners, names, tables, made = {}, {}, {}, [], {}
    for modality in ENCODED:
        asked = asked_of(graph, vocabulary, settings, modality)
        if not asked.entities:
            continue
        had: list[Outcome | None] = [None] * len(asked.entities)
        if known is not None:
            had = known.outcomes(modality, graph, asked)
        places = [place for place, outcome in enumerate(had) if outcome is None]
        name, pool = ("", None) if known is None else known.sense(modality)
        if known is None or places:
            chosen = settings.encoder.get(modality)
            make = partial(make_encoder, modality, chosen, device, allow_remote=media.allow_remote)
            encoder = made[modality] = make()
            if name and encoder.name != name:
                raise ValueError(
                    f"expected the {modality} encoder {name} that the store was built with "
                    f"(got {encoder.name})"
                )
            name = encoder.name
            by = make_engine(engine, make, device)
            pool, fresh = _encode(encoder, asked, places, media, progress, pool, by)
            for place, outcome in zip(places, fresh, strict=True):
                had[place] = outcome
        outcomes = [outcome for outcome in had if outcome is not None]
        rows = [place for place, (_, _, row) in enumerate(outcomes) if row >= 0]
        tables.append(_table(modality, asked, outcomes))
        if rows and pool is not None:
            features[modality] = pool[torch.tensor([outcomes[place][2] for place in rows])]
            owners[modality] = torch.tensor([asked.entities[place] for place in rows])
            names[modality] = name
    read = graph_numbers(graph, None if known is None else known.units)
    numbers = read.numbers if len(read.numbers.value) else None
    if numbers is not None:
        names[NUMBER] = "scaled@1"
    if len(read.rows) or read.problems:
        tables.append(_numbers_table(graph, read))
    table = pa.concat_tables(tables) if tables else _SCHEMA.empty_table()
    # an update knows already what its encoders can name
    said = names_of(made, media.cache) if known is None else None
    return Encoded(Observations(features, owners, numbers, said), names, table)


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
    return pa.table(dict(zip(_SCHEMA.names, columns, strict=True)), schema=_SCHEMA)


_SCHEMA = pa.schema(
    {
        "modality": pa.string(),
        "entity": pa.int64(),
        "reference": pa.string(),
        "status": pa.string(),
        "problem": pa.string(),
        "row": pa.int64(),
    }
)


def asked_of(graph: KnowledgeGraph, vocabulary: Vocabulary, settings: Settings, modality: str) -> Asked:
    """What is to be observed of a graph by one modality, each once, sorted."""
    if modality == "text":
        texts = graph.texts(vocabulary, settings.languages)
        # one entity often repeats a text under two predicates
        rows = sorted(set(zip(texts["entity"].to_pylist(), texts["value"].to_pylist(), strict=True)))
    else:
        chosen = graph.media.filter(pa.compute.equal(graph.media["modality"], modality))
        rows = sorted(set(zip(chosen["entity"].to_pylist(), chosen["reference"].to_pylist(), strict=True)))
    references = [reference for _, reference in rows]
    shown = [reference[:200] for reference in references] if modality == "text" else references
    return Asked([entity for entity, _ in rows], references, shown)


def _encode(
    encoder: Encoder,
    asked: Asked,
    places: Sequence[int],
    media: MediaAccess,
    progress: Callable[[str, int, int], None],
    pool: torch.Tensor | None,
    engine: Engine,
) -> tuple[torch.Tensor, list[Outcome]]:
    """Encode some of the references: all rows, new ones after the pool's, and what became of each."""
    outcomes: list[Outcome] = [(FOUND, None, -1)] * len(places)
    ready: list[str | Path] = []
    own: list[int] = []
    for number, place in enumerate(places):
        reference = asked.references[place]
        try:
            ready.append(reference if encoder.modality == "text" else media.resolve(reference))
            own.append(number)
        except MediaError as error:
            outcomes[number] = (MISSING, str(error), -1)
    if isinstance(encoder, TextEncoder):
        for text in ready:  # those that are cached, too, which the encoder never sees
            encoder.warn_of(str(text))
    done = len(places) - len(ready)

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(encoder.modality, done, len(places))

    encoded = encode_cached(encoder, ready, media.cache / "features", engine=engine, progress=report)
    for index, sentence in encoded.problems:
        outcomes[own[index]] = (UNREADABLE, sentence, -1)
    first = 0 if pool is None else len(pool)
    for row, index in enumerate(encoded.rows.tolist(), first):
        outcomes[own[index]] = (FOUND, None, row)
    return encoded.features if pool is None else torch.cat([pool, encoded.features]), outcomes


def _table(modality: str, asked: Asked, outcomes: Sequence[Outcome]) -> pa.Table:
    """The references and what became of them; rows are counted anew."""
    rows, count = [], 0
    for _, _, row in outcomes:
        rows.append(count if row >= 0 else -1)
        count += row >= 0
    status, problem = ([outcome[part] for outcome in outcomes] for part in (0, 1))
    columns = [[modality] * len(outcomes), asked.entities, asked.shown, status, problem, rows]
    return pa.table(dict(zip(_SCHEMA.names, columns, strict=True)), schema=_SCHEMA)
