"""What training asks for, each a function of tensors; the total is their weighted sum."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def alignment(left: Tensor, right: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE (arXiv 2103.00020): row i of one side must find row i of the other.

    Args:
        left: ``(b, d)`` unit vectors.
        right: ``(b, d)`` unit vectors.
        scale: inverse temperature, a scalar.
        same: ``(b,)`` concept of each row; another row of the same concept is not held against a row.

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
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.t(), target)) / 2
