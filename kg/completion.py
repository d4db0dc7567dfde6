"""Which fact is missing: a link scorer's scores, the evidence of rules and what is usual, in one score.

Tensors in, tensors out: no IRIs, no files. The score is ``structure + evidence * (log(sure + .01) - log .01)
+ prior * (log(count + .2) - log .2)``, where `sure` is the noisy-or of the rules that fire and `count` how
often the candidate was met in this place of the relation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from kg.links import Answers, ComplEx, both_directions, ranks_among
from kg.rules import Rules

EVIDENCE_WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
PRIOR_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
FURTHER_WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
SCORES = 1 << 23  # scores held at a time


@dataclass(frozen=True)
class Blend:
    """How much the rules' evidence, the relation's prior and a further scorer count beside the structure.

    A head that no fact tells of has no structure: there the further scorer counts in full, if at all.
    """

    evidence: float = 1.0
    prior: float = 0.2
    further: float = 0.0


@dataclass(frozen=True)
class Marks:
    """What is to be added to some cells of a table of scores.

    Shapes: ``row, column (k,) int64``, ``value (k,) float32``, each cell once.
    """

    row: Tensor
    column: Tensor
    value: Tensor

    @classmethod
    def of(cls, table: scipy.sparse.csr_array, floor: float) -> Marks:
        """What a positive value is worth over none: ``log(value + floor) - log(floor)``."""
        cells = table.tocoo()
        row, column = (torch.from_numpy(ids.astype(np.int64)) for ids in cells.coords)
        return cls(row, column, torch.from_numpy(np.log(cells.data / floor + 1).astype(np.float32)))

    def add_to(self, scores: Tensor, weight: float) -> None:
        """Add them, in place, to scores ``(b, n)``."""
        if weight:
            place = (self.row * scores.shape[1] + self.column).to(scores.device)
            scores.view(-1).index_add_(0, place, self.value.to(scores) * weight)


@dataclass(frozen=True)
class Completion:
    """Everything that a missing end of a fact is found by.

    Relation ``r + num_relations`` asks for heads. Heads that no fact tells of have no structure: their row
    means nothing, so rules and prior alone speak.

    Shapes: ``rows (n, 2 * rank)`` or None without a scorer, ``usual (2 * num_relations, n)`` how often an
    entity is the tail of each directed relation, ``told (n,) bool`` whether a fact tells of an entity;
    ``further`` gives more scores ``(b,), (b,) -> (b, n)``, such as by what entities are called.
    """

    scorer: ComplEx | None
    rows: Tensor | None
    rules: Rules | None
    usual: scipy.sparse.csr_array
    told: Tensor
    blend: Blend = Blend()
    further: Callable[[Tensor, Tensor], Tensor] | None = None

    @classmethod
    def of(
        cls,
        facts: Tensor,
        num_entities: int,
        num_relations: int,
        *,
        scorer: ComplEx | None = None,
        rows: Tensor | None = None,
        rules: Rules | None = None,
        blend: Blend | None = None,
    ) -> Completion:
        """Count what is usual in facts ``(t, 3)``, each once."""
        facts = torch.unique(facts, dim=0) if len(facts) else facts
        both = both_directions(facts, num_relations).cpu().numpy()
        shape = (2 * num_relations, num_entities)
        usual = scipy.sparse.csr_array((np.ones(len(both)), (both[:, 1], both[:, 2])), shape)
        told = torch.zeros(num_entities, dtype=torch.bool)
        told[both[:, 0]] = True
        return cls(scorer, rows, rules, usual, told, blend or Blend())

    @property
    def num_entities(self) -> int:
        """How many candidates there are."""
        return int(self.usual.shape[1])

    @torch.no_grad()
    def structure(self, head: Tensor, relation: Tensor) -> Tensor:
        """The link scorer's scores of all candidates, zeros where there is none: ``(b,), (b,) -> (b, n)``."""
        if self.scorer is None or self.rows is None:
            return torch.zeros(len(head), self.num_entities)
        scores = self.scorer.queries(self.rows[head], relation) @ self.rows.t()
        return scores.masked_fill_(~self.told.to(scores.device)[head].unsqueeze(1), 0.0)

    def marks(self, head: Tensor, relation: Tensor) -> tuple[Marks, Marks]:
        """What rules and prior add to queries, before they are weighed."""
        heads, relations = head.cpu().numpy(), relation.cpu().numpy()
        empty = scipy.sparse.csr_array((len(heads), self.num_entities))
        sure = empty if self.rules is None else self.rules.evidence(heads, relations)
        return Marks.of(sure, 0.01), Marks.of(self.usual[relations], 0.2)

    def scores(self, head: Tensor, relation: Tensor) -> Tensor:
        """Scores of all candidates: ``(b,), (b,) -> (b, n)``."""
        scores = self.structure(head, relation)
        for mark, weight in zip(self.marks(head, relation), self._weights, strict=True):
            mark.add_to(scores, weight)
        if self.further is not None and self.blend.further:
            scores += self._share_of_further(head, self.blend) * self.further(head, relation)
        return scores

    def parts(self, head: Tensor, relation: Tensor) -> dict[str, Tensor]:
        """What the scores are the sum of, weighed: structure, rules, prior and further, each ``(b, n)``."""
        structure = self.structure(head, relation)
        rules, prior = torch.zeros_like(structure), torch.zeros_like(structure)
        for mark, part, weight in zip(self.marks(head, relation), (rules, prior), self._weights, strict=True):
            mark.add_to(part, weight)
        further = torch.zeros_like(structure)
        if self.further is not None and self.blend.further:
            further += self._share_of_further(head, self.blend) * self.further(head, relation)
        return {"structure": structure, "rules": rules, "prior": prior, "further": further}

    def _share_of_further(self, head: Tensor, blend: Blend) -> Tensor:
        """Weight of the further scorer for each query: ``(b,) -> (b, 1)``."""
        full = torch.full((len(head), 1), float(blend.further > 0))
        return torch.where(self.told[head.cpu()].unsqueeze(1), blend.further, full)

    @property
    def _weights(self) -> tuple[float, float]:
        return self.blend.evidence, self.blend.prior


def completion_ranks(completion: Completion, asked: Tensor, known: Answers) -> Tensor:
    """Filtered realistic rank of the tail of each directed fact ``(q, 3) -> (q,)``."""
    blends = [completion.blend]
    return ranks_by_blend(completion, asked, known, blends)[0]


def ranks_by_blend(completion: Completion, asked: Tensor, known: Answers, blends: list[Blend]) -> Tensor:
    """The same for several blends, for which scores and evidence are made once: ``(len(blends), q)``."""
    ranks = torch.empty(len(blends), len(asked), dtype=torch.float64)
    for part in query_parts(len(asked), completion.num_entities):
        head, relation, tail = asked[part].unbind(1)
        structure, marks = completion.structure(head, relation), completion.marks(head, relation)
        further = None if completion.further is None else completion.further(head, relation)
        row, other = known.take(known.places(head, relation))
        row, other = row[other != tail[row]], other[other != tail[row]]
        for number, blend in enumerate(blends):
            scores = structure.clone()
            for mark, weight in zip(marks, (blend.evidence, blend.prior), strict=True):
                mark.add_to(scores, weight)
            if further is not None:
                scores += completion._share_of_further(head, blend) * further
            ranks[number, part] = ranks_among(scores.t(), tail, row, other).cpu()
    return ranks


def choose_blend(
    completion: Completion, asked: Tensor, known: Answers, *, evidence: bool = True, prior: bool = True
) -> tuple[Completion, float]:
    """The blend of the best MRR of validation facts ``(q, 3)``, and that; of equals the smaller weights.

    First the weight of the evidence is chosen, then that of the prior, then the evidence's again.

    Args:
        completion: what gives the scores.
        asked: ``(q, 3)`` directed facts.
        known: answers that do not count against others.
        evidence: False leaves the rules out.
        prior: False leaves the prior out.
    """
    best, score = Blend(Blend.evidence * evidence, Blend.prior * prior), float("nan")
    turns: list[tuple[str, tuple[float, ...]]] = [("evidence", EVIDENCE_WEIGHTS)] * evidence + [
        ("prior", PRIOR_WEIGHTS)
    ] * prior
    turns += [("further", FURTHER_WEIGHTS)] * (completion.further is not None)
    for field, weights in turns + turns[:1] * (len(turns) > 1):
        blends = [replace(best, **{field: weight}) for weight in weights]
        scores = (1 / ranks_by_blend(completion, asked, known, blends)).mean(1)
        place = int(torch.nonzero(scores >= scores.max() - 1e-9)[0])
        best, score = blends[place], float(scores[place])
    return replace(completion, blend=best), score


@dataclass(frozen=True)
class Platt:
    """From a score to a probability: ``sigmoid(slope * score + shift)``."""

    slope: float
    shift: float

    def __call__(self, score: Tensor) -> Tensor:
        """Calibrated probabilities, of any shape."""
        return torch.sigmoid(self.slope * score.double() + self.shift)


def fit_platt(score: Tensor, right: Tensor, steps: int = 100) -> Platt | None:
    """Platt's scaling with his targets against overconfidence (10.1007/s10994-007-5018-6).

    Shapes: ``score (m,)``, ``right (m,) bool``. None where all are right or all are wrong.
    """
    good, bad = int(right.sum()), int((~right).sum())
    if not good or not bad:
        return None
    target = torch.where(right, (good + 1) / (good + 2), 1 / (bad + 2)).double()
    center, scale = score.double().mean(), score.double().std(correction=0).clamp_min(1e-9)
    inputs = torch.stack([(score.double() - center) / scale, torch.ones(len(score)).double()], dim=1)
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(steps):
        probability = torch.sigmoid(inputs @ weights)
        slope = inputs.t() @ (probability - target)
        bend = inputs.t() @ (inputs * (probability * (1 - probability)).unsqueeze(1))
        step = torch.linalg.solve(bend + 1e-6 * torch.eye(2).double(), slope)
        weights = weights - step.clamp(-2, 2)
        if float(step.abs().max()) < 1e-9:
            break
    slope_of = float(weights[0] / scale)
    return Platt(slope_of, float(weights[1]) - slope_of * float(center))


def query_parts(num_queries: int, num_candidates: int) -> Iterator[slice]:
    """The queries in blocks whose scores are few enough to be held."""
    step = max(SCORES // max(num_candidates, 1), 1)
    for start in range(0, num_queries, step):
        yield slice(start, start + step)
