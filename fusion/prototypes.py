"""What a class looks, reads or sounds like: one row for each sense, gathered over the edges of the class.

Tensors only. A row is a weighted mean over four relations: the examples of the class; the examples of the
classes that are near to it by the facts; what was observed of the class itself (an icon, a definition); and
what its other senses let expect. With many examples the first prevails; a rare class stands on the rest. With
the examples alone, in a space whitened within classes, this is shrinkage discriminant analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fusion.base import Sense, Senses

RELATIONS = ("facts", "own", "inferred")
TRUST = 5.5
"""Examples that each relation counts for."""


@dataclass(frozen=True)
class Classes:
    """What a pass over the graph tells of the classes.

    Shapes: ``entities (c,) int64``, -1 for a literal; ``examples (2, m) int64``, rows of `senses` and their
    classes; ``near (c, c)`` nearness of classes by the facts in [0, 1], or None.
    """

    entities: Tensor
    examples: Tensor
    near: Tensor | None


@dataclass(frozen=True)
class Rows:
    """One sense of all classes, by relation.

    Shapes: ``total (c, w)`` and ``count (c,)`` of the examples; ``told[relation] (c, w)``, zero rows
    where the relation tells nothing, and ``has[relation] (c,) float``.
    """

    total: Tensor
    count: Tensor
    told: dict[str, Tensor]
    has: dict[str, Tensor]


class Prototypes(nn.Module):
    """How much each relation counts, and each sense: a few scalars, learned with each example left out."""

    trust: Tensor

    def __init__(self, senses: tuple[str, ...]) -> None:
        super().__init__()
        self.names = {name: place for place, name in enumerate(senses)}
        # not learned: examples are often near twins, and leaving one out would tell to trust them alone
        self.register_buffer("trust", torch.full((len(senses), len(RELATIONS)), TRUST))
        self.gain = nn.Parameter(torch.full((len(senses),), 3.0))
        self.spread = nn.Parameter(torch.ones(len(senses)))

    def forward(self, shown: Senses, rows: dict[str, Rows], known: Tensor | None = None) -> Tensor:
        """Logits by nearness, summed over the senses that are there: ``(b, classes)``.

        Args:
            shown: the senses of some entities.
            rows: the classes' rows by sense.
            known: ``(b,)`` classes of entities that are examples themselves, so that none is its own.
        """
        parts = [self.logits_by(name, shown[name], rows[name], known) for name in rows]
        return torch.stack(parts).sum(0)

    def logits_by(self, name: str, shown: Sense, rows: Rows, known: Tensor | None = None) -> Tensor:
        """The share of one sense; zeros for those who lack it: ``(b, classes)``."""
        place = self.names[name]
        weight = {
            relation: self.trust[place, number] * rows.has[relation]
            for number, relation in enumerate(RELATIONS)
        }
        count = rows.count + torch.stack(list(weight.values())).sum(0)
        total = rows.total + sum(
            weight[relation].unsqueeze(1) * rows.told[relation] for relation in RELATIONS
        )
        near, square = shown.vectors @ total.t(), (total * total).sum(1).expand(len(shown.vectors), -1)
        count = count.expand_as(near)
        if known is not None:
            own = torch.nn.functional.one_hot(known, near.shape[1]) * shown.present.unsqueeze(1)
            length = (shown.vectors * shown.vectors).sum(1, keepdim=True)
            square = square - own * (2 * near - length)
            near, count = near - own * length, count - own
        inside = count > 1e-6
        count = count.clamp(min=1e-6)
        score = near / count - self.spread[place].clamp(min=0) * square / count**2 / 2
        # a class of which a sense tells nothing is as near as the mean of the others
        score = torch.where(
            inside,
            score,
            score.where(inside, 0).sum(1, keepdim=True) / inside.sum(1, keepdim=True).clamp(min=1),
        )
        out: Tensor = self.gain[place].exp() * score * shown.present.unsqueeze(1)
        return out


def class_rows(senses: Senses, own: Senses, classes: Classes) -> dict[str, Rows]:
    """The rows of all classes by sense.

    Args:
        senses: the examples' senses, a row for each column of ``classes.examples``.
        own: the senses of the classes' own entities, a row for each class; absent where it is a literal.
        classes: which examples are of which class.
    """
    out = {}
    size = len(classes.entities)
    label = classes.examples[1]
    for name, sense in senses.items():
        total = sense.vectors.new_zeros(size, sense.vectors.shape[1]).index_add(0, label, sense.vectors)
        count = torch.bincount(label[sense.present], minlength=size).to(total.dtype)
        mean = total / count.clamp(min=1).unsqueeze(1)
        told = {
            "facts": _kin(mean, count, classes.near),
            "own": _closed_gap(own[name], mean, count),
            "inferred": _inferred(name, own, mean, count),
        }
        has = {relation: (vectors != 0).any(1).to(total.dtype) for relation, vectors in told.items()}
        out[name] = Rows(total, count, told, has)
    return out


def _kin(mean: Tensor, count: Tensor, near: Tensor | None, sharpness: float = 8.0) -> Tensor:
    """Mean of the other classes' means, the nearer by the facts the more; zeros where none is near."""
    if near is None:
        return torch.zeros_like(mean)
    weight = torch.exp(sharpness * (near - 1)) * (near > 0) * (count > 0)
    weight = weight.clone().fill_diagonal_(0)
    return weight @ mean / weight.sum(1, keepdim=True).clamp(min=1e-6)


def _closed_gap(own: Sense, mean: Tensor, count: Tensor) -> Tensor:
    """What was observed of the classes themselves, moved by the mean gap between such and the examples."""
    both = own.present & (count > 0)
    gap = (mean[both] - own.vectors[both]).mean(0) if bool(both.any()) else torch.zeros_like(mean[0])
    return (own.vectors + gap) * own.present.unsqueeze(1)


def _inferred(name: str, own: Senses, mean: Tensor, count: Tensor) -> Tensor:
    """One sense of the classes as kernel ridge regression on their other senses lets expect it.

    Each class is left out of what is said of it. Zeros where there is nothing to go by.
    """
    others = [sense for other, sense in own.items() if other != name and int(sense.present.sum()) > 2]
    if not others or int((count > 0).sum()) < 3:
        return torch.zeros_like(mean)
    there = torch.stack([sense.present for sense in others]).any(0)
    centred = [
        (sense.vectors - sense.vectors[sense.present].mean(0)) * sense.present.unsqueeze(1)
        for sense in others
    ]
    kernel = torch.stack([vectors @ vectors.t() for vectors in centred]).sum(0)
    seen = there & (count > 0)
    inside = kernel[seen][:, seen]
    ridge = inside.diagonal().mean().clamp(min=1e-6) * torch.eye(len(inside), device=mean.device)
    solved = torch.linalg.inv(inside + ridge)
    centre = mean[seen].mean(0)
    weights = kernel[:, seen] @ solved
    told = centre + weights @ (mean[seen] - centre)
    hat = (inside @ solved).diagonal().unsqueeze(1)
    alone = (told[seen] - centre - hat * (mean[seen] - centre)) / (1 - hat).clamp(min=1e-6) + centre
    out = torch.zeros_like(mean)
    out[there] = told[there]
    out[seen] = alone
    return out
