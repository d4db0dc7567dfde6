"""What the page makes of a state of the store, each part once, and drops with the state.

All is made in the lines of the service, where one thing runs after the other; nothing here is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.page.catalogue import Catalogue
from pipelines.page.examples import Example, examples
from pipelines.page.samples import samples
from pipelines.search.question import WEIGHTS

if TYPE_CHECKING:
    from pipelines.page.atlas import Atlas
    from pipelines.search.retrieval import Searcher
    from pipelines.service.state import State

KEPT_STATES, KEPT_PRIORS = 2, 4
"""States, and of each the stores with other priors, that are kept."""


@dataclass
class Room:
    """All of one state, and its name."""

    searcher: Searcher
    state: str
    _others: dict[tuple[tuple[str, float], ...], Searcher] = field(default_factory=dict)

    @cached_property
    def catalogue(self) -> Catalogue:
        """What can be picked."""
        one = self.searcher
        settings = one.store.settings
        return Catalogue(one.store.graph, one.labels, one.vocabulary, settings.hierarchy, one.allowed(None))

    @cached_property
    def examples(self) -> list[Example]:
        """Questions to begin with."""
        return examples(self.searcher, self.catalogue)

    @cached_property
    def samples(self) -> list[str]:
        """Things to look at, before anything is asked."""
        return samples(self.searcher, self.catalogue, self.state)

    @cached_property
    def atlas(self) -> Atlas:
        """The map of all embeddings."""
        from pipelines.page.atlas import atlas

        return atlas(self.catalogue, self.searcher.store.tensors["joint"].numpy())

    @property
    def senses(self) -> dict[str, float]:
        """What counts in a score of this store, and how much it usually does."""
        held = {"joint", "graph", *self.searcher.store.manifest["encoders"]}
        return {name: weight for name, weight in WEIGHTS.items() if name in held}

    @cached_property
    def priors(self) -> dict[str, float]:
        """Relations between entities and their priors as the store was built, the most frequent first."""
        graph, built = self.searcher.store.graph, self.searcher.store.settings.prior
        import numpy as np

        counts = np.bincount(graph.triples[:, 1], minlength=graph.num_relations)
        iris = graph.relations.to_pylist()
        return {iris[at]: built.get(iris[at], 1.0) for at in np.argsort(-counts, kind="stable").tolist()}

    def asked_with(self, priors: Mapping[str, float]) -> Searcher:
        """The store as if its relations had these priors; the last few are kept.

        Raises:
            ValueError: the store has no such relation.
        """
        changed = {iri: prior for iri, prior in priors.items() if self.priors.get(iri) != prior}
        if not changed:
            return self.searcher
        from pipelines.search.alternative import with_prior

        key = tuple(sorted(changed.items()))
        found = self._others.pop(key, None) or with_prior(self.searcher, changed)
        while len(self._others) >= KEPT_PRIORS:
            del self._others[next(iter(self._others))]
        self._others[key] = found
        return found


class Rooms:
    """The rooms of the last states.

    Args:
        furnish: makes a room of a state.
    """

    def __init__(
        self, furnish: Callable[[State], Room] = lambda state: Room(state.searcher, state.name)
    ) -> None:
        self._furnish = furnish
        self._rooms: dict[str, Room] = {}

    def of(self, state: State) -> Room:
        """The room of a state."""
        if state.name not in self._rooms:
            self._rooms[state.name] = self._furnish(state)
            while len(self._rooms) > KEPT_STATES:
                del self._rooms[next(iter(self._rooms))]
        return self._rooms[state.name]
