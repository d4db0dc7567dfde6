"""Chains of facts between entities: the reasons an answer can show. Arrays only.

A path through a hub (a class with a thousand members) explains nothing, so each step costs the
logarithm of the degree of the entity it arrives at, and relations can be left out (rdf:type is).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

Step = tuple[int, int, int]
"""One fact as it stands in the graph: head, relation, tail."""

Ids = NDArray[np.int64]
Costs = NDArray[np.float64]


class PathFinder:
    """Cheapest chains of facts over a fixed graph, facts walked either way.

    Args:
        triples: ``(t, 3)`` int64 head, relation, tail.
        num_entities: number of entities.
        ignored_relations: relations that no path uses.
    """

    def __init__(self, triples: Ids, num_entities: int, ignored_relations: Collection[int] = ()) -> None:
        kept = triples[~np.isin(triples[:, 1], list(ignored_relations))]
        self._facts = kept = kept[kept[:, 0] != kept[:, 2]]
        ends = np.concatenate([kept[:, 0], kept[:, 2]])
        order = np.argsort(ends, kind="stable")
        # what each entity is tied to and by which fact, the ties of one entity side by side
        self._other = np.concatenate([kept[:, 2], kept[:, 0]])[order]
        self._fact = order % max(len(kept), 1)
        self._degree = np.bincount(ends, minlength=num_entities)
        self._offset = np.concatenate([[0], np.cumsum(self._degree)])
        self._price = 1 + np.log(np.maximum(self._degree, 1))
        self._open: NDArray[np.bool_] | None = None  # which facts may be walked; None for all

    def paths(
        self, anchors: Iterable[int], targets: Collection[int], *, max_length: int = 4
    ) -> dict[int, list[Step]]:
        """The cheapest path from any anchor to each target that has one; none for an anchor itself.

        Of equally cheap paths the one through the smaller ids is taken, seen from the target.

        Raises:
            ValueError: if max_length is below 1.
        """
        if max_length < 1:
            raise ValueError(f"expected paths of at least 1 step (got {max_length})")
        starts = set(anchors)
        wanted = sorted(set(targets) - starts)
        if not starts or not wanted:
            return {}
        layers = self._layers(np.array(sorted(starts)), np.array(wanted), max_length)
        found = {}
        for target in wanted:
            costs = [layer[target] for layer in layers]
            length = int(np.argmin(costs))
            if costs[length] < np.inf:
                found[target] = self._unwind(layers, target, length)
        return found

    def apart(
        self, anchors: Iterable[int], target: int, count: int, *, max_length: int = 4
    ) -> list[list[Step]]:
        """Up to `count` paths from any anchor to one target that share no fact, cheapest first.

        Each is the cheapest that the facts left over by those before it allow.

        Raises:
            ValueError: if count or max_length is below 1.
        """
        if count < 1:
            raise ValueError(f"expected at least 1 path (got {count})")
        starts, rest = set(anchors), self
        found: list[list[Step]] = []
        while len(found) < count and (path := rest.paths(starts, [target], max_length=max_length)):
            found.append(path[target])
            rest = rest._without(path[target])
        return found

    def _without(self, steps: Iterable[Step]) -> PathFinder:
        """The same finder, to which some facts are closed; prices stay as they are."""
        taken = (self._facts[:, None] == np.array(list(steps))).all(2).any(1)
        rest = copy.copy(self)
        rest._open = ~taken if self._open is None else self._open & ~taken
        return rest

    def _layers(self, starts: Ids, wanted: Ids, max_length: int) -> list[Costs]:
        """What it costs to be at each entity after 0, 1, 2 ... steps; infinite where fewer do as well.

        A longer but cheaper way may be too long to go on from, so each length has its own costs.
        """
        best = np.full(len(self._degree), np.inf)
        best[starts] = 0
        layers, frontier = [best.copy()], starts
        for _ in range(max_length):
            places, neighbours = self._ties(frontier)
            arrived = np.full(len(best), np.inf)
            np.minimum.at(arrived, neighbours, layers[-1][frontier][places])
            arrived += self._price
            arrived[arrived >= best] = np.inf
            layers.append(arrived)
            np.minimum(best, arrived, out=best)
            # a step costs 1 at least: who cannot reach the dearest target for less goes no further
            frontier = np.flatnonzero(arrived + 1 < best[wanted].max())
            if not len(frontier):
                break
        return layers

    def _ties(self, entities: Ids) -> tuple[Ids, Ids]:
        """All that entities are tied to: the place of the one in `entities`, the other's id."""
        degree = self._degree[entities]
        places = np.repeat(np.arange(len(entities)), degree)
        within = np.arange(len(places)) - (np.cumsum(degree) - degree)[places]
        ties = self._offset[entities][places] + within
        if self._open is not None:
            kept = self._open[self._fact[ties]]
            places, ties = places[kept], ties[kept]
        return places, self._other[ties]

    def _unwind(self, layers: list[Costs], entity: int, length: int) -> list[Step]:
        """The path that ends at an entity, found backwards: each step came from its cheapest neighbour."""
        path: list[Step] = []
        for layer in layers[:length][::-1]:
            ties = np.arange(self._offset[entity], self._offset[entity + 1])
            if self._open is not None:
                ties = ties[self._open[self._fact[ties]]]
            others = self._other[ties]
            costs = layer[others]
            origin = int(others[costs == costs.min()].min())
            facts = self._facts[self._fact[ties][others == origin]].tolist()
            head, relation, tail = next((fact for fact in facts if fact[0] == origin), facts[0])
            path.append((head, relation, tail))
            entity = origin
        return path[::-1]
