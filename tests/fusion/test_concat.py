"""Fusion by concatenation."""

from __future__ import annotations

import torch

from fusion.base import Sense, View
from fusion.concat import Concatenation


def test_the_joint_vector_is_a_linear_mixture_of_the_senses_scaled_to_length_one() -> None:
    model = Concatenation({"image": 2, "text": 2}, 1)
    with torch.no_grad():
        model.mix.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 2.0]]))
    there = torch.tensor([True, True])
    view = View(
        {
            "image": Sense(torch.tensor([[3.0, 9.0], [0.0, 1.0]]), there),
            "text": Sense(torch.tensor([[9.0, 2.0], [1.0, 0.5]]), there),
        }
    )
    expected = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    torch.testing.assert_close(model.embed(view, {}, there), expected)


def test_what_is_compared_is_one_vector_in_which_a_missing_sense_is_zeros() -> None:
    model = Concatenation({"image": 1, "text": 1}, 1)
    view = View(
        {
            "image": Sense(torch.tensor([[1.0], [0.0], [0.0]]), torch.tensor([True, False, False])),
            "text": Sense(torch.tensor([[1.0], [1.0], [0.0]]), torch.tensor([True, True, False])),
        }
    )
    told = model.told(view)["joint"]
    half = 0.5**0.5
    torch.testing.assert_close(told.vectors, torch.tensor([[half, half], [0.0, 1.0], [0.0, 0.0]]))
    assert told.present.tolist() == [True, True, False]
