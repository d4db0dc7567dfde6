"""Names in a question, and its weights."""

from __future__ import annotations

import pytest

from pipelines.search.question import WEIGHTS, Query, QueryError, checked_weights, recognise

NAMES = {"polar bear": [1], "bear": [2], "fly": [3], "bird": [4], "big bird": [5, 6]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a polar bear", [1]),
        ("polar bears", [1]),
        ("polar bear and bear", [1, 2]),
        ("a bird that cannot fly", [4]),
        ("a fly", [3]),
        ("to fly", []),
        ("big birds", [5, 6]),
        ("nothing known", []),
        ("", []),
    ],
)
def test_the_longest_names_come_first_and_no_word_is_used_twice(text: str, found: list[int]) -> None:
    assert recognise(text, NAMES) == found


def test_a_question_shows_what_it_is_given() -> None:
    assert Query(text="a", audio="b.wav", entity="urn:c").observations() == {"text": "a", "audio": "b.wav"}


def test_weights_of_a_question_stand_in_place_of_the_usual_ones() -> None:
    assert checked_weights({"image": 2}) == {**WEIGHTS, "image": 2}
    with pytest.raises(QueryError, match="expected a weight of 0 or more for image"):
        checked_weights({"image": float("inf")})
    with pytest.raises(QueryError, match="expected a weight for one of joint, graph"):
        checked_weights({"smell": 1})
