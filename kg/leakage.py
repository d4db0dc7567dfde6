"""What a training part gives away of a test part: repeated facts, and relations that say the same again.

A relation that holds the pairs of another, the same way round or reversed, lets its facts be copied rather
than found (10.18653/v1/W15-4007, 10.1145/3318464.3380599).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Ids = NDArray[np.int64]

NEAR = 0.8
"""Share of a relation's training facts that another must hold as well to be near to it."""


@dataclass(frozen=True)
class Told:
    """A relation whose facts another one tells: `share` of its training facts, and `test` of its test facts.

    Where `reverse` the other one holds the pairs the other way round; a symmetric relation is its own.
    """

    relation: int
    by: int
    reverse: bool
    share: float
    test: int


@dataclass(frozen=True)
class Leakage:
    """How many test facts stand in training as they are, with their pair the same way round or reversed.

    `told` are the relations that another one, or they themselves, nearly repeat, and `by_relations` how many
    test facts stand in training by such a one.
    """

    facts: int
    duplicates: int
    same_pair: int
    reversed_pair: int
    by_relations: int
    told: tuple[Told, ...]


def leakage(train: Ids, test: Ids, num_relations: int) -> Leakage:
    """Look for what training facts ``(t, 3)`` give away of test facts ``(q, 3)``."""
    size = 1 + int(max((part[:, ::2].max() for part in (train, test) if len(part)), default=0))
    pair = train[:, 0] * size + train[:, 2]
    pairs = np.unique(np.concatenate([pair, train[:, 2] * size + train[:, 0]]))
    holds = _table(np.searchsorted(pairs, pair), train[:, 1], len(pairs), num_relations)
    back = np.searchsorted(pairs, pairs % size * size + pairs // size)
    ways = {False: holds, True: holds[back]}
    duplicates = _asked(ways[False], pairs, test, size)[np.arange(len(test)), test[:, 1]]
    count = np.asarray(holds.sum(0)).reshape(-1)
    repeated = np.zeros(len(test), dtype=bool)
    told = []
    for reverse, other in ways.items():
        both = (holds.T @ other).tocoo()
        near = both.data >= NEAR * count[both.coords[0]]
        at = _asked(other, pairs, test, size)
        for relation, by, shared in zip(*(ids[near] for ids in (*both.coords, both.data)), strict=True):
            rows = np.flatnonzero(test[:, 1] == relation)
            if (relation == by and not reverse) or not len(rows):
                continue
            given = at[rows, np.full(len(rows), by)] > 0
            repeated[rows] |= given
            share = float(shared / count[relation])
            told.append(Told(int(relation), int(by), reverse, share, int(given.sum())))
    return Leakage(
        facts=len(test),
        duplicates=int((duplicates > 0).sum()),
        same_pair=int((_asked(ways[False], pairs, test, size).sum(1) > duplicates).sum()),
        reversed_pair=int((_asked(ways[True], pairs, test, size).sum(1) > 0).sum()),
        by_relations=int(repeated.sum()),
        told=tuple(sorted(told, key=lambda one: (-one.test, one.relation, one.by, one.reverse))),
    )


def _table(pair: Ids, relation: Ids, num_pairs: int, num_relations: int) -> scipy.sparse.csr_array:
    """Which relations hold each pair: ``(num_pairs, num_relations)`` of ones."""
    shape = (num_pairs, max(num_relations, 1))
    table = scipy.sparse.csr_array((np.ones(len(pair), dtype=np.int64), (pair, relation)), shape)
    table.sum_duplicates()
    table.data[:] = 1
    return table


def _asked(table: scipy.sparse.csr_array, pairs: Ids, test: Ids, size: int) -> scipy.sparse.csr_array:
    """The rows of the test facts' pairs; empty ones where training does not know the pair."""
    pair = test[:, 0] * size + test[:, 2]
    place = np.searchsorted(pairs, pair)
    known = np.flatnonzero(np.append(pairs, -1)[place] == pair)
    shape = (len(test), len(pairs))
    chosen = scipy.sparse.csr_array((np.ones(len(known), np.int64), (known, place[known])), shape)
    return chosen @ table
