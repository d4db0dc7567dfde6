"""An encoder for tests of other processes: rows tell how long a text is; one text kills who reads it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from encoders.base import MediaError


@dataclass
class Mortal:
    """Dies over the text "poison" unless the mark is there, and leaves the mark."""

    mark: Path
    name: str = "mortal@1"
    modality: str = "text"
    dim: int = 2

    def load(self, reference: str | Path) -> str:
        if reference == "poison" and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if not reference:
            raise MediaError(reference, "expected a text (got none)")
        return str(reference)

    def encode(self, items: Sequence[str]) -> Tensor:
        return torch.tensor([[len(item), 1.0] for item in items]).reshape(-1, self.dim)
