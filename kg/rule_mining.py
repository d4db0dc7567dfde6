"""Mining path rules: every relation, both directions, by counting simple paths from a draw of its heads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kg.rules import CHUNK, Mining, Rules
from kg.walks import Ids, Steps, distinct, lookup, pairs_of_paths, parts_by_cost, reach_of, sorted_unique


def mine(
    triples: Ids,
    num_entities: int,
    num_relations: int,
    mining: Mining | None = None,
    rejected: Ids | None = None,
) -> Rules:
    """Mine the rules of every relation in both directions.

    Support counts the distinct pairs that have both a path and the fact, confidence divides it by the
    distinct pairs that have a path, of heads that have the relation, plus the prior count. A fact is no
    evidence of itself: paths are simple, and the rule ``r <- r`` is left out.

    Args:
        triples: ``(t, 3)`` head, relation, tail.
        num_entities: number of entities.
        num_relations: number of relations.
        mining: limits.
        rejected: ``(k, 3)`` what is known to be no fact: its head counts as one that has the relation.
    """
    mining = mining or Mining()
    steps = Steps(triples, num_entities, num_relations)
    numbers = steps.numbers(mining.length, mining.hub_degree)
    denied = np.empty((0, 3), np.int64) if rejected is None else rejected
    draws = [_Draw.of(steps, numbers, mining, denied, relation) for relation in range(2 * num_relations)]
    share = _level(np.array([draw.cost.sum() for draw in draws]), mining.max_paths)
    with ThreadPoolExecutor(max_workers=mining.threads) as pool:
        found = list(pool.map(partial(_mined, steps, mining, share), draws))
    relation = np.repeat(np.arange(2 * num_relations), [len(part[0]) for part in found])
    code, support, bodies = (
        np.concatenate([part[i] for part in found] or [np.empty(0, np.int64)]) for i in range(3)
    )
    confidence = support / (bodies + mining.prior_count)
    kept = confidence >= mining.min_confidence
    body = steps.digits(code[kept])
    return Rules(steps, mining, relation[kept], body, support[kept], confidence[kept])


@dataclass(frozen=True)
class _Draw:
    """Where the bodies of a directed relation begin, how far they may go, and what that costs."""

    relation: int
    heads: Ids
    tails: Ids
    starts: Ids
    reach: Ids
    cost: NDArray[np.float64]

    @classmethod
    def of(
        cls, steps: Steps, numbers: list[NDArray[np.float64]], mining: Mining, denied: Ids, relation: int
    ) -> _Draw:
        heads, tails = steps.facts_of(relation)
        inverse = relation >= steps.num_relations
        doubted = denied[denied[:, 1] == relation % steps.num_relations, 2 if inverse else 0]
        starts = sorted_unique(np.concatenate([heads, doubted]))
        reach = reach_of(numbers, starts, mining.max_head_paths)
        return cls(relation, heads, tails, starts, reach, np.stack(numbers)[reach - 1, starts])

    def drawn(self, most: float, seed: int) -> Ids:
        """Some of the starts, by place: as many as cost so much together, but one at least."""
        order = np.random.default_rng([seed, self.relation]).permutation(len(self.starts))
        spent = np.cumsum(self.cost[order])
        return np.sort(order[: max(int(np.searchsorted(spent, most, side="right")), 1)])


def _level(wanted: NDArray[np.float64], most: float) -> float:
    """The largest share such that ``sum(min(wanted, share)) <= most``; infinite where all is granted."""
    if wanted.sum() <= most:
        return float("inf")
    wanted = np.sort(wanted)
    left = most - np.concatenate([[0.0], np.cumsum(wanted)[:-1]])
    shares = left / np.arange(len(wanted), 0, -1)
    return float(shares[np.argmax(shares < wanted)])


def _mined(steps: Steps, mining: Mining, share: float, draw: _Draw) -> tuple[Ids, Ids, Ids]:
    """Code, support and number of bodies of each rule of a directed relation."""
    drawn = draw.drawn(share, mining.seed)
    supports, bodies = [], []
    for length in range(1, mining.length + 1):
        rows = drawn[draw.reach[drawn] == length]
        for part in parts_by_cost(draw.cost[rows], CHUNK):
            chosen = draw.starts[rows[part]]
            fact = _facts_from(chosen, draw.heads, draw.tails, steps.num_entities)
            for paths in steps.walk(chosen, length, mining.hub_degree):
                pair, code = distinct(pairs_of_paths(paths, steps.num_entities), paths.code)
                bodies.append(np.unique(code, return_counts=True))
                supports.append(np.unique(code[lookup(fact, pair)[1]], return_counts=True))
    code, support = _totals(supports)
    kept = (support >= mining.min_support) & (code != draw.relation + 1)
    code, support = code[kept], support[kept]
    everything, count = _totals(bodies)
    return code, support, count[np.searchsorted(everything, code)]


def _facts_from(starts: Ids, heads: Ids, tails: Ids, num_entities: int) -> Ids:
    """Row among the sorted starts and tail of the facts that have their head there, sorted."""
    row, known = lookup(starts, heads)
    return np.sort(row[known] * num_entities + tails[known])


def _totals(parts: list[tuple[Ids, Ids]]) -> tuple[Ids, Ids]:
    """Add up counts by code."""
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    code, place = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    count = np.bincount(place, np.concatenate([part[1] for part in parts]), len(code))
    return code, count.astype(np.int64)
