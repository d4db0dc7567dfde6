"""A decoder that draws: shapes, range, and that it learns to tell two pictures apart."""

from __future__ import annotations

import pytest
import torch

from pipelines.evaluation.picture_decoder import SIDE, PictureDecoder, drawn, pixel_error, train_decoder


def test_pictures_are_square_and_within_range() -> None:
    pictures = drawn(PictureDecoder(5), torch.randn(3, 5))
    assert pictures.shape == (3, 3, SIDE, SIDE)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1


def test_it_learns_which_vector_is_black_and_which_is_white() -> None:
    vectors = torch.eye(2).repeat(12, 1)
    pictures = vectors[:, 0].view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE)
    valid = torch.arange(24) >= 20
    model = train_decoder(vectors, pictures, valid, epochs=12)
    assert pixel_error(drawn(model, vectors[valid]), pictures[valid]) < 0.05
    assert pixel_error(torch.full_like(pictures, 0.5), pictures) == 0.25  # what no learning gives


@pytest.mark.parametrize("fill", [True, False])
def test_without_two_parts_there_is_nothing_to_learn_from_or_to_choose_by(fill: bool) -> None:
    with pytest.raises(ValueError, match=r"^expected pictures to learn from and others to choose by \(got "):
        train_decoder(torch.eye(4), torch.zeros(4, 3, SIDE, SIDE), torch.full((4,), fill))


def test_a_loss_that_is_no_number_names_the_step() -> None:
    pictures = torch.zeros(8, 3, SIDE, SIDE)
    pictures[2] = float("nan")
    with pytest.raises(ValueError, match=r"^expected numbers while pictures are learned \(got a loss of nan"):
        train_decoder(torch.eye(8), pictures, torch.arange(8) >= 6)
