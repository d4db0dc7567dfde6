"""Fusion by the cross-modal autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor

from fusion.autoencoder import CrossModalAutoencoder, reconstruction_error
from fusion.base import Sense, Senses, View, unit


def twins(count: int) -> Senses:
    """Two senses of the same things, one a turned copy of the other."""
    generator = torch.Generator().manual_seed(0)
    image = unit(torch.randn(count, 4, generator=generator))
    there = torch.ones(count, dtype=torch.bool)
    return {"image": Sense(image, there), "text": Sense(image.flip(1), there)}


def trained(senses: Senses, steps: int = 300) -> CrossModalAutoencoder:
    torch.manual_seed(0)
    model = CrossModalAutoencoder({"image": 4, "text": 4}, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        model.own_loss(View(senses)).backward()
        optimizer.step()
    return model


def test_the_error_is_the_mean_cosine_distance_of_the_senses_that_are_there() -> None:
    east, north = torch.eye(2)
    senses = {
        "image": Sense(torch.stack([east, east]), torch.tensor([True, True])),
        "text": Sense(torch.stack([north, 0 * north]), torch.tensor([True, False])),
    }
    back = {"image": torch.stack([east, north]), "text": torch.stack([-north, east])}
    # distances 0, 1 and 2; what is not there counts nothing
    torch.testing.assert_close(reconstruction_error(senses, back), torch.tensor(1.0))


def test_nothing_observed_is_no_error() -> None:
    nobody = Sense(torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool))
    assert float(reconstruction_error({"image": nobody}, {"image": torch.zeros(2, 3)})) == 0


def test_a_hidden_sense_comes_back_from_the_other_after_training_and_not_before() -> None:
    senses = twins(64)
    errors = []
    for steps in (0, 300):
        model = trained(senses, steps)
        alone = {"text": senses["text"], "image": Sense.absent(senses["image"], 64)}
        back: dict[str, Tensor] = model.decode(model.encode(alone))
        errors.append(float((1 - (back["image"] * senses["image"].vectors).sum(1)).mean().detach()))
    assert errors[0] > 0.5 > 0.1 > errors[1]


def test_the_code_of_nothing_is_zeros_and_an_absent_sense_changes_no_code() -> None:
    model = CrossModalAutoencoder({"image": 4, "text": 4}, 1)
    senses = twins(3)
    absent = Sense.absent(senses["image"], 3)
    both = model.encode({"image": absent, "text": senses["text"]})
    torch.testing.assert_close(both, model.encode({"text": senses["text"]}))
    assert not model.encode({"image": absent}).any()
