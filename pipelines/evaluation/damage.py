"""What goes wrong with data: missing observations and wrong links. Nothing is changed in place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fusion.base import JointGraph
from kg.graph import KnowledgeGraph


def chosen_share(entities: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Exactly this share of the entities, rounded; a larger share holds the smaller ones of the same seed.

    Shapes: ``(m,) -> (round(share * m),)``.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share in [0, 1] (got {share})")
    return np.random.default_rng(seed).permutation(entities)[: round(share * len(entities))]


def without_observations(joint: JointGraph, modality: str, entities: NDArray[np.int64]) -> JointGraph:
    """The graph in which these entities have no observation of one modality, for nobody to see."""
    owners = joint.owners[modality]
    kept = ~torch.isin(owners, torch.from_numpy(entities).to(owners.device))
    return replace(
        joint,
        features={**joint.features, modality: joint.features[modality][kept]},
        owners={**joint.owners, modality: owners[kept]},
    )


def wrong_links(
    graph: KnowledgeGraph, share: float, seed: int, *, right: Collection[str] = ()
) -> KnowledgeGraph:
    """The graph in which a share of the facts have each other's tails.

    The chosen facts pass their tails round, so every tail stays as frequent as it was; one that gets a tail
    equal to its own by chance stays true.

    Args:
        graph: the facts.
        share: of the facts that may go wrong, rounded.
        seed: of the choice.
        right: relations whose facts all stay.
    """
    stays = [number for number, iri in enumerate(graph.relations.to_pylist()) if iri in right]
    may = np.flatnonzero(~np.isin(graph.triples[:, 1], stays))
    rows = chosen_share(may, share, seed)
    triples = graph.triples.copy()
    triples[rows, 2] = np.roll(graph.triples[rows, 2], 1)
    return replace(graph, triples=triples)
