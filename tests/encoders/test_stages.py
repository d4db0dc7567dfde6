"""EfficientNet-Lite0 at several depths."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from encoders import make_encoder
from encoders.base import Encoder
from encoders.image import efficientnet_lite0
from encoders.stages import NAME


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("image", NAME)


def picture(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 7, generator=random)
    grown = torch.nn.functional.interpolate(coarse, size=(224, 224), mode="bicubic").clamp(0, 1)
    return (255 * grown[0]).byte()


def test_rows_have_length_one_and_the_documented_width(encoder: Encoder) -> None:
    rows = encoder.encode([picture(0), picture(1), picture(2)])
    assert rows.shape == (3, encoder.dim) == (3, 2272)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    assert encoder.encode([]).shape == (0, 2272)


def test_a_picture_and_its_mirror_image_are_the_same(encoder: Encoder) -> None:
    rows = encoder.encode([picture(0), picture(0).flip(2)])
    torch.testing.assert_close(rows[0], rows[1], atol=1e-5, rtol=1e-4)


def test_threads_share_an_encoder(encoder: Encoder) -> None:
    pictures = [picture(seed) for seed in range(8)]
    alone = [encoder.encode([one]) for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: encoder.encode([one]), pictures))
    torch.testing.assert_close(torch.cat(together), torch.cat(alone))


def test_the_first_features_are_the_default_encoders_over_both_views(encoder: Encoder) -> None:
    views = efficientnet_lite0().encode([picture(0), picture(0).flip(2)]).mean(0)
    mine = encoder.encode([picture(0)])[0, :1280]
    torch.testing.assert_close(mine / mine.norm(), views / views.norm(), atol=1e-5, rtol=1e-4)


def test_colour_is_told_apart_more_than_by_the_pooled_output_alone(encoder: Encoder) -> None:
    shape = picture(0)
    pair = [shape, shape.roll(1, 0)]  # the same shapes in other colours
    mine, default = (one.encode(pair) for one in (encoder, efficientnet_lite0()))
    assert torch.isfinite(mine).all()
    early = mine[:, 1280:]
    early = early / early.norm(dim=1, keepdim=True)
    assert float(early[0] @ early[1]) < 0.999
    assert mine.shape[1] > default.shape[1]
