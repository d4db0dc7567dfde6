"""Attacks climb the loss and stay in their ball; they move the features that the model reads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.evaluation.attacks import Features, fgsm, in_ball, pgd


def test_one_step_goes_the_whole_radius_against_what_is_right() -> None:
    # the loss falls along (0.6, 0.8), so the worst step is against it: 0.1 of the row's length 5
    features = {"image": torch.tensor([[3.0, 4.0]])}
    moved = fgsm(lambda rows: -(rows["image"] @ torch.tensor([0.6, 0.8])).sum(), features, 0.1)
    torch.testing.assert_close(moved["image"], torch.tensor([[3 - 0.5 * 0.6, 4 - 0.5 * 0.8]]))
    assert features["image"].tolist() == [[3, 4]]


def test_a_sense_that_the_loss_does_not_know_stays() -> None:
    features = {"image": torch.ones(1, 2), "text": torch.ones(1, 2)}
    moved = fgsm(lambda rows: rows["image"].sum(), features, 0.5)
    assert moved["text"].tolist() == [[1, 1]]
    assert (moved["image"] > 1).all()


def test_what_is_in_the_ball_stays_and_what_is_outside_comes_to_its_edge() -> None:
    centre = torch.tensor([[0.0, 2.0], [0.0, 2.0]])
    rows = torch.tensor([[0.0, 2.5], [3.0, 6.0]])  # 0.5 and 5 away; the radius is half of 2
    expected = torch.tensor([[0.0, 2.5], [0.6, 2.8]])
    torch.testing.assert_close(in_ball(rows, centre, 0.5), expected)


@pytest.mark.parametrize("radius", [0.05, 0.3])
def test_several_steps_stay_in_the_ball_and_do_no_less_harm_than_one(radius: float) -> None:
    generator = torch.Generator().manual_seed(0)
    features = {"image": torch.randn(6, 5, generator=generator)}
    weight = torch.randn(5, 5, generator=generator)

    def loss(rows: Features) -> Tensor:
        return (rows["image"] @ weight).tanh().square().sum()

    lengths = features["image"].norm(dim=1)
    one, several = fgsm(loss, features, radius), pgd(loss, features, radius)
    for moved in (one, several):
        away = (moved["image"] - features["image"]).norm(dim=1)
        assert (away <= radius * lengths * (1 + 1e-5)).all()
        assert float(loss(moved)) > float(loss(features))
    assert float(loss(several)) >= float(loss(one)) - 1e-4
