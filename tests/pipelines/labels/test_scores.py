"""Scores of predicted classes, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.labels.scores import calibration_error, confusion, label_scores

# three of four right: two of class 0, one of class 1 taken for 0, one of class 1
PROBABILITY = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
CLASSES = np.array([0, 0, 1, 1])


def test_the_scores_are_those_of_the_textbook() -> None:
    scores = label_scores(PROBABILITY, CLASSES)
    assert scores["accuracy"] == scores["F1 micro"] == 0.75
    assert scores["precision macro"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores["recall macro"] == pytest.approx((1 + 1 / 2) / 2)
    assert scores["F1 macro"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores["AUROC"] == 1.0  # both of class 1 are less like class 0
    assert scores["queries"] == 4


def test_the_confusion_tells_which_was_taken_for_which() -> None:
    assert confusion(PROBABILITY, CLASSES).tolist() == [[2, 0], [1, 1]]


def test_the_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    # a bin each: .9 and .8 right, .7 wrong, .6 right
    assert calibration_error(PROBABILITY, CLASSES) == pytest.approx((0.1 + 0.2 + 0.7 + 0.4) / 4)


def test_one_class_alone_has_no_area_and_nothing_no_score() -> None:
    assert math.isnan(label_scores(PROBABILITY[:2], CLASSES[:2])["AUROC"])
    with pytest.raises(ValueError, match="expected labels to score"):
        label_scores(PROBABILITY[:0], CLASSES[:0])
