"""A question: what a person asks, and what it is in a store's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from pipelines.search.explain import BEFORE_A_VERB, plain_words, singulars

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.int64]
"""Entities by their ids, ascending, none twice."""

JOINT, GRAPH = "joint", "graph"
NOT, PREFERS = "not", "prefers"
WEIGHTS = {JOINT: 1.0, GRAPH: 0.3, "text": 1.0, "image": 1.0, "audio": 1.0, NOT: 1.0}
"""How much each similarity counts, and how much likeness to what is not wanted; a query can set each."""
LONGEST_PATH = 6
"""Facts in a chain at most: through a taxonomy, up to a common kind and down again."""
_SHOWN = ("text", "image", "audio", "entity")


class QueryError(ValueError):
    """A question that cannot be asked of this store."""


class Shown(TypedDict, total=False):
    """What a `Query` takes beside its text."""

    image: str | Path | None
    audio: str | Path | None
    entity: str | None
    weights: Mapping[str, float] | None
    not_text: str | Sequence[str] | None
    not_image: str | Path | Sequence[str | Path] | None
    not_audio: str | Path | Sequence[str | Path] | None
    not_entity: str | Sequence[str] | None
    prefer: Mapping[str, float] | None


class Keywords(Shown, total=False):
    """What a `Question` takes beside its text."""

    where: str | None
    inferred: bool


@dataclass(frozen=True)
class Query:
    """What is asked: at least one of text, image, audio, entity.

    What stands in a `not_` is not wanted, one or several of a kind (see pipelines.search.negation). `prefer`
    adds its weight to the score of each entity that a SPARQL pattern gives as ``?x``; a negative one takes
    away.
    """

    text: str | None = None
    image: str | Path | None = None
    audio: str | Path | None = None
    entity: str | None = None
    weights: Mapping[str, float] | None = None
    not_text: str | Sequence[str] | None = None
    not_image: str | Path | Sequence[str | Path] | None = None
    not_audio: str | Path | Sequence[str | Path] | None = None
    not_entity: str | Sequence[str] | None = None
    prefer: Mapping[str, float] | None = None

    def observations(self) -> dict[str, str | Path]:
        """What it shows, by modality."""
        shown = {"text": self.text, "image": self.image, "audio": self.audio}
        return {name: value for name, value in shown.items() if value is not None}

    @property
    def said(self) -> str:
        """What it shows and names, in the words that were given."""
        parts = (self.text, self.image, self.audio, self.entity)
        return " + ".join(str(part) for part in parts if part is not None)

    def unwanted(self) -> list[Query]:
        """What is not wanted: a query for each, by one sense alone."""
        out = []
        for name in _SHOWN:
            value = getattr(self, f"not_{name}")
            several = [value] if value is None or isinstance(value, (str, Path)) else value
            shown: list[dict[str, Any]] = [{name: one} for one in several if one is not None]
            out += [Query(weights=self.weights, **one) for one in shown]
        return out


@dataclass(frozen=True)
class Question:
    """A query and the constraint that it was asked under, both may see what follows from the facts."""

    query: Query
    where: str | None = None
    inferred: bool = True

    @classmethod
    def of(
        cls,
        text: str | None = None,
        *,
        where: str | None = None,
        inferred: bool = True,
        **shown: Unpack[Shown],
    ) -> Question:
        """The question that `Searcher.search` is asked by the same words."""
        return cls(Query(text, **shown), where, inferred)


@dataclass(frozen=True)
class Preference:
    """What each of some entities gains, or loses, for matching a pattern."""

    pattern: str
    weight: float
    ids: Ids


@dataclass(frozen=True)
class Exclusion:
    """How one thing that is not wanted was understood.

    Args:
        said: as it was asked.
        kinds: what it is by the facts; nothing if they do not know it.
        ids: what is left out: the kinds and all that is of them.
        unlike: what answers are to be unlike, where leaving out is not enough.
    """

    said: str
    kinds: Sequence[int]
    ids: Ids
    unlike: Asked | None = None

    @property
    def is_kind(self) -> bool:
        """Whether it left out more than the very things that were named: then that is all there is to do."""
        return len(self.ids) > len(set(self.kinds))


@dataclass(frozen=True)
class Asked:
    """A query in the store's terms: features by modality, anchors, weights, what is not wanted or preferred.

    Of its entity, the senses in `hidden` do not count.
    """

    features: dict[str, Tensor]
    anchors: list[int]
    entity: int | None
    weights: Mapping[str, float]
    hidden: frozenset[str] = frozenset()
    excluded: tuple[Exclusion, ...] = ()
    preferred: tuple[Preference, ...] = ()

    def unlike(self) -> list[Asked]:
        """What answers are to be unlike, each a question of its own."""
        return [one.unlike for one in self.excluded if one.unlike is not None]

    def candidates(self, allowed: Ids) -> Ids:
        """The allowed entities that may answer: without its own, and without what is left out."""
        gone = [one.ids for one in self.excluded]
        if self.entity is not None:
            gone.append(np.array([self.entity]))
        return np.setdiff1d(allowed, np.concatenate(gone)) if gone else allowed


def checked_weights(weights: Mapping[str, float] | None) -> dict[str, float]:
    """All weights, those of a query in place of the usual ones.

    Raises:
        QueryError: if a name is unknown or a weight negative or infinite.
    """
    for name, value in (weights or {}).items():
        if name not in WEIGHTS:
            raise QueryError(f"expected a weight for one of {', '.join(WEIGHTS)} (got {name!r})")
        if not 0 <= value < float("inf"):
            raise QueryError(f"expected a weight of 0 or more for {name} (got {value})")
    return {**WEIGHTS, **(weights or {})}


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
