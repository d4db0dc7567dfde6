"""The map of all embeddings: places in the plane, and groups of things that have a colour each.

Near ones stay near; distances between far ones mean little. Large stores are laid out by a part of their
things, which the others stand beside, and of very large ones a part alone is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kg.vocabulary import RDF_TYPE
from pipelines.page.catalogue import Choice, readable

if TYPE_CHECKING:
    from pipelines.page.catalogue import Catalogue

LAID_OUT, MOST_SHOWN = 2_000, 20_000
"""Things that are laid out, and things that are shown, at most."""
NEAREST = 3
"""Laid out ones that decide where another stands."""
MOST_GROUPS = 8
"""Groups: as many as there are colours that all readers tell apart."""
WIDEST, SMALLEST = 0.6, 0.01
"""Share of the things that a group may have at most and at least."""
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """Things by a relation.

    Shapes: ``group (n,) int64``, -1 for what is in none.

    Args:
        relation: IRI of the relation.
        name: what it is called.
        groups: the values that have a colour.
        group: which of these each thing has.
    """

    relation: str
    name: str
    groups: Sequence[Choice]
    group: Ids

    @property
    def telling(self) -> float:
        """How much the groups tell: the entropy of them in nats; what is in none tells nothing."""
        shares = np.bincount(self.group[self.group >= 0], minlength=len(self.groups)) / max(
            len(self.group), 1
        )
        shares = shares[shares > 0]
        return float(-(shares * np.log(shares)).sum())


@dataclass(frozen=True)
class Atlas:
    """The map.

    Shapes: ``things (n,) int64``, ``places (n, 2) float32`` in [0, 1].

    Args:
        things: ids of what is shown.
        places: where.
        total: how many things there are.
        groupings: ways to colour it, the most telling first.
    """

    things: Ids
    places: NDArray[np.float32]
    total: int
    groupings: Sequence[Grouping]


def atlas(catalogue: Catalogue, vectors: NDArray[np.float32], seed: int = 0) -> Atlas:
    """Lay out the things of a store.

    Args:
        catalogue: what the store has.
        vectors: a vector of length 1 for each entity.
        seed: chooses the part that is shown, where there are too many.

    Shapes: ``vectors (num_entities, d)``.
    """
    random = np.random.default_rng(seed)
    things = catalogue.things
    if len(things) > MOST_SHOWN:
        things = np.sort(random.choice(things, MOST_SHOWN, replace=False))
    return Atlas(things, plane(vectors[things], random), len(catalogue.things), groupings(catalogue, things))


def plane(vectors: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Two numbers in [0, 1] for each vector: t-SNE, the same at each run.

    Shapes: ``vectors (n, d)``; ``(n, 2)``.
    """
    from sklearn.manifold import TSNE

    count = len(vectors)
    if count < 5:  # too few to have a shape
        return np.linspace(0.2, 0.8, 2 * count, dtype=np.float32).reshape(2, count).T.copy()
    chosen = np.arange(count)
    if count > LAID_OUT:
        chosen = np.sort(random.choice(count, LAID_OUT, replace=False))
    perplexity = min(30.0, (len(chosen) - 1) / 3)
    layout = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=0)
    laid: NDArray[np.float32] = layout.fit_transform(vectors[chosen]).astype(np.float32)
    found = laid if count == len(chosen) else _beside(vectors, vectors[chosen], laid)
    found = found - found.min(axis=0)
    placed: NDArray[np.float32] = (found / np.maximum(found.max(axis=0), 1e-6)).astype(np.float32)
    return placed


def _beside(
    vectors: NDArray[np.float32], anchors: NDArray[np.float32], laid: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Each vector amid those of the laid out ones that are nearest to it."""
    out = np.empty((len(vectors), 2), np.float32)
    for start in range(0, len(vectors), 1024):
        near = vectors[start : start + 1024] @ anchors.T
        best = np.argpartition(-near, NEAREST, axis=1)[:, :NEAREST]
        weight = np.exp(20 * np.take_along_axis(near, best, axis=1))  # an anchor itself stays where it is
        out[start : start + 1024] = (laid[best] * weight[..., None]).sum(1) / weight.sum(1)[:, None]
    return out


def groupings(catalogue: Catalogue, things: Ids) -> list[Grouping]:
    """The ways to group things, by class and by each relation, the most telling first."""
    names = {RDF_TYPE: "class"} | {one.value: readable(str(one.value)) for one in catalogue.relations(None)}
    known = set(catalogue.graph.relations.to_pylist())
    found = [_grouping(catalogue, things, str(iri), name) for iri, name in names.items() if iri in known]
    return sorted((one for one in found if one.groups), key=lambda one: -one.telling)


def _grouping(catalogue: Catalogue, things: Ids, relation: str, name: str) -> Grouping:
    """The largest groups of which none is too large, nor for the larger part in those before it."""
    reach = catalogue.reach(things, relation).tocsc()
    counts = np.diff(reach.indptr)
    group = np.full(len(things), -1, dtype=np.int64)
    chosen: list[int] = []
    for place in np.argsort(-counts, kind="stable").tolist():
        if len(chosen) == MOST_GROUPS or counts[place] < max(1, SMALLEST * len(things)):
            break
        own = reach.indices[reach.indptr[place] : reach.indptr[place + 1]]
        free = own[group[own] < 0]
        if counts[place] > WIDEST * len(things) or 2 * len(free) <= len(own):
            continue
        group[free] = len(chosen)
        chosen.append(place)
    sizes = [int((group == number).sum()) for number in range(len(chosen))]
    return Grouping(relation, name, catalogue.named(chosen, sizes), group)
