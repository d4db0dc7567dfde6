"""What an encoder of one sense can say in another: the names that its classifier was trained to tell.

Tensors only. A frozen picture network was trained on classes with names; what it says of a picture, by the
vectors of these names, is a text of what the picture shows, before any picture of the graph was seen. Method:
ConSE (arXiv 1312.5650), the softmax taken over standardised scores, which are alike for all networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHARPNESS = 0.8
"""What the standardised scores are multiplied by; chosen on splits of the demo that no figure speaks of."""

_ROWS = 4096


@dataclass(frozen=True)
class Names:
    """Classes that an encoder tells apart, and what their names mean.

    Shapes: ``directions (c, d)`` in the features of `shown`, ``vectors (c, t)`` in those of `told`.
    """

    shown: str
    told: str
    directions: Tensor
    vectors: Tensor

    def to(self, device: torch.device | str) -> Names:
        """The same on another device."""
        return Names(self.shown, self.told, self.directions.to(device), self.vectors.to(device))

    @torch.no_grad()
    def of(self, features: Tensor) -> Tensor:
        """What observations of `shown` say in the features of `told`: ``(m, d) -> (m, t)``."""
        said = [self._of(part) for part in torch.split(features, _ROWS)]
        return torch.cat([features.new_zeros(0, self.vectors.shape[1]), *said])

    def _of(self, features: Tensor) -> Tensor:
        scores = features @ self.directions.t()
        scores = scores - scores.mean(1, keepdim=True)
        scores = scores / scores.square().mean(1, keepdim=True).sqrt().clamp(min=1e-12)
        return (SHARPNESS * scores).softmax(1) @ self.vectors
