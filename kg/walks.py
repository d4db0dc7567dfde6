"""Simple paths over facts, walked either way, many at a time. Arrows and numbers only: no IRIs, no scores.

A path is told by its start, its end and its *code*: the directed relations that it takes, as digits of one
integer, the first in the lowest bits. Relation ``r + num_relations`` is ``r`` walked from tail to head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Small = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Paths:
    """Paths of one length.

    Shapes: ``row (p,) int32`` which start, ``code (p,) int64``, ``end (p,) int32``; ``via`` the entities
    between, first to last, each ``(p,) int32``.
    """

    row: Small
    code: Ids
    end: Small
    via: tuple[Small, ...]

    def take(self, chosen: Mask | Ids) -> Paths:
        """Some of the paths."""
        return Paths(
            self.row[chosen], self.code[chosen], self.end[chosen], tuple(via[chosen] for via in self.via)
        )


class Steps:
    """Facts as steps that can be taken from each entity, those of one entity side by side.

    Repeated facts count once; a fact of an entity with itself leads nowhere and is left out.

    Args:
        triples: ``(t, 3)`` head, relation, tail.
        num_entities: number of entities.
        num_relations: number of relations, inverse ones not counted.

    Raises:
        ValueError: if a path of three steps cannot be told by one integer.
    """

    def __init__(self, triples: Ids, num_entities: int, num_relations: int) -> None:
        self.num_entities, self.num_relations = num_entities, num_relations
        self.bits = (2 * num_relations).bit_length()
        if 3 * self.bits + max(2 * num_relations, num_entities).bit_length() > 62:
            raise ValueError(
                "expected relations and entities that fit one integer with a path of three steps "
                f"(got {num_relations} and {num_entities})"
            )
        head, relation, tail = triples[triples[:, 0] != triples[:, 2]].T
        width, both = max(num_entities, 1), max(2 * num_relations, 1)
        keys = np.concatenate(
            [(head * both + relation) * width + tail, (tail * both + relation + num_relations) * width + head]
        )
        keys = sorted_unique(keys)
        step = keys // width
        self.other = (keys % width).astype(np.int32)
        self.relation = (step % both).astype(np.int32)
        self.degree = np.bincount(step // both, minlength=num_entities)
        self.offset = np.concatenate([[0], np.cumsum(self.degree)])

    def numbers(self, length: int, hub_degree: int) -> list[NDArray[np.float64]]:
        """How many walks of 1, 2, ... steps begin at each entity, those that turn back counted too."""
        import scipy.sparse

        shape = (self.num_entities, self.num_entities)
        ties = scipy.sparse.csr_array((np.ones(len(self.other)), self.other, self.offset), shape)
        found = [self.degree.astype(np.float64)]
        for _ in range(length - 1):
            found.append(ties @ np.where(self.degree <= hub_degree, found[-1], 0.0))
        return found

    def facts_of(self, relation: int) -> tuple[Ids, Ids]:
        """Heads and tails of a directed relation, sorted."""
        rows = np.flatnonzero(self.relation == relation)
        return np.searchsorted(self.offset, rows, side="right") - 1, self.other[rows].astype(np.int64)

    def walk(
        self,
        starts: Ids,
        length: int,
        hub_degree: int,
        keep: Callable[[Small, Ids], Mask] | None = None,
        without: tuple[Ids, Ids] | None = None,
    ) -> Iterator[Paths]:
        """All simple paths of 1, 2, ... steps: no entity twice, none through a hub.

        Of a simple path from head to tail only one of a single step can be the fact between the two itself.

        Args:
            starts: ``(b,)`` entities.
            length: most steps.
            hub_degree: entities with more steps are not walked through; paths may begin or end there.
            keep: which paths to report and to go on from, by row and code.
            without: directed relation and tail ``(b,)`` of a fact of each start that is not there.
        """
        first = starts.astype(np.int32)
        here = Paths(np.arange(len(first), dtype=np.int32), np.zeros(len(first), np.int64), first, ())
        for place in range(length):
            if place:
                here = here.take(self.degree[here.end] <= hub_degree)
            origin, step = self._onward(here.end)
            digit = self.relation[step].astype(np.int64) + 1
            code = here.code[origin] | (digit << (self.bits * place))
            if keep is not None:
                kept = np.flatnonzero(keep(here.row[origin], code))
                origin, step, code = origin[kept], step[kept], code[kept]
            row, end = here.row[origin], self.other[step]
            via = (*here.via, here.end) if place else ()
            fresh = end != first[row]
            for between in here.via:
                fresh &= end != between[origin]
            if without is not None and not place:  # a simple path never comes back to its start
                fresh &= (code != without[0][row] + 1) | (end != without[1][row])
            kept = np.flatnonzero(fresh)
            origin = origin[kept]
            here = Paths(row[kept], code[kept], end[kept], tuple(between[origin] for between in via))
            yield here

    def _onward(self, entities: Small) -> tuple[Small, Ids]:
        """All steps from some entities: the place of the one in the list, the step."""
        count = self.degree[entities]
        origin = np.repeat(np.arange(len(count), dtype=np.int32), count)
        shift = self.offset[entities] - (np.cumsum(count) - count)
        return origin, np.arange(len(origin)) + shift[origin]

    def digits(self, codes: Ids) -> Ids:
        """The directed relations of codes: ``(m,) -> (m, 3)``, -1 after the last."""
        places = self.bits * np.arange(3)
        return ((codes[:, None] >> places) & ((1 << self.bits) - 1)) - 1

    def codes(self, bodies: Ids) -> Ids:
        """The inverse of `digits`."""
        return np.asarray(((bodies + 1) << (self.bits * np.arange(3))).sum(1), dtype=np.int64)


def sorted_unique(values: Ids) -> Ids:
    """Each value once, sorted: `numpy.unique` hashes, which took a hundred times as long."""
    values = np.sort(values)
    return np.asarray(values[np.diff(values, prepend=values[:1] - 1) != 0])


def parts_by_cost(cost: NDArray[np.float64], most: float) -> list[slice]:
    """Cut a list into runs that cost at most so much together; what costs more stands alone."""
    cuts, spent = [0], 0.0
    for place, price in enumerate(cost.tolist()):
        if spent + price > most and place > cuts[-1]:
            cuts.append(place)
            spent = 0.0
        spent += price
    return [
        slice(start, stop) for start, stop in zip(cuts, [*cuts[1:], len(cost)], strict=True) if stop > start
    ]


def pairs_of_paths(paths: Paths, num_entities: int) -> Ids:
    """Start's row and end of each path as one integer."""
    return np.asarray(paths.row.astype(np.int64) * num_entities + paths.end, dtype=np.int64)


def reach_of(numbers: list[NDArray[np.float64]], entities: Ids, most: float) -> Ids:
    """How many steps may be taken from each entity so that it has at most so many walks; 1 at least."""
    return np.maximum(1, sum((number[entities] <= most).astype(np.int64) for number in numbers))


def distinct(pair: Ids, code: Ids) -> tuple[Ids, Ids]:
    """Each pair and code once, sorted by pair."""
    if not len(pair):
        return pair, code
    bits = int(code.max()).bit_length()
    low = int(pair.min())
    if int(pair.max() - low).bit_length() + bits > 63:
        order = np.lexsort((code, pair))
        pair, code = pair[order], code[order]
        first = (np.diff(pair, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)
        return pair[first], code[first]
    keys = sorted_unique(((pair - low) << bits) | code)
    return (keys >> bits) + low, keys & ((1 << bits) - 1)


def lookup(ordered: Ids, wanted: Ids) -> tuple[Ids, Mask]:
    """Where each value stands in a sorted list, and whether it is there."""
    place = np.searchsorted(ordered, wanted)
    place[place == len(ordered)] = 0
    found = ordered[place] == wanted if len(ordered) else np.zeros(len(wanted), dtype=bool)
    return place, found
