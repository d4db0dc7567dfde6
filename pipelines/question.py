"""A question: what a person asks, and what it is in a store's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.explain import BEFORE_A_VERB, plain_words, singulars

if TYPE_CHECKING:
    from torch import Tensor

JOINT, GRAPH = "joint", "graph"
WEIGHTS = {JOINT: 1.0, GRAPH: 0.3, "text": 1.0, "image": 1.0, "audio": 1.0}
"""How much each similarity counts; a query can set each."""
LONGEST_PATH = 6
"""Facts in a chain at most: through a taxonomy, up to a common kind and down again."""


class QueryError(ValueError):
    """A question that cannot be asked of this store."""


@dataclass(frozen=True)
class Query:
    """What is asked: at least one of text, image, audio, entity."""

    text: str | None = None
    image: str | Path | None = None
    audio: str | Path | None = None
    entity: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    def observations(self) -> dict[str, str | Path]:
        """What it shows, by modality."""
        shown = {"text": self.text, "image": self.image, "audio": self.audio}
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True)
class Question:
    """A query and the constraint that it was asked under, which may see what follows from the facts."""

    query: Query
    where: str | None = None
    inferred: bool = True


@dataclass(frozen=True)
class Asked:
    """A query in the store's terms: features by modality, anchors, weights.

    Of its entity, the senses in `hidden` do not count.
    """

    features: dict[str, Tensor]
    anchors: list[int]
    entity: int | None
    weights: Mapping[str, float]
    hidden: frozenset[str] = frozenset()


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """All weights, those of a query in place of the usual ones.

    Raises:
        QueryError: if a name is unknown or a weight negative or infinite.
    """
    for name, value in weights.items():
        if name not in WEIGHTS:
            raise QueryError(f"expected a weight for one of {', '.join(WEIGHTS)} (got {name!r})")
        if not 0 <= value < float("inf"):
            raise QueryError(f"expected a weight of 0 or more for {name} (got {value})")
    return {**WEIGHTS, **weights}


def recognise(text: str, names: Mapping[str, list[int]], longest: int = 4, most: int = 8) -> list[int]:
    """Entities whose name stands in the text: longest names first, no word used twice."""
    words = plain_words(text)
    free = [before not in BEFORE_A_VERB for before in ["", *words[:-1]]]
    found: list[int] = []
    if whole := names.get(" ".join(words)):
        return whole[:most]
    for size in range(min(longest, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            span = slice(start, start + size)
            for spelling in singulars(words[span]):
                if all(free[span]) and (ids := names.get(spelling)):
                    found += ids[:most]
                    free[span] = [False] * size
    return found
