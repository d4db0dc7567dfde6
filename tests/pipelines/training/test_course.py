"""A course keeps the best state, and a loss that is no number ends it with the step named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from pipelines.training.checkpoint import kept_in
from pipelines.training.course import Course, TrainingError
from pipelines.training.history import History


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


def halves(model: nn.Linear, course: Course, stop: int | None = None) -> list[int]:
    """Six turns that halve the weight and add what is drawn, judged each second; which were taken."""
    taken = []
    for turn in course.turns(6, patience=2):
        taken.append(turn)
        with torch.no_grad():
            model.weight.mul_(0.5).add_(torch.rand(1))
        course.took(1.0)
        course.history.losses.append(model.weight.item())
        if turn % 2:
            course.judge([0.0, 0.1, 0.3, 0.3, 0.0, 0.2][turn])
        if turn == stop:
            raise KeyboardInterrupt
    return taken


def test_a_course_that_was_stopped_takes_only_the_turns_after_its_last_judged_one(tmp_path: Path) -> None:
    torch.manual_seed(5)
    whole = Course("links", model := model_of(1))
    assert halves(model, whole) == [0, 1, 2, 3, 4, 5]
    torch.manual_seed(5)
    with kept_in(tmp_path, "key"), pytest.raises(KeyboardInterrupt):
        halves(model := model_of(1), Course("links", model), stop=4)
    torch.manual_seed(77)
    with kept_in(tmp_path, "key"):
        course = Course("links", again := model_of(9))
        assert halves(again, course) == [4, 5]
    assert course.history == whole.history
    assert (course.steps, course.taken) == (6, 6)
    course.restore()
    assert again.weight.item() == whole.history.losses[whole.history.chosen()["after"] - 1]
    for key, left in (("key", []), ("another", [0, 1, 2, 3, 4, 5])):
        with kept_in(tmp_path, key):
            taken = halves(model := model_of(9), Course("links", model))
        assert taken == left


def test_turns_end_when_no_validation_has_gained_for_so_long() -> None:
    course = Course("links", model_of(1))
    for turn in course.turns(10, patience=2):
        course.judge(-float(turn))
    assert len(course.history.scores) == 3
