"""Fusion by a cross-modal autoencoder: any subset of the senses becomes one code, and all come back from it.

Training hides some of an entity's senses and asks for them all, as in Ngiam et al., Multimodal Deep Learning
(ICML 2011); the code is a sum over the senses that are there, so a missing one is no edge rather than a zero.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fusion.base import Sense, Senses, View, unit
from fusion.senses import SenseFusion


class CrossModalAutoencoder(SenseFusion):
    """One encoder into the code and one decoder out of it for each sense.

    Shapes: the code ``(b, size)``, where size is the width of the widest sense.
    """

    def __init__(self, feature_sizes: dict[str, int], num_relations: int, **rest: Any) -> None:
        super().__init__(feature_sizes, num_relations, **rest)
        # structure's name could clash with a module's attribute; a prefix keeps the keys apart
        self.encoders = nn.ModuleDict(
            {f"from_{name}": nn.Linear(width, self.size, bias=False) for name, width in self.widths.items()}
        )
        self.decoders = nn.ModuleDict(
            {f"to_{name}": _decoder(self.size, width) for name, width in self.widths.items()}
        )

    @property
    def size(self) -> int:
        """Width of the code."""
        return max(self.widths.values())

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """The code of what the view itself has: ``(b, size)``."""
        return self.encode(view.senses)

    def told(self, view: View) -> Senses:
        """The code."""
        code = self.encode(view.senses)
        return {"joint": Sense(code, code.any(1))}

    def encode(self, senses: Senses) -> Tensor:
        """Mean of what each present sense says of the code, as unit rows ``(b, size)``; zeros for none."""
        told = [
            self.encoders[f"from_{name}"](sense.vectors)
            for name, sense in senses.items()
            if name in self.widths
        ]
        return unit(torch.stack(told).sum(0))

    def decode(self, code: Tensor) -> dict[str, Tensor]:
        """Every sense as the code has it, unit rows: ``(b, size) -> (b, width)`` each."""
        return {name: unit(self.decoders[f"to_{name}"](code)) for name in self.widths}

    def own_loss(self, view: View) -> Tensor:
        """Mean cosine distance of all senses that are there to what comes back from a random part of them."""
        present = torch.stack([sense.present for sense in view.senses.values()], dim=1)
        shown = present & (torch.rand(present.shape, device=present.device) < 0.5)
        shown |= present & ~shown.any(1, keepdim=True)  # nothing comes back from nothing
        told = {
            name: sense.hidden_where(~shown[:, place])
            for place, (name, sense) in enumerate(view.senses.items())
        }
        back = self.decode(self.encode(told))
        return reconstruction_error(view.senses, back)


def reconstruction_error(senses: Senses, back: dict[str, Tensor]) -> Tensor:
    """Mean of 1 - cosine over all senses that are there; 0 where none is."""
    distance = [(1 - (back[name] * sense.vectors).sum(1))[sense.present] for name, sense in senses.items()]
    flat = torch.cat(distance)
    return flat.mean() if len(flat) else flat.sum()


def _decoder(size: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, width))
