"""What an encoder names by itself, worked by hand."""

from __future__ import annotations

import math

import torch

from fusion.names import SHARPNESS, Names


def names_of(directions: torch.Tensor, vectors: torch.Tensor) -> Names:
    return Names("image", "text", directions, vectors)


def test_a_picture_says_each_name_by_the_softmax_of_its_standardised_score() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    said = names_of(torch.eye(3), vectors).of(torch.tensor([[1.0, 0.0, 0.0]]))
    near, far = math.exp(SHARPNESS * math.sqrt(2)), math.exp(-SHARPNESS / math.sqrt(2))
    torch.testing.assert_close(said, torch.tensor([[near / (near + 2 * far), 0.0]]))


def test_the_scale_of_a_network_does_not_matter() -> None:
    random = torch.Generator().manual_seed(0)
    directions, vectors = torch.randn(7, 4, generator=random), torch.randn(7, 5, generator=random)
    rows = torch.randn(3, 4, generator=random)
    expected = names_of(directions, vectors).of(rows)
    torch.testing.assert_close(names_of(30 * directions, vectors).of(rows), expected)
    torch.testing.assert_close(names_of(directions, vectors).of(0.01 * rows), expected)


def test_nothing_seen_says_nothing_and_a_blank_picture_says_all_names_alike() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    names = names_of(torch.eye(2), vectors)
    assert names.of(torch.empty(0, 2)).shape == (0, 2)
    torch.testing.assert_close(names.of(torch.zeros(1, 2)), torch.tensor([[0.5, 0.5]]))
