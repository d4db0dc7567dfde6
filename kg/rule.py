"""One path rule as people read it, why it fires, and what mining looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Fact = tuple[int, int, int]
"""One fact as it stands in the graph: head, relation, tail."""


@dataclass(frozen=True)
class Mining:
    """What mining looks at.

    Attributes:
        length: Most facts in a body.
        hub_degree: Entities with more steps than this are not walked through.
        min_support: Least number of facts that a rule must explain.
        min_confidence: Least confidence.
        prior_count: Bodies that are counted as failures in advance.
        max_paths: Walks in all. Relations share them evenly, each direction alone, and those that need fewer
            leave the rest to the others; heads are drawn at random until the share is spent.
        max_head_paths: Walks from one head, which else are shorter; when rules are applied, too.
        seed: Of the draws.
        threads: How many relations are mined at a time.
    """

    length: int = 3
    hub_degree: int = 100
    min_support: int = 2
    min_confidence: float = 0.005
    prior_count: float = 5.0
    max_paths: float = 3e8
    max_head_paths: float = 5e5
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 3:
            raise ValueError(f"expected bodies of 1 to 3 facts (got {self.length})")
        limits = (self.hub_degree, self.min_support, self.prior_count, self.max_paths, self.max_head_paths)
        if min(*limits, self.threads) <= 0:
            raise ValueError(f"expected positive limits (got {self})")


@dataclass(frozen=True)
class Rule:
    """``relation(x, y)``, or ``relation(y, x)`` if `inverse`, where the body leads from x to y.

    The body is a chain of relations, each walked from head to tail or, inverse, from tail to head.
    """

    relation: int
    inverse: bool
    body: tuple[tuple[int, bool], ...]
    support: int
    confidence: float

    def text(self, names: Sequence[str]) -> str:
        """As people write it: ``bornIn <- livesIn . cityOf^-1 (support 40, confidence 0.80)``."""
        head, *body = (
            names[relation] + ("^-1" if inverse else "")
            for relation, inverse in ((self.relation, self.inverse), *self.body)
        )
        return f"{head} <- {' . '.join(body)} (support {self.support}, confidence {self.confidence:.2f})"


@dataclass(frozen=True)
class Reason:
    """A rule that fires, and the chain of facts by which it does."""

    rule: Rule
    path: tuple[Fact, ...]
