"""Which cell of a picture speaks for a class: the class's logit, shared out among the cells. Tensors only.

Integrated gradients (arXiv 1703.01365) along the picture's sense, from nothing to what it is; then, since
that sense is linear in the cells, a class activation map (arXiv 1512.04150). So the shares sum up to what
the picture adds, and the map is the same act for every fusion.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from fusion.base import Sense, View, unit
from fusion.label import LabelModel, Memory

STEPS = 16
"""Points of the path: a single gradient at its end is flat where the model is sure."""


def shares(
    model: LabelModel,
    memory: Memory,
    view: View,
    modality: str,
    cells: Tensor,
    label: int,
    known: Tensor | None = None,
) -> Tensor:
    """What each cell adds to how far a class stands above the mean of all classes.

    Cells are not scaled to unit length: an empty cell must stay faint.

    Args:
        model: the trained label model, in evaluation mode.
        memory: what it remembers of the graph.
        view: one entity's row.
        modality: the sense that the cells make up.
        cells: ``(observations, rows, columns, d)``, all observations of the entity; the mean over the
            cells of one is its features before they are scaled to unit length.
        label: the class.
        known: ``(1, classes)``, how much the entity counts as an example itself (see `LabelModel.counted`).

    Returns:
        ``(observations, rows, columns)``; their sum is the gain over a sense of zeros, in logits.

    Raises:
        ValueError: more than one entity.
    """
    if len(view) != 1:
        raise ValueError(f"expected a view of one entity (got {len(view)})")
    with torch.no_grad():
        length = cells.mean((1, 2), keepdim=True).norm(dim=3, keepdim=True).clamp(min=1e-12)
        reduced = model.fusion.reduced(modality, cells / length)
        rows = reduced.mean((1, 2), keepdim=True)
        parts = reduced / rows.norm(dim=3, keepdim=True).clamp(min=1e-12)
        parts = parts / parts[0, :, :, 0].numel()
        total = parts.sum((0, 1, 2))
        whole, parts = unit(total), parts / total.norm().clamp(min=1e-12)
    points = (torch.arange(STEPS, device=whole.device) + 0.5) / STEPS
    vectors = (points.unsqueeze(1) * whole).requires_grad_()
    if known is not None:
        known = known.expand(STEPS, -1)
    logits = model.logits(_along(view, modality, vectors), memory, known)
    (gradient,) = torch.autograd.grad((logits[:, label] - logits.mean(1)).sum(), vectors)
    out: Tensor = parts @ gradient.mean(0)
    return out


def smoothed(maps: Tensor) -> Tensor:
    """Mean over the 3 x 3 cells around each that are there, binomial weights: ``(n, r, c) -> (n, r, c)``.

    What a deep network says of one cell is scattered over its neighbours: each sees far beyond its square.
    A single cell that stands out stays the greatest, at an edge and beside it.
    """
    line = maps.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(line, line).view(1, 1, 3, 3)
    total, weight = (
        functional.conv2d(one.unsqueeze(1), kernel, padding=1) for one in (maps, torch.ones_like(maps))
    )
    mean: Tensor = (total / weight).squeeze(1)
    return mean


def enlarged(maps: Tensor, side: int) -> Tensor:
    """Cubic interpolation, so that a peak may lie between cells: ``(n, r, c) -> (n, side, side)``."""
    large: Tensor = functional.interpolate(
        maps.unsqueeze(1), size=(side, side), mode="bicubic", align_corners=False
    ).squeeze(1)
    return large


def _along(view: View, modality: str, vectors: Tensor) -> View:
    """The view's row as often as there are vectors, one of them each in place of the sense."""
    count = len(vectors)
    senses = {
        name: Sense(sense.vectors.expand(count, -1), sense.present.expand(count))
        for name, sense in view.senses.items()
    }
    present = torch.ones(count, dtype=torch.bool, device=vectors.device)
    senses[modality] = Sense(vectors, present)
    again = torch.zeros(count, dtype=torch.int64, device=vectors.device)
    affinity = None if view.affinity is None else view.affinity[again]
    return replace(view, senses=senses, affinity=affinity)
