"""What a class looks, reads or sounds like: one row for each sense, gathered over the edges of the class.

Tensors only. Four relations tell of a class: its examples; the examples of the classes that are near to it
by the facts; what was observed of the class itself (an icon, a definition); and what its other senses let
expect. How they are weighed, and entities against them, is the matter of `fusion.prototypes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fusion.base import Sense, Senses

EPSILON = 1e-6


@dataclass(frozen=True)
class Classes:
    """What a pass over the graph tells of the classes.

    Shapes: ``entities (c,) int64``, -1 for a literal; ``examples (2, m) int64``, who is an example,
    and of which class (of several in as many columns, a part of one each); ``near (c, c)``, or None, how near
    classes are by the facts, in [0, 1].
    """

    entities: Tensor
    examples: Tensor
    near: Tensor | None

    @property
    def weight(self) -> Tensor:
        """How much each example counts, by its row: one over the number of its classes, ``(m,)``."""
        _, row, count = torch.unique(self.examples[0], return_inverse=True, return_counts=True)
        weight: Tensor = 1 / count[row].to(torch.get_default_dtype())
        return weight


@dataclass(frozen=True)
class Rows:
    """One sense of all classes, by relation.

    Shapes: ``total (c, w)`` and ``count (c,)`` of the examples; ``share (c, c)``, how much an example of one
    class (column) counts among the kin of another (row), and ``kinship ()`` in [0, 1], what kin are worth in
    this sense; ``told[relation] (c, w)``, zero rows where the
    relation tells nothing, and ``worth[relation] (c,)`` in [0, 1], 0 there.
    """

    total: Tensor
    count: Tensor
    share: Tensor
    kinship: Tensor
    told: dict[str, Tensor]
    worth: dict[str, Tensor]


def class_rows(senses: Senses, own: Senses, classes: Classes) -> dict[str, Rows]:
    """The rows of all classes by sense.

    Args:
        senses: the examples' senses, a row for each column of ``classes.examples``.
        own: the senses of the classes' own entities, a row for each class; absent where it is a literal.
        classes: which examples are of which class.
    """
    out = {}
    size = len(classes.entities)
    label, weight = classes.examples[1], classes.weight
    share = _shares(classes.near, torch.bincount(label, weight, minlength=size))
    for name, sense in senses.items():
        total = sense.vectors.new_zeros(size, sense.vectors.shape[1]).index_add(
            0, label, sense.vectors * weight.unsqueeze(1)
        )
        count = torch.bincount(label, weight * sense.present, minlength=size).to(total.dtype)
        mean = total / torch.where(count > 0, count, 1).unsqueeze(1)
        inferred, worth = _inferred(name, own, mean, count)
        told = {"own": _closed_gap(own[name], mean, count), "inferred": inferred}
        there = {relation: vectors.any(1).to(total.dtype) for relation, vectors in told.items()}
        kinship = _kinship(share, total, count)
        out[name] = Rows(total, count, share, kinship, told, {**there, "inferred": worth * there["inferred"]})
    return out


def _shares(near: Tensor | None, count: Tensor, sharpness: float = 8.0) -> Tensor:
    """How much an example of one class counts among the kin of another; nothing where none is near.

    A class is its own nearest kin: without it, two siblings would be told by each other's examples alone.
    """
    if near is None:
        return torch.zeros(len(count), len(count), device=count.device)
    share = torch.exp(sharpness * (near - 1)) * (near > 0)
    alone = (near > 0).sum(1) <= 1
    # an even weight for each class, as for siblings of one parent, however many examples it has
    return share * ~alone.unsqueeze(1) / torch.where(count > 0, count, 1).to(share.dtype)


def _kinship(share: Tensor, total: Tensor, count: Tensor) -> Tensor:
    """How far classes are like their kin in one sense: the correlation of their means, at least 0.

    Kinds of one family may look alike and yet read unlike: such kin tell nothing of a text.
    """
    others = share - torch.diag(share.diagonal())
    of_kin = others @ count
    seen = (count > 0) & (of_kin > EPSILON)
    if int(seen.sum()) < 3:
        return count.new_ones(())
    mean, kin = (
        (total / count.clamp(min=1).unsqueeze(1))[seen],
        (others @ total)[seen] / of_kin[seen].unsqueeze(1),
    )
    mean, kin = mean - mean.mean(0), kin - kin.mean(0)
    likeness: Tensor = (mean * kin).sum() / (mean.norm() * kin.norm()).clamp(min=EPSILON)
    return likeness.clamp(min=0)


def _closed_gap(own: Sense, mean: Tensor, count: Tensor) -> Tensor:
    """What was observed of the classes themselves, moved by the mean gap between such and the examples."""
    both = own.present & (count > 0)
    gap = (mean[both] - own.vectors[both]).mean(0) if bool(both.any()) else torch.zeros_like(mean[0])
    return (own.vectors + gap) * own.present.unsqueeze(1)


def _inferred(name: str, own: Senses, mean: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """One sense of the classes as kernel ridge regression on their other senses lets expect it.

    Each class is left out of what is said of it. Also what that is worth: the correlation with what is known,
    at least 0, since of few classes nothing can be learned. Zeros where there is nothing to go by.
    """
    nothing = torch.zeros_like(mean), mean.new_zeros(())
    others = [sense for other, sense in own.items() if other != name and int(sense.present.sum()) > 2]
    if not others:
        return nothing
    there = torch.stack([sense.present for sense in others]).any(0)
    seen = there & (count > 0)
    if int(seen.sum()) < 3:
        return nothing
    centred = [
        (sense.vectors - sense.vectors[sense.present].mean(0)) * sense.present.unsqueeze(1)
        for sense in others
    ]
    kernel = torch.stack([vectors @ vectors.t() for vectors in centred]).sum(0)
    inside = kernel[seen][:, seen]
    ridge = inside.diagonal().mean().clamp(min=EPSILON) * torch.eye(len(inside), device=mean.device)
    solved = torch.linalg.inv(inside + ridge)
    centre = mean[seen].mean(0)
    known = mean[seen] - centre
    told = kernel[:, seen] @ solved @ known
    hat = (inside @ solved).diagonal().unsqueeze(1)
    alone = (told[seen] - hat * known) / (1 - hat).clamp(min=EPSILON)
    worth = (alone * known).sum() / (alone.norm() * known.norm()).clamp(min=EPSILON)
    out = torch.zeros_like(mean)
    out[there] = told[there] + centre
    out[seen] = alone + centre
    return out, worth.clamp(min=0)
