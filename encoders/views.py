"""EfficientNet-Lite0 and -Lite2 side by side, over each picture and its mirror image.

Half of the length of a row is each network's. It takes ten times the time of the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Naming
from .image import LITE_MEAN, LITE_STD, Backbone, ImageEncoder, imagenet_names, lite0_network, lite2_network

if TYPE_CHECKING:
    from torch import Tensor

NAME = "efficientnet-lite0-lite2"
_SIDES = (224, 260)


def efficientnet_lite0_lite2(device: str = "cpu") -> ImageEncoder:
    """The encoder, 2560 features.

    Raises:
        ValueError: a package of the networks is not installed.
    """
    import torch
    from torch.nn.functional import interpolate

    models = (lite0_network(device), lite2_network(device))

    def network(pixels: Tensor) -> Tensor:
        rows = []
        for model, side in zip(models, _SIDES, strict=True):
            seen = pixels
            if side != pixels.shape[-1]:
                seen = interpolate(pixels, size=side, mode="bilinear", antialias=True, align_corners=False)
            rows.append(_both_ways(model, seen))
        return torch.cat(rows, dim=1)

    def naming() -> Naming:
        directions = [_even(model._fc.weight.cpu()) for model in models]
        return Naming(imagenet_names(), torch.cat(directions, dim=1))

    backbone = Backbone(network, 2560, max(_SIDES), LITE_MEAN, LITE_STD, naming=naming)
    return ImageEncoder(NAME, backbone, device)


def _both_ways(model: Any, pixels: Tensor) -> Tensor:
    """Pooled output of pictures and of their mirror images, at unit length: ``(b, 1280)``."""
    import torch
    from torch.nn.functional import normalize

    pooled = model.extract_features(torch.cat([pixels, pixels.flip(3)])).mean((2, 3))
    rows: Tensor = normalize(normalize(pooled).view(2, len(pixels), -1).mean(0))
    return rows


def _even(directions: Tensor) -> Tensor:
    """Directions of one mean length, so that both networks have an equal say."""
    scaled: Tensor = directions / directions.norm(dim=1).mean()
    return scaled
