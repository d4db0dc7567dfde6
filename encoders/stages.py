"""EfficientNet-Lite0 at several depths: what is in a picture, and its colours and textures as well.

For telling classes apart, where near kinds share their shape: a row is the pooled output and, of four
earlier stages, mean and deviation of each channel; of the picture and its mirror image. It takes twice the
time of the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .image import LITE_MEAN, LITE_STD, Backbone, ImageEncoder, lite0_network

if TYPE_CHECKING:
    from torch import Tensor

NAME = "efficientnet-lite0-stages"
_TAPS = (2, 4, 10, 15)  # the last blocks of the stages with 24, 40, 112 and 320 channels
_LENGTH = 0.85  # of each part, beside the pooled output's 1; chosen on the groceries' train photos
_DIM = 1280 + 2 * (24 + 40 + 112 + 320)


def efficientnet_lite0_stages(device: str = "cpu") -> ImageEncoder:
    """The encoder, 2272 features.

    Raises:
        ValueError: one of the network's two packages is not installed.
    """
    import torch
    from torch.nn.functional import normalize

    model = lite0_network(device)

    def network(pixels: Tensor) -> Tensor:
        # block by block rather than by hooks: several threads may encode at once
        state = model._swish(model._bn0(model._conv_stem(torch.cat([pixels, pixels.flip(3)]))))
        stages = []
        for place, block in enumerate(model._blocks):
            state = block(state)
            if place in _TAPS:
                stages.append(state)
        pooled = model._swish(model._bn1(model._conv_head(state))).mean((2, 3))
        rows = torch.cat([normalize(pooled), *_statistics(stages)], dim=1)
        return normalize(rows).view(2, len(pixels), -1).mean(0)

    return ImageEncoder(NAME, Backbone(network, _DIM, 224, LITE_MEAN, LITE_STD), device)


def _statistics(stages: list[Tensor]) -> list[Tensor]:
    """Mean, on a logarithmic scale, and deviation of each channel, each of an even length."""
    from torch.nn.functional import normalize

    found = []
    for stage in stages:
        mean = stage.mean((2, 3))
        found += [normalize(mean.sign() * mean.abs().log1p()), normalize(stage.std((2, 3)))]
    return [_LENGTH * part for part in found]
