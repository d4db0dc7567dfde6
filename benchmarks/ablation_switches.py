"""How a part of the product is taken out: by simpler things in its place.

The product itself has no switch for this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from fusion.attention import CrossModalAttention
from fusion.base import STRUCTURE, JointGraph, Observed, Senses, View
from fusion.label import LabelModel, Memory
from fusion.prototypes import Nearness, Prototypes

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Part:
    """One thing taken out: the model stands without it, or with what `name` says in its place.

    `lacks` is an input that is left out, as the runs know it; `larger` says that what takes the place is more
    than what was there, so that the product has to be no worse rather than better.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    swaps: tuple[AbstractContextManager[Any], ...] = ()
    lacks: str = ""
    larger: bool = False

    @contextmanager
    def out(self) -> Iterator[None]:
        """The product without it."""
        with ExitStack() as stack:
            for swap in self.swaps:
                stack.enter_context(swap)
            yield


def made(kind: Callable[..., M], **fixed: Any) -> Callable[..., M]:
    """A kind of model that is made with these arguments, whatever is asked for."""
    return lambda *args, **rest: kind(*args, **(rest | fixed))


def held(kind: Callable[..., M], *patterns: str, at: float | None = None) -> Callable[..., M]:
    """A kind of model some of whose parameters are never learned: they stay as made, or at a value.

    Raises:
        ValueError: if no parameter has a name of this pattern.
    """

    def make(*args: Any, **rest: Any) -> M:
        model = kind(*args, **rest)
        for pattern in patterns:
            found = [weight for name, weight in model.named_parameters() if fnmatch(name, pattern)]
            if not found:
                raise ValueError(f"expected a parameter named as {pattern} (got none)")
            for weight in found:
                weight.requires_grad_(False)
                if at is not None:
                    weight.fill_(at)
        return model

    return make


class Unhidden(CrossModalAttention):
    """Training may attend to the very entities that are asked for, as if no concept were hidden."""

    def fit_senses(self, graph: Observed, visible: Tensor) -> None:
        """Keep who may be seen where nothing is hidden."""
        super().fit_senses(graph, visible)
        self.seen = visible

    def contexts(self, graph: JointGraph, senses: Senses, visible: Tensor) -> Senses:
        """By all that may be seen."""
        return super().contexts(graph, senses, visible | self.seen)

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """By all that may be seen."""
        return super().embed(view, memory, visible | self.seen)


class Unstructured(LabelModel):
    """No structure vectors; the nearest example by the facts stays."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **(rest | {"structure_width": 0}))
        self.prototypes = Prototypes((*self.fusion.compared, STRUCTURE))


class Unlinked(LabelModel):
    """The facts tell nothing of the nearest example; structure vectors stay."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.prototypes = Prototypes(self.fusion.compared)


class Unlearned(LabelModel):
    """The classes' rows alone, without the learned term."""

    def learned(self, view: View, memory: Memory) -> Tensor:
        """Nothing."""
        return memory.free.new_zeros(len(view), len(memory.free))


class Unlike(LabelModel):
    """The learned term alone, without the classes' rows."""

    def likeness(self, view: View, memory: Memory, known: Tensor | None = None) -> Tensor:
        """Nothing."""
        return memory.free.new_zeros(len(view), len(memory.free))


class Alike(Prototypes):
    """Senses are trusted alike, whichever others are missing."""

    def forward(self, near: dict[str, Nearness]) -> Tensor:
        """The sum by the gains and spreads of those who lack nothing."""
        parts = []
        for name, place in self.names.items():
            one = self.gain[place].exp().expand(len(near[name].present))
            parts.append(near[name].logits(one, self.spread[place].clamp(min=0).expand_as(one)))
        return torch.stack(parts).sum(0)
