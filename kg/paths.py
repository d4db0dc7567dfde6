"""Chains of facts between entities: the reasons an answer can show. Arrays only.

A path through a hub (a class with a thousand members) explains nothing, so each step costs the
logarithm of the degree of the entity it arrives at, and relations can be left out (rdf:type is).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Step = tuple[int, int, int]
"""One fact as it stands in the graph: head, relation, tail."""


class PathFinder:
    """Cheapest chains of facts over a fixed graph, facts walked either way.

    Args:
        triples: ``(t, 3)`` int64 head, relation, tail.
        num_entities: number of entities.
        ignored_relations: relations that no path uses.
    """

    def __init__(
        self,
        triples: NDArray[np.int64],
        num_entities: int,
        ignored_relations: Collection[int] = (),
    ) -> None:
        kept = triples[~np.isin(triples[:, 1], list(ignored_relations))]
        kept = kept[kept[:, 0] != kept[:, 2]]
        ends = np.concatenate([kept[:, 0], kept[:, 2]])
        order = np.argsort(ends, kind="stable")
        self._fact = np.concatenate([kept, kept])[order]
        degree = np.bincount(ends, minlength=num_entities)
        self._offset = np.concatenate([[0], np.cumsum(degree)])
        self._cost = 1 + np.log(np.maximum(degree, 1))

    def paths(
        self, anchors: Iterable[int], targets: Collection[int], *, max_length: int = 4
    ) -> dict[int, list[Step]]:
        """The cheapest path from any anchor to each target that has one; none for an anchor itself.

        Raises:
            ValueError: if max_length is below 1.
        """
        if max_length < 1:
            raise ValueError(f"expected paths of at least 1 step (got {max_length})")
        starts = set(anchors)
        wanted = set(targets) - starts
        found: dict[int, list[Step]] = {}
        # (cost, tie-break by id, length); a longer but cheaper way may spoil a short one, so an
        # entity is settled once for each length
        queue = [(0.0, start, 0) for start in sorted(starts)]
        came: dict[tuple[int, int], tuple[tuple[int, int], Step] | None]
        came = {(start, 0): None for start in starts}
        cost = dict.fromkeys(came, 0.0)
        best_length: dict[int, int] = {}
        while queue and wanted:
            spent, entity, length = heapq.heappop(queue)
            if spent > cost[entity, length] or best_length.get(entity, max_length + 1) <= length:
                continue
            best_length[entity] = length
            if entity in wanted:
                wanted.discard(entity)
                found[entity] = self._unwind(came, (entity, length))
            if length == max_length:
                continue
            for neighbour, step in self._steps(entity):
                state, price = (neighbour, length + 1), spent + self._cost[neighbour]
                if price < cost.get(state, math.inf):
                    cost[state] = price
                    came[state] = ((entity, length), step)
                    heapq.heappush(queue, (price, neighbour, length + 1))
        return found

    def _steps(self, entity: int) -> Iterator[tuple[int, Step]]:
        for head, relation, tail in self._fact[self._offset[entity] : self._offset[entity + 1]]:
            step = (int(head), int(relation), int(tail))
            yield (step[2] if step[0] == entity else step[0]), step

    @staticmethod
    def _unwind(
        came: dict[tuple[int, int], tuple[tuple[int, int], Step] | None], state: tuple[int, int]
    ) -> list[Step]:
        path: list[Step] = []
        while (previous := came[state]) is not None:
            state, step = previous
            path.append(step)
        return path[::-1]
