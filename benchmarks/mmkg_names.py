"""What the entities of the sets are called, as the text encoder reads it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from encoders import encode_cached, make_encoder
from kg.rdf import read
from pipelines.building.build import cache_folder


def names_of(entities: list[str], labels: Path) -> list[str]:
    """The label of each entity; of one without, the end of its IRI."""
    graph, _ = read([labels])
    known = dict(zip(graph.entities.to_pylist(), graph.labels(), strict=True))
    return [known.get(iri, iri.rsplit("/", 1)[-1]).replace("_", " ") for iri in entities]


def name_rows(entities: list[str], labels: Path) -> Tensor:
    """The names through the default text encoder: ``(n, 384)``, unit length."""
    found = encode_cached(make_encoder("text"), names_of(entities, labels), cache_folder())
    rows = torch.zeros(len(entities), found.features.shape[1])
    rows[torch.from_numpy(found.rows)] = found.features
    return torch.nn.functional.normalize(rows)
