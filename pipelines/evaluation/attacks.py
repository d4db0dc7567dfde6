"""Small changes of an entity's features that mislead a label model most: its worst case, not chance.

FGSM (arXiv 1412.6572) takes one step up the gradient of the loss, PGD (arXiv 1706.06083) several, each put
back into the ball. Both here by length: a row may move by `radius` times its own length, whatever its scale.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from fusion.base import JointGraph, Sense, View, pooled
from fusion.label import LabelModel, Memory

Features = dict[str, Tensor]
Loss = Callable[[Features], Tensor]

STEPS = 10


def fgsm(loss: Loss, features: Features, radius: float) -> Features:
    """One step of the whole radius up the gradient."""
    return _stepped(loss, features, features, radius, radius)


def pgd(loss: Loss, features: Features, radius: float, *, steps: int = STEPS) -> Features:
    """Several shorter steps, none of which leaves the ball around where they started."""
    moved = features
    for _ in range(steps):
        moved = _stepped(loss, moved, features, 2.5 * radius / steps, radius)
    return moved


def _stepped(loss: Loss, features: Features, start: Features, step: float, radius: float) -> Features:
    leaves = {name: rows.detach().clone().requires_grad_() for name, rows in features.items()}
    gradient = torch.autograd.grad(loss(leaves), list(leaves.values()), allow_unused=True)
    out = {}
    for (name, rows), slope in zip(features.items(), gradient, strict=True):
        length = start[name].norm(dim=1, keepdim=True)
        up = torch.zeros_like(rows) if slope is None else _unit(slope)
        out[name] = in_ball(rows + step * length * up, start[name], radius)
    return out


def in_ball(rows: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The nearest rows within `radius` times the centre's length of it: ``(m, d), (m, d) -> (m, d)``."""
    moved = rows - centre
    most = radius * centre.norm(dim=1, keepdim=True)
    length = moved.norm(dim=1, keepdim=True).clamp(min=1e-30)
    inside: Tensor = centre + moved * (most / length).clamp(max=1)
    return inside


def features_of(graph: JointGraph, entities: Tensor) -> tuple[Features, dict[str, Tensor]]:
    """All observations of some entities, and for each row the place of its owner among them."""
    place = torch.full((graph.num_entities,), -1, device=entities.device)
    place[entities] = torch.arange(len(entities), device=entities.device)
    rows, owners = {}, {}
    for name, owner in graph.owners.items():
        theirs = place[owner] >= 0
        rows[name], owners[name] = graph.features[name][theirs], place[owner][theirs]
    return rows, owners


def shown_features(model: LabelModel, view: View, features: Features, owners: dict[str, Tensor]) -> View:
    """The view with its own senses made anew from features; what the neighbours bring stays."""
    own: dict[str, Sense] = {
        name: pooled(model.fusion.project(name, rows), owners[name], len(view))
        for name, rows in features.items()
    }
    return View({**view.senses, **own}, view.affinity, view.entities)


def label_loss(
    model: LabelModel, memory: Memory, view: View, owners: dict[str, Tensor], classes: Tensor
) -> Loss:
    """The summed loss of the true classes as a function of the features."""

    def loss(features: Features) -> Tensor:
        logits = model.logits(shown_features(model, view, features, owners), memory)
        return functional.cross_entropy(logits, classes, reduction="sum")

    return loss


def _unit(rows: Tensor) -> Tensor:
    scaled: Tensor = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-30)
    return scaled
