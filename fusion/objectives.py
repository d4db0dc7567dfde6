"""What training asks for, each a function of tensors; the total is their weighted sum."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def alignment(
    left: Tensor, right: Tensor, scale: Tensor, same: Tensor | None = None, hardness: float = 0.0
) -> Tensor:
    """Symmetric InfoNCE (arXiv 2103.00020): row i of one side must find row i of the other.

    Args:
        left: ``(b, d)`` unit vectors.
        right: ``(b, d)`` unit vectors.
        scale: inverse temperature, a scalar.
        same: ``(b,)`` concept of each row; another row of the same concept is not held against a row.
        hardness: how much more a near negative counts than a far one (arXiv 2010.04592); 0 counts all alike.

    Raises:
        ValueError: for fewer than two rows, where there is nothing to tell apart.
    """
    if len(left) < 2:
        raise ValueError(f"expected at least 2 rows to tell apart (got {len(left)})")
    logits = scale * left @ right.t()
    if same is not None:
        twins = (same.unsqueeze(0) == same.unsqueeze(1)).fill_diagonal_(False)
        logits = logits.masked_fill(twins, float("-inf"))
    target = torch.arange(len(left), device=left.device)
    if hardness:
        forth, back = (_harder(one, hardness / scale.detach()) for one in (logits, logits.t()))
        return (functional.cross_entropy(forth, target) + functional.cross_entropy(back, target)) / 2
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.t(), target)) / 2


def disorder(below: Tensor, above: Tensor) -> Tensor:
    """By how much pairs are out of order: the squared excess of what is above, ``(b, d), (b, d) -> (b,)``.

    In order, what is above has nowhere more than what is below: the order of arXiv 1511.06361, which is
    transitive, so that pairs of neighbours in a hierarchy say all.
    """
    return functional.relu(above - below).square().sum(1)


def order(rows: Tensor, below: Tensor, above: Tensor, margin: float = 1.0) -> Tensor:
    """Draw pairs into order, and others out of it by a margin (arXiv 1511.06361); a scalar, 0 without pairs.

    The others have a random row in place of the upper one: little is above a thing.

    Shapes: ``rows (n, d)``; ``below, above (b,)`` places among them.
    """
    if not len(below):
        return rows.new_zeros(())
    low, high = rows[below], rows[above]
    other = rows[torch.randint(len(rows), (len(below),), device=rows.device)]
    return disorder(low, high).mean() + functional.relu(margin - disorder(low, other)).mean()


def _harder(logits: Tensor, hardness: Tensor) -> Tensor:
    """Logits whose negatives weigh by ``exp(hardness * logit)``, with mean 1 over those of each row."""
    negative = ~torch.eye(len(logits), dtype=torch.bool, device=logits.device) & (logits > float("-inf"))
    weight = (hardness * logits.detach()).masked_fill(~negative, float("-inf"))
    mean = weight.logsumexp(1, keepdim=True) - negative.sum(1, keepdim=True).clamp(min=1).log()
    return logits + torch.where(negative, weight - mean, 0.0)
