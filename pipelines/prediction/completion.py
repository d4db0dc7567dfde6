"""Which fact is missing: a store's entities ranked as the tail of a head and relation, or as the head.

Known facts, rejected ones and what the classes rule out are no candidates. Nothing becomes a fact here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kg.rules import Reason
from kg.texts import last_segment
from pipelines.building.review import proposal_lines
from pipelines.prediction.candidates import Candidates
from pipelines.search.explain import readable_path
from pipelines.store.store import Store

MEANING = (
    "probability: how often, when one fact of a query was hidden, a candidate with such a score was that "
    "fact; too high for a query that misses none"
)


PARTS = {"further": "senses"}
"""What a person calls a part of the score, where it is not what `kg.completion` does."""


@dataclass(frozen=True)
class Proposal:
    """A fact that may be missing; `probability` is None where there was too little to calibrate by.

    `parts` tells by what: how much more the structure of the graph, the rules, the prior (what is usual) and
    the senses say for it than for the average candidate.
    """

    head: str
    relation: str
    tail: str
    label: str
    rank: int
    score: float
    probability: float | None
    parts: dict[str, float]
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "reasons": list(self.reasons)}


@dataclass(frozen=True)
class Found:
    """Proposals, best first, how many candidates there were, and what is to be said of them."""

    proposals: list[Proposal]
    candidates: int
    remarks: tuple[str, ...]


class Completer:
    """Finds missing facts of a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.graph = store, store.graph
        self.learned = store.completion
        self.candidates = Candidates(self.graph)

    @cached_property
    def labels(self) -> list[str]:
        """A label for each entity."""
        return self.graph.labels(self.store.settings.languages)

    def find(self, relation: str, *, head: str | None = None, tail: str | None = None, k: int = 10) -> Found:
        """Rank the tails of a head, or with a tail alone its heads; with both, that one fact among the tails.

        Raises:
            ValueError: an entity or the relation is unknown, or neither end is given.
        """
        if head is None and tail is None:
            raise ValueError("expected --head or --tail with --relation (got neither)")
        if k < 1:
            raise ValueError(f"expected -k of at least 1 (got {k})")
        number = self.graph.relation_id(relation)
        asked = self.graph.entity_id(str(tail if head is None else head))
        directed = number + (self.graph.num_relations if head is None else 0)
        parts = self._parts(asked, directed)
        scores, chance, remarks = self._scores(asked, directed, parts)
        order = np.argsort(-scores, kind="stable")
        order = order[np.isfinite(scores[order])]
        chosen = order[:k]
        if head is not None and tail is not None:
            chosen = np.array([self.graph.entity_id(tail)])
            if not np.isfinite(scores[chosen[0]]):
                raise ValueError(
                    f"expected a fact that may be missing (got <{head}> <{relation}> <{tail}>, which is "
                    "known, rejected, or ruled out by the classes)"
                )
        said = {name: part - part[order].mean() for name, part in parts.items()}
        place = {int(entity): rank for rank, entity in enumerate(order.tolist(), start=1)}
        found = [
            self._proposal(
                asked,
                directed,
                entity,
                rank=place[entity],
                score=float(scores[entity]),
                probability=None if chance is None else float(chance[entity]),
                parts={name: round(float(part[entity]), 3) for name, part in said.items()},
            )
            for entity in chosen.tolist()
        ]
        return Found(found, len(order), remarks)

    def _parts(self, asked: int, directed: int) -> dict[str, np.ndarray]:
        """What the score of each entity is the sum of, ``(n,)`` each."""
        parts = self.learned.completion.parts(torch.tensor([asked]), torch.tensor([directed]))
        return {PARTS.get(name, name): part[0].numpy() for name, part in parts.items()}

    def _scores(
        self, asked: int, directed: int, parts: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
        """Score of each entity, -inf for those that may not answer; calibrated probabilities; remarks."""
        completion, count = self.learned.completion, self.graph.num_relations
        scores = torch.from_numpy(np.sum(list(parts.values()), axis=0))
        allowed, constraint = self.candidates.of(directed)
        start, end, number = (0, 2, directed) if directed < count else (2, 0, directed - count)
        for facts in (self.graph.triples, self.learned.rejected):
            allowed[facts[(facts[:, start] == asked) & (facts[:, 1] == number), end]] = False
        loops = self.graph.triples[self.graph.triples[:, 1] == number]
        if not (loops[:, 0] == loops[:, 2]).any():
            allowed[asked] = False
        scores[~torch.from_numpy(allowed)] = float("-inf")
        remarks = [f"candidates narrowed by: {constraint}"]
        if not completion.told[asked]:
            by = "what is usual for the relation alone"
            if completion.further is not None:
                by = "what was observed of it, and what is usual for the relation"
            remarks.append(f"no fact tells of this entity: scored by {by}")
        if not self.candidates.allows(directed, asked):
            side = "domain" if directed < count else "range"
            remarks.append(f"this entity is outside the stated {side} of the relation")
        chance = None
        if self.learned.platt is not None:
            chance = self.learned.platt(scores.log_softmax(0)).numpy()
            remarks.append(MEANING)
        else:
            remarks.append("no probability: too few facts could be held out to calibrate by")
        return scores.numpy(), chance, tuple(remarks)

    def _proposal(
        self,
        asked: int,
        directed: int,
        entity: int,
        *,
        rank: int,
        score: float,
        probability: float | None,
        parts: dict[str, float],
    ) -> Proposal:
        rules, count = self.learned.completion.rules, self.graph.num_relations
        reasons = [] if rules is None else rules.reasons(asked, directed, entity)
        head, tail = (asked, entity) if directed < count else (entity, asked)
        return Proposal(
            head=self.graph.entities[head].as_py(),
            relation=self.graph.relations[directed % count].as_py(),
            tail=self.graph.entities[tail].as_py(),
            label=self.labels[entity],
            rank=rank,
            score=score,
            probability=probability,
            parts=parts,
            reasons=tuple(self._readable(reason, entity) for reason in reasons),
        )

    def _readable(self, reason: Reason, end: int) -> str:
        """A rule and the facts by which it fires, in one line."""
        entities = {place for fact in reason.path for place in (fact[0], fact[2])}
        iris = {place: self.graph.entities[place].as_py() for place in entities | {end}}
        named = {iri: self.labels[place] for place, iri in iris.items()}
        relations = self.graph.relations.to_pylist()
        path = [(iris[head], relations[kind], iris[tail]) for head, kind, tail in reason.path]
        rule = reason.rule.text([last_segment(iri) for iri in relations])
        return f"{rule}: {readable_path(path, iris[end], named)}"


def write_proposals(path: Path, proposals: Sequence[Proposal]) -> None:
    """Write proposals as a named graph for review (see pipelines.building.review).

    Raises:
        OSError: the disk says no.
    """
    lines = [
        line
        for one in proposals
        for line in proposal_lines(
            (one.head, one.relation, one.tail), one.score, one.probability, one.reasons
        )
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
