"""A question survives its address, and an address that anybody wrote cannot do harm."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.page.draft import LONGEST, MOST_PICKED, MOST_SHOWN, SHOWN, Draft, draft_of
from pipelines.page.pattern import Literal, Picked

EX = "https://example.org/"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
picked = st.one_of(
    st.builds(Picked, words, st.one_of(st.none(), words), st.booleans(), st.booleans()),
    st.builds(Picked, words, st.builds(Literal, words, st.one_of(st.none(), words)), wanted=st.booleans()),
    st.builds(Picked, words, least=st.floats(-1e9, 1e9), most=st.one_of(st.none(), st.floats(-1e9, 1e9))),
)
drafts = st.builds(
    Draft,
    text=words,
    like=st.one_of(st.none(), words),
    picture=st.one_of(st.none(), st.integers(1, 99)),
    kind=st.one_of(st.none(), words),
    picked=st.lists(picked, max_size=4).map(tuple),
    weights=st.dictionaries(words, st.floats(0, 1000), max_size=3),
    priors=st.dictionaries(words, st.floats(0, 1), max_size=3),
    k=st.integers(1, MOST_SHOWN),
)


@settings(max_examples=40, deadline=None)
@given(drafts)
def test_an_address_holds_the_whole_question(draft: Draft) -> None:
    assert draft_of(dict(parse_qsl(draft.address()))) == draft


def test_a_question_that_says_nothing_has_no_address() -> None:
    assert Draft().address() == ""
    assert draft_of({}) == Draft()
    assert Draft(text="  ").is_empty
    assert Draft(picked=(Picked(EX + "about"),), weights={"text": 2.0}).is_empty
    assert not Draft(sound=1).is_empty


@pytest.mark.parametrize(
    "said",
    [
        {"text": "a" * (LONGEST + 1)},
        {"like": "a" * 2001},
        {"picture": "one"},
        {"k": "many"},
        {"only": "{"},
        {"only": "[" * 100_000},
        {"only": "{}"},
        {"only": "[1]"},
        {"only": '[{"value":"x"}]'},
        {"only": '[{"relation":"x","value":["y"]}]'},
        {"only": '[{"relation":"x","more":1}]'},
        {"only": '[{"relation":"x","least":"1"}]'},
        {"only": '[{"relation":"x","value":"y","least":1}]'},
        {"only": '[{"relation":"x","least":NaN}]'},
        {"only": '[{"relation":"x","value":{"value":"y","other":"z"}}]'},
        {"only": json.dumps([{"relation": "x"}] * (MOST_PICKED + 1))},
        {"weights": '{"text":-1}'},
        {"weights": '{"text":Infinity}'},
        {"weights": '{"text":true}'},
        {"weights": "[]"},
        {"priors": '{"x":1.5}'},
        {"priors": '{"x":NaN}'},
    ],
)
def test_an_address_that_the_page_does_not_write_is_refused_in_one_sentence(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected an address as this page writes it"):
        draft_of(said)


def test_hits_are_bounded_whatever_the_address_says() -> None:
    assert draft_of({"k": "100000"}).k == MOST_SHOWN
    assert draft_of({"k": "-5"}).k == 1
    assert draft_of({"unknown": "x"}).k == SHOWN


def test_a_condition_is_taken_away_by_its_place() -> None:
    first, second = Picked(EX + "a"), Picked(EX + "b")
    assert Draft(picked=(first, second)).without(0).picked == (second,)
