"""Classifiers of torchvision as image encoders: below the last layer, their weights as tensors only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base import Naming
from .image import Backbone, ImageEncoder

if TYPE_CHECKING:
    from torch import Tensor, nn


def torchvision_encoder(name: str, device: str, allow_remote: bool) -> ImageEncoder:
    """A torchvision classifier below its last layer, at the size and scale of its own weights."""
    import torch
    import torchvision.models

    weights = torchvision.models.get_model_weights(name).DEFAULT
    preset = weights.transforms()
    model = torchvision.models.get_model(name, **_arguments(name))
    model.load_state_dict(_state(name, weights, allow_remote))
    naming = _naming(model, weights.meta.get("categories", ()))
    dim = behead(model.eval().requires_grad_(False))
    model = model.to(device, memory_format=torch.channels_last)
    side = preset.crop_size[0]
    backbone = Backbone(model, dim, side, tuple(preset.mean), tuple(preset.std), None, naming)
    return ImageEncoder(f"{name}-{weights.name.lower()}", backbone, device)


def _arguments(name: str) -> dict[str, Any]:
    """What two old networks must be told when their weights are loaded by hand."""
    old = name in ("googlenet", "inception_v3")
    return {"transform_input": True, "init_weights": False} if old else {}


def _state(name: str, weights: Any, allow_remote: bool) -> dict[str, Tensor]:
    """The weights as tensors only, never as a pickled program."""
    import torch

    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not file.is_file() and not allow_remote:
        raise ValueError(
            f"expected the weights of {name!r} (they are not on this machine): put {file.name} "
            f"into {file.parent}, or leave the name out for the default"
        )
    try:
        state: dict[str, Tensor] = weights.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except Exception as error:  # no network, a damaged file, a wrong hash
        reason = str(error).partition("\n")[0]
        raise ValueError(f"expected the weights of {name!r} in {file} (got {reason})") from error
    return state


def _naming(model: nn.Module, categories: Sequence[str]) -> Callable[[], Naming] | None:
    """The last linear layer as directions of named classes, where it has one for each."""
    from torch import nn

    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear or linear[-1].out_features != len(categories):
        return None
    found = Naming(tuple(categories), linear[-1].weight.detach())
    return lambda: found


def behead(model: nn.Module) -> int:
    """Take the last linear layer off a classifier; the width of what it was given."""
    from torch import nn

    linear = [key for key, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linear:  # SqueezeNet classifies by a convolution
        model.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1))
        return 512
    parent, _, last = linear[-1].rpartition(".")
    width = int(model.get_submodule(linear[-1]).in_features)  # type: ignore[arg-type]
    setattr(model.get_submodule(parent), last, nn.Identity())
    return width
