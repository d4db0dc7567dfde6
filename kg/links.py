"""Scores of facts: ComplEx, the 1-vs-all objective with the N3 penalty, and filtered ranks.

Tensors only. An entity is a row of ``2 * rank`` numbers, wherever it comes from: a free parameter or
the output of an encoder. Scores of all entities are made for some queries at a time and never kept, so
memory does not grow with the number of queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_SCORES = 1 << 22  # scores held at a time: more leave the processor's cache and are no faster


class ComplEx(nn.Module):
    """Trilinear score of complex embeddings (arXiv 1606.06357), both directions.

    Relation ``r + num_relations`` is the inverse of ``r``: asking for a head is asking for the tail of
    the inverse (arXiv 1806.07297).

    Shapes: entity rows ``(n, 2 * rank)``: the real parts, then the imaginary parts.
    """

    def __init__(self, num_relations: int, rank: int) -> None:
        super().__init__()
        self.relation = nn.Parameter(torch.empty(2 * num_relations, 2 * rank))
        nn.init.normal_(self.relation, std=0.1)

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """What a tail must resemble: ``(b, 2 * rank)`` from head rows and relation ids ``(b,)``."""
        head_real, head_imaginary = head.chunk(2, dim=-1)
        real, imaginary = self.relation[relation].chunk(2, dim=-1)
        return torch.cat(
            [
                head_real * real - head_imaginary * imaginary,
                head_real * imaginary + head_imaginary * real,
            ],
            dim=-1,
        )

    def forward(self, head: Tensor, relation: Tensor, tails: Tensor) -> Tensor:
        """Scores of all given tails: ``(b, 2 * rank), (b,), (n, 2 * rank) -> (b, n)``."""
        return self.queries(head, relation) @ tails.t()

    def n3(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Mean nuclear 3-norm of the triples' factors, the penalty of arXiv 1806.07297."""
        parts = (head, self.relation[relation], tail)
        return sum(
            (
                (real.square() + imaginary.square() + 1e-12).pow(1.5).sum(-1).mean()
                for real, imaginary in (part.chunk(2, dim=-1) for part in parts)
            ),
            start=head.new_zeros(()),
        )


def both_directions(triples: Tensor, num_relations: int) -> Tensor:
    """The triples and their inverses: ``(t, 3) -> (2 t, 3)``, inverse relations after the others."""
    head, relation, tail = triples.unbind(1)
    return torch.cat([triples, torch.stack([tail, relation + num_relations, head], dim=1)])


@dataclass(frozen=True)
class Answers:
    """The tails of each distinct (head, relation) query, each once, as compressed rows.

    Shapes: ``head, relation (q,)``, ``start (q + 2,)``, ``tail (a,)``: query i is answered by
    ``tail[start[i] : start[i + 1]]``; query q, which stands for every unknown one, by nothing.
    """

    head: Tensor
    relation: Tensor
    start: Tensor
    tail: Tensor
    num_relations: int

    @classmethod
    def of(cls, triples: Tensor, num_relations: int) -> Answers:
        """Group facts ``(t, 3)`` by head and relation; ``num_relations`` counts inverse relations too."""
        head, relation, tail = triples.unbind(1)
        pairs, query = torch.unique(head * num_relations + relation, return_inverse=True)
        width = int(tail.max()) + 1 if len(tail) else 1
        facts = torch.unique(query * width + tail)
        count = torch.bincount(facts // width, minlength=len(pairs) + 1)
        start = torch.cat([count.new_zeros(1), count.cumsum(0)])
        return cls(pairs // num_relations, pairs % num_relations, start, facts % width, num_relations)

    def __len__(self) -> int:
        return len(self.head)

    def places(self, head: Tensor, relation: Tensor) -> Tensor:
        """Which query each pair is: ``(b,), (b,) -> (b,)``; ``len(self)`` if it is none."""
        pairs, asked = self.head * self.num_relations + self.relation, head * self.num_relations + relation
        place = torch.searchsorted(pairs, asked)
        # a last pair that nobody asks for keeps the lookup inside
        found = torch.cat([pairs, pairs.new_full((1,), -1)])[place] == asked
        return torch.where(found, place, len(self))

    def take(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """All answers of some queries: ``(b,) -> (k,), (k,)``, the row in ``places`` and the tail."""
        start = self.start[places]
        count = self.start[places + 1] - start
        row = torch.repeat_interleave(torch.arange(len(places), device=places.device), count)
        shift = start - (count.cumsum(0) - count)
        return row, self.tail[torch.arange(len(row), device=row.device) + shift[row]]


def answer_loss(
    queries: Tensor, candidates: Tensor, row: Tensor, tail: Tensor, share: Tensor, *, half: bool = False
) -> Tensor:
    """Rank each answer among all candidates: the 1-vs-all objective of arXiv 1806.07297.

    The weighted sum over the answers of the cross-entropy of the softmax over all candidates, of which a
    query with several answers needs one. The gradients are made with the scores, which are then dropped:
    the loss can be differentiated once.

    Args:
        queries: ``(b, d)`` from `ComplEx.queries`.
        candidates: ``(n, d)`` rows of all entities.
        row: ``(k,)`` query of each answer.
        tail: ``(k,)`` candidate of each answer.
        share: ``(k,)`` weight of each answer, such as 1 / k.
        half: take the three large products in bfloat16; sums and the answers' own scores stay exact.
    """
    loss: Tensor = _AnswerLoss.apply(queries, candidates, row, tail, share, half)
    return loss


def fast_bfloat16(device: torch.device) -> bool:
    """Whether products of bfloat16 are faster than those of float32 there."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


class _AnswerLoss(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, queries: Tensor, candidates: Tensor, *answers: Any) -> Tensor:
        row, tail, share, half = answers
        weight = share.new_zeros(len(queries)).index_add_(0, row, share)
        log_total, by_query, by_candidate = _log_totals(queries, candidates, weight, half)
        asked, answer = queries[row], candidates[tail]
        by_query.index_add_(0, row, answer * -share.unsqueeze(1))
        by_candidate.index_add_(0, tail, asked * -share.unsqueeze(1))
        context.save_for_backward(by_query, by_candidate)
        loss: Tensor = weight @ log_total - share @ (asked * answer).sum(1)
        return loss

    @staticmethod
    @once_differentiable
    def backward(context: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        by_query, by_candidate = context.saved_tensors
        return slope * by_query, slope * by_candidate, None, None, None, None


def _log_totals(
    queries: Tensor, candidates: Tensor, weight: Tensor, half: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """``logsumexp`` of each query's scores, and the gradients of their weighted sum by both factors."""
    kind = torch.bfloat16 if half else queries.dtype
    rows, log_total = candidates.to(kind), torch.empty_like(weight)
    by_query, by_candidate = torch.empty_like(queries), torch.zeros_like(candidates)
    for part in _parts(len(queries), len(candidates)):
        scores = rows @ queries[part].to(kind).t()  # (n, b): twice as fast as (b, n) in float32 on a CPU
        top = scores.amax(0)
        total = scores.sub_(top).exp_().sum(0, dtype=weight.dtype)
        log_total[part] = top + total.log()
        slope = (weight[part] / total).unsqueeze(1)
        by_query[part] = (scores.t() @ rows) * slope
        by_candidate += scores @ (queries[part] * slope).to(kind)
    return log_total, by_query, by_candidate


@torch.no_grad()
def filtered_ranks(scorer: ComplEx, rows: Tensor, asked: Tensor, known: Answers) -> Tensor:
    """Rank of each fact's tail among all entities, as `kg.ranking.realistic_ranks` counts it, from 1.

    Other known answers of the query do not count against it; a tie costs half a place.

    Shapes: ``rows (n, 2 * rank)``, ``asked (q, 3)`` -> ``(q,) float64``.

    Raises:
        ValueError: if a score is not a number.
    """
    ranks = torch.empty(len(asked), dtype=torch.float64, device=rows.device)
    for part in _parts(len(asked), len(rows)):
        head, relation, tail = asked[part].unbind(1)
        scores = rows @ scorer.queries(rows[head], relation).t()
        if torch.isnan(scores.amax(0)).any():
            raise ValueError("expected scores that are numbers (got NaN)")
        row, other = known.take(known.places(head, relation))
        ranks[part] = ranks_among(scores, tail, row[other != tail[row]], other[other != tail[row]])
    return ranks


def ranks_among(scores: Tensor, tail: Tensor, row: Tensor, other: Tensor) -> Tensor:
    """Realistic rank of each query's tail, other known answers left out; a tie costs half a place.

    Shapes: ``scores (n, b)``, ``tail (b,)``; ``row, other (k,)`` query and entity of what is left out, no
    tail among it -> ``(b,) float64``.
    """
    true = scores.gather(0, tail.unsqueeze(0)).squeeze(0)
    rival = scores[other, row]
    better = (scores > true).sum(0, dtype=torch.int32)
    better -= torch.bincount(row[rival > true[row]], minlength=len(tail))
    equal = (scores == true).sum(0, dtype=torch.int32) - 1  # itself
    equal -= torch.bincount(row[rival == true[row]], minlength=len(tail))
    return 1 + better + equal.double() / 2


def _parts(num_queries: int, num_candidates: int) -> list[slice]:
    """The queries in blocks whose scores are few enough to be held; whole tiles multiply faster."""
    step = max(_SCORES // max(num_candidates, 1) // 128 * 128, 32)
    return [slice(start, start + step) for start in range(0, num_queries, step)]
