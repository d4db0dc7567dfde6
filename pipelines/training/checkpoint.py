"""The state of a training on the disk, so that a build that was killed goes on from its last validation.

Each objective has a file of its own, written beside and renamed: weights, the best ones so far, moments of
the optimizers, generators of random numbers, and the course. No pickle: safetensors with JSON in its head.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.files import save_tensors

Generator = torch.Generator | np.random.Generator


@dataclass
class Folder:
    """Where the objectives of one build are kept, in the order in which they begin.

    `key` stands for all that the training depends on: what was kept under another one is not taken.
    """

    path: Path
    key: str
    begun: int = field(default=0, init=False)


@dataclass(frozen=True)
class Checkpoint:
    """The file of one objective."""

    path: Path
    key: str

    def write(self, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Replace what was kept.

        Raises:
            OSError: the disk says no; what was kept stays.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        save_tensors(tensors, beside, {"key": self.key, "about": json.dumps(about)})
        beside.replace(self.path)

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was kept; None where nothing is, or something of another training, or a damaged file."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as file:
                head = file.metadata() or {}
                if head.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return tensors, json.loads(head["about"])
        except (FileNotFoundError, SafetensorError):
            return None


_FOLDER: ContextVar[Folder | None] = ContextVar("folder", default=None)


@contextmanager
def kept_in(path: Path, key: str) -> Iterator[None]:
    """Keep what is trained inside, and take what a stopped call with the same key has kept."""
    before = _FOLDER.set(Folder(path, key))
    try:
        yield
    finally:
        _FOLDER.reset(before)


def next_checkpoint(objective: str) -> Checkpoint | None:
    """The file of the objective that begins now; None where nothing is to be kept."""
    folder = _FOLDER.get()
    if folder is None:
        return None
    folder.begun += 1
    name = re.sub(r"\W+", "_", objective)
    return Checkpoint(folder.path / f"{folder.begun}_{name}.safetensors", folder.key)


def moving_parts(
    optimizers: Sequence[torch.optim.Optimizer], generators: Sequence[Generator]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of optimizers, of generators and of torch's own: tensors, and what is none."""
    parts: dict[str, Any] = {"random": torch.get_rng_state()}
    for place, optimizer in enumerate(optimizers):
        for number, state in optimizer.state_dict()["state"].items():
            parts |= {f"optimizer.{place}.{number}.{name}": value for name, value in state.items()}
    for place, one in enumerate(generators):
        drawn = one.get_state() if isinstance(one, torch.Generator) else one.bit_generator.state
        parts[f"random.{place}"] = drawn
    tensors = {name: value for name, value in parts.items() if isinstance(value, Tensor)}
    return tensors, {name: value for name, value in parts.items() if name not in tensors}


def set_moving_parts(
    optimizers: Sequence[torch.optim.Optimizer],
    generators: Sequence[Generator],
    tensors: Mapping[str, Tensor],
    rest: Mapping[str, Any],
) -> None:
    """Bring them back to what `moving_parts` gave."""
    parts: dict[str, Any] = {**tensors, **rest}
    torch.set_rng_state(parts["random"])
    for place, optimizer in enumerate(optimizers):
        states: dict[int, dict[str, Any]] = defaultdict(dict)
        for key, value in parts.items():
            if key.startswith(f"optimizer.{place}."):
                _, _, number, name = key.split(".", 3)
                states[int(number)][name] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": dict(states), "param_groups": groups})
    for place, one in enumerate(generators):
        if isinstance(one, torch.Generator):
            one.set_state(parts[f"random.{place}"])
        else:
            one.bit_generator.state = parts[f"random.{place}"]


def digest_of(parts: Sequence[str | Path | Tensor]) -> str:
    """A hash of texts, tensors, and all files of folders by their names."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            found.update(f"\0{part.dtype} {tuple(part.shape)}\0".encode())
            found.update(part.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        elif isinstance(part, Path):
            for file in sorted(path for path in part.rglob("*") if path.is_file()):
                with file.open("rb") as content:
                    found.update(f"\0{file.name}\0".encode())
                    found.update(hashlib.file_digest(content, "sha256").digest())
        else:
            found.update(f"\0{part}\0".encode())
    return found.hexdigest()
