"""Scores of facts: ComplEx, and the 1-vs-all objective with the N3 penalty.

Tensors only. An entity is a row of ``2 * rank`` numbers, wherever it comes from: a free parameter or
the output of an encoder.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
