"""Fusion by concatenation: the senses side by side, zeros for what is missing, and one mixture of them.

The baseline that every other fusion must beat. It sees no neighbours: of the facts it knows only the
structure vector, as one more sense.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from fusion.base import Senses, View, unit
from fusion.senses import SenseFusion


class Concatenation(SenseFusion):
    """A linear map of the concatenated senses.

    Shapes: ``embed -> (b, size)``, where size is the width of the widest sense.
    """

    def __init__(self, feature_sizes: dict[str, int], num_relations: int, **rest: Any) -> None:
        super().__init__(feature_sizes, num_relations, **rest)
        self.mix = nn.Linear(sum(self.widths.values()), self.size, bias=False)

    @property
    def size(self) -> int:
        """Width of the joint vector."""
        return max(self.widths.values())

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """Mix what the view itself has: ``(b, size)``."""
        return unit(self.mix(self.side_by_side(view)))
