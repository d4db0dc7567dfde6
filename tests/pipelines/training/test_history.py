"""A course keeps the best state, and a loss that is no number ends it with the step named."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pipelines.training.history import Course, History, TrainingError


def model_of(value: float) -> nn.Linear:
    model = nn.Linear(1, 1)
    set_to(model, value)
    return model


def set_to(model: nn.Linear, value: float) -> None:
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(value)


def test_the_last_of_the_best_scores_is_kept_and_named() -> None:
    history = History()
    for loss, score in ((3.0, 0.1), (2.0, 0.5), (1.0, 0.5), (0.5, 0.2)):
        history.losses.append(loss)
        history.judge(score)
    assert history.chosen() == {"after": 3, "score": 0.5}
    assert (history.stale(2), history.stale(3)) == (True, False)


@pytest.mark.parametrize("scores", [[], [float("nan")]])
def test_where_validation_has_judged_nothing_nothing_was_chosen(scores: list[float]) -> None:
    history = History()
    for score in scores:
        history.judge(score)
    assert history.chosen() == {}


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_before_a_state_was_kept_is_an_error_that_names_the_step(
    loss: float,
) -> None:
    course = Course("links", model_of(1), "try a smaller --learning-rate")
    assert course.took(2.0)
    words = rf"^expected numbers while links are learned \(got a loss of {loss} in step 2, before a state "
    with pytest.raises(TrainingError, match=words + r"was kept\): try a smaller --learning-rate$"):
        course.took(loss)


def test_after_a_state_was_kept_it_ends_the_training_and_the_state_comes_back() -> None:
    model = model_of(1)
    course = Course("links", model)
    assert list(course.each([3.0, 2.0])) == [3.0, 2.0]
    set_to(model, 5)
    assert course.judge(0.5)
    set_to(model, math.nan)
    taken = iter([1.5, math.nan, 1.0])
    assert list(course.each(taken)) == [1.5]
    assert next(taken) == 1.0  # no step was taken after it
    assert course.stopped
    course.restore()
    assert model.weight.item() == 5
    assert course.history.stopped == [
        "learning links stopped: expected numbers (got a loss of nan in step 4); "
        "the best state before, of step 2, is kept"
    ]


def test_a_weight_that_is_no_number_is_seen_before_it_is_judged() -> None:
    model = model_of(1)
    course = Course("labels", model)
    assert course.sound()
    course.keep()
    set_to(model, math.inf)
    course.took(1.0)
    assert not course.sound()
    assert course.history.stopped[0].startswith(
        "learning labels stopped: expected numbers (got a weight that is none after step 1)"
    )
