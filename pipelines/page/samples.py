"""What a newcomer sees of a store before any question: pictures of things that are far from each other."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.page.cards import entity_address, media
from pipelines.search.cards import shortened

if TYPE_CHECKING:
    from pipelines.page.catalogue import Catalogue
    from pipelines.search.exhibit import Observed
    from pipelines.search.retrieval import Searcher

SHOWN = 12
LOOKED_AT = 5_000
"""Things with a picture that are compared, at most."""
LONGEST = 40


def samples(searcher: Searcher, catalogue: Catalogue, state: str) -> list[str]:
    """Up to a dozen things with a picture, each as HTML with a link to what is known of it.

    Args:
        searcher: the store.
        catalogue: its things.
        state: name of the state.
    """
    graph, owners = searcher.store.graph, searcher.store.observations.owners
    if "image" not in owners:
        return []
    pictured = np.intersect1d(catalogue.things, owners["image"].numpy())[:LOOKED_AT]
    vectors = searcher.store.tensors["joint"].numpy()[pictured]
    found: list[str] = []
    for place in pictured[far_apart(vectors, 2 * SHOWN)].tolist():
        iri = graph.entities[place].as_py()
        observed = searcher.exhibit.observations(iri)
        if len(found) < SHOWN and _is_there(observed):
            found.append(_tile(iri, searcher.labels[place], observed, state))
    return found


def far_apart(vectors: NDArray[np.floating], most: int) -> list[int]:
    """Rows of unit vectors ``(n, d)``, each the farthest from those before it; equal rows are met once.

    The first is the nearest to the mean. Method: Gonzalez, 10.1016/0304-3975(85)90224-5.
    """
    return list(_farthest(vectors, most)) if len(vectors) else []


def _farthest(vectors: NDArray[np.floating], most: int) -> Iterator[int]:
    at = int((vectors @ vectors.mean(0)).argmax())
    near = np.full(len(vectors), -np.inf)
    for _ in range(min(most, len(vectors))):
        yield at
        near = np.maximum(near, vectors @ vectors[at])
        at = int(near.argmin())
        if near[at] > 1 - 1e-6:
            return


def _is_there(observed: list[Observed]) -> bool:
    return any(one.modality == "image" and one.path is not None for one in observed)


def _tile(iri: str, label: str, observed: list[Observed], state: str) -> str:
    shown = escape(shortened(label, LONGEST))
    picture = media(iri, label, observed, state, most=1)
    return f'<a href="{escape(entity_address(iri))}">{picture}<span aria-hidden="true">{shown}</span></a>'
