"""How near an entity is to the rows of the classes, sense by sense.

Tensors only. A row is a weighted mean over four relations (see `fusion.class_rows`): with many examples the
first prevails; a rare class stands on the rest. With the examples alone, in a space whitened within classes,
this is shrinkage discriminant analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fusion.base import Sense, Senses
from fusion.class_rows import EPSILON, Rows

TRUST = 5.5
"""Examples that each relation counts for.

Not learned: examples are often near twins, and leaving one out would tell to trust them alone.
"""


@dataclass(frozen=True)
class Nearness:
    """Vectors of one sense against the classes' rows.

    Shapes: ``product (b, c)`` with the rows, ``square (b, c)`` squared lengths of the rows, ``inside (b, c)``
    whether there is a row, ``present (b,)`` whether there is a vector.
    """

    product: Tensor
    square: Tensor
    inside: Tensor
    present: Tensor

    @classmethod
    def joined(cls, parts: Sequence[Nearness]) -> Nearness:
        """Of several batches, one after the other."""
        names = ("product", "square", "inside", "present")
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


class Prototypes(nn.Module):
    """How much each sense counts: a few scalars."""

    def __init__(self, senses: tuple[str, ...]) -> None:
        super().__init__()
        self.names = {name: place for place, name in enumerate(senses)}
        self.gain = nn.Parameter(torch.full((len(senses),), 3.0))
        self.spread = nn.Parameter(torch.ones(len(senses)))

    def forward(self, shown: Senses, rows: dict[str, Rows], known: Tensor | None = None) -> Tensor:
        """Logits by nearness, summed over the senses that are there: ``(b, classes)``.

        Args:
            shown: the senses of some entities.
            rows: the classes' rows by sense.
            known: ``(b, classes)``, how much each entity counts as an example of each class, so that none is
                its own.
        """
        return self.summed({name: nearness(shown[name], rows[name], known) for name in rows})

    def summed(self, near: dict[str, Nearness]) -> Tensor:
        """Logits from what each sense is near to: ``(b, classes)``."""
        return torch.stack([self.logits_by(name, one) for name, one in near.items()]).sum(0)

    def logits_by(self, name: str, near: Nearness) -> Tensor:
        """The share of one sense; zeros for those who lack it: ``(b, classes)``."""
        place = self.names[name]
        score = near.product - self.spread[place].clamp(min=0) * near.square / 2
        # a class of which a sense tells nothing is as near as the mean of the others
        mean = score.where(near.inside, 0).sum(1, keepdim=True) / near.inside.sum(1, keepdim=True).clamp(
            min=1
        )
        out: Tensor = self.gain[place].exp() * score.where(near.inside, mean) * near.present.unsqueeze(1)
        return out


def nearness(shown: Sense, rows: Rows, known: Tensor | None = None) -> Nearness:
    """Compare some vectors with the classes' rows.

    A row is ``(examples + trust * kin + rest) / weights``; where a vector is an example itself, it is taken
    out of its classes and of the kin of all, in closed form.
    """
    vectors = shown.vectors
    kin, rest = rows.share @ rows.total, torch.zeros_like(rows.total)
    weight = rows.count
    for relation, told in rows.told.items():
        trust = TRUST * rows.worth[relation]
        rest, weight = rest + trust.unsqueeze(1) * told, weight + trust
    total = rows.total + rest
    to_total, to_kin = vectors @ total.t(), vectors @ kin.t()
    own, part = torch.zeros_like(to_total), torch.zeros_like(to_total)
    if known is not None:
        length = (vectors * vectors).sum(1, keepdim=True)  # 1, or 0 where the sense is missing
        own = known * length
        part = known @ rows.share.t() * length
    of_kin = (rows.share @ rows.count) - part
    trusted = TRUST * rows.kinship * (of_kin > EPSILON)
    trust = trusted / of_kin.clamp(min=EPSILON)
    near = to_total - own + trust * (to_kin - part)
    square = (
        ((total * total).sum(1) - own * (2 * to_total - own))
        + trust**2 * ((kin * kin).sum(1) - 2 * part * to_kin + part**2)
        + 2 * trust * ((total * kin).sum(1) - own * to_kin - part * to_total + own * part)
    )
    weight = weight - own + trusted
    inside = weight > EPSILON
    weight = weight.clamp(min=EPSILON)
    return Nearness(near / weight, square / weight**2, inside, shown.present)
