"""EfficientNet-Lite0 and -Lite2 side by side."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from encoders import make_encoder
from encoders.base import Encoder, NamingEncoder
from encoders.image import efficientnet_lite0
from encoders.views import NAME


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("image", NAME)


def picture(seed: int, side: int = 260) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 7, generator=random)
    grown = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)
    return (255 * grown[0]).byte()


def test_rows_have_length_one_half_of_it_from_each_network(encoder: Encoder) -> None:
    rows = encoder.encode([picture(0), picture(1)])
    assert rows.shape == (2, encoder.dim) == (2, 2560)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(rows[:, :1280].norm(dim=1), torch.full((2,), 0.5**0.5))
    assert encoder.encode([]).shape == (0, 2560)


def test_a_picture_and_its_mirror_image_are_the_same(encoder: Encoder) -> None:
    rows = encoder.encode([picture(0), picture(0).flip(2)])
    torch.testing.assert_close(rows[0], rows[1], atol=1e-5, rtol=1e-4)


def test_the_first_half_is_what_the_default_sees_in_both_views(encoder: Encoder) -> None:
    small = picture(0, 224)
    default = efficientnet_lite0().encode([small, small.flip(2)]).mean(0)
    mine = encoder.encode([picture(0)])[0, :1280]
    assert float(torch.nn.functional.cosine_similarity(mine, default, dim=0)) > 0.97


def test_both_networks_have_an_equal_say_in_what_they_name(encoder: Encoder) -> None:
    assert isinstance(encoder, NamingEncoder)
    naming = encoder.naming()
    assert naming is not None
    assert naming.directions.shape == (1000, 2560)
    halves = [part.norm(dim=1).mean() for part in naming.directions.split(1280, dim=1)]
    torch.testing.assert_close(halves[0], halves[1])
