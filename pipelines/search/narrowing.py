"""The best of many without comparing all: an index gives the nearest by each sense, as deep as it takes.

A score is a sum over senses, so nobody who is in no list can score higher than the sum of the lists' ends
(Fagin, Lotem and Naor: Optimal aggregation algorithms for middleware, 2001). The lists grow until that is
less than what the k-th best found has; what is found is then what comparing all would find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from pipelines.search.question import JOINT, Asked, Ids
from pipelines.search.scoring import EXACT

if TYPE_CHECKING:
    from pipelines.search.scoring import Scorer, Terms

FEW = 1_000
"""Entities that are compared at once: no index is faster."""
FIRST, GROWTH = 64, 4
_MARGIN = 1e-4  # more than rounding: the index adds in another order


@dataclass(frozen=True)
class Near:
    """Who is nearest by one sense: any other is at most `least` alike; `whole` if there is no other."""

    owners: Ids
    least: float
    whole: bool


class SenseIndex(Protocol):
    """Finds the entities that are nearest by one sense."""

    deepest: int

    def nearest(self, sense: str, rows: Tensor, depth: int, where: str | None) -> Near:
        """The owners of the observations nearest to any of some rows, exact.

        Args:
            sense: a modality, or `joint` for the fused vectors.
            rows: what to be near to, ``(m, d)``.
            depth: how many observations at most for each row.
            where: the constraint; it may be taken into account.

        Raises:
            MilvusError: the index does not answer.
        """


def narrowed(
    index: SenseIndex,
    scorer: Scorer,
    one: Asked,
    placed: tuple[Tensor, Tensor],
    permitted: Ids,
    where: str | None,
    k: int,
) -> tuple[Terms, Ids]:
    """Terms that are right for some of the permitted entities, among which the k best are, and their ids.

    Args:
        index: finds the nearest by each sense.
        scorer: compares a few.
        one: the question.
        placed: its joint vector and the nearness of all to its anchors.
        permitted: who may answer.
        where: the constraint that permits them.
        k: how many are wanted.
    """
    depth = max(FIRST, 2 * k)
    # likeness to what is not wanted counts above the mean of all, so all have to be compared
    while len(permitted) > FEW and depth <= index.deepest and not one.unlike():
        lists = {JOINT: index.nearest(JOINT, placed[0][None], depth, where)}
        for name, rows in scorer.shown(one).items():
            lists[name] = index.nearest(name, torch.stack(rows), depth, where)
        if lists[JOINT].whole:
            break
        close = torch.nonzero(placed[1]).squeeze(1).numpy() if one.anchors else np.empty(0, np.int64)
        ids = np.intersect1d(permitted, np.concatenate([close, *(near.owners for near in lists.values())]))
        terms = scorer.terms_at(one, placed, torch.from_numpy(ids))
        scores = terms.score()[torch.from_numpy(ids)]
        if len(ids) >= k and float(scores.topk(k).values[-1]) > highest(one, terms, lists) + _MARGIN:
            return terms, ids
        depth *= GROWTH
    return scorer.terms_at(one, placed, None), permitted


def highest(one: Asked, terms: Terms, lists: dict[str, Near]) -> float:
    """What the score of an entity is at most that is in no list and not near the anchors."""
    most = float(terms.penalty().max()) + sum(max(soft.weight, 0.0) for soft in one.preferred)
    for name, near in lists.items():
        least = -1.0 if near.whole else near.least
        if name != JOINT:  # who lacks a sense counts as 0 there
            least = max(least, 0.0) + (1.0 if name in terms.shown and least >= EXACT - _MARGIN else 0.0)
        most += terms.weights.get(name, 1.0) * least
    return most
