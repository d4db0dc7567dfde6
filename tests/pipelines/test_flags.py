"""Words of the command lines."""

from __future__ import annotations

import pytest

from pipelines.flags import key_value, number, print_json, weighted
from pipelines.prediction.predicted import Place


def test_a_pair_is_split_at_its_last_equals_sign() -> None:
    assert key_value("https://e.org/?a=b=0.5", "--prior") == ("https://e.org/?a=b", "0.5")


@pytest.mark.parametrize("pair", ["", "a", "a=", "=b", "="])
def test_half_a_pair_is_refused(pair: str) -> None:
    with pytest.raises(ValueError, match="expected --prior KEY=VALUE"):
        key_value(pair, "--prior")


def test_a_number_is_one_or_is_refused() -> None:
    assert number("1e-1", "--weight") == 0.1
    with pytest.raises(ValueError, match=r"expected a number in --weight \(got 'one'\)"):
        number("one", "--weight")


def test_answers_are_one_array_of_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place("p.png", 1.04, 2.0)
    print_json([place, place])
    assert (
        capsys.readouterr().out == "[" + ", ".join(['{"picture": "p.png", "place": [1.0, 2.0]}'] * 2) + "]\n"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("?x a ex:Bird=0.25", ("?x a ex:Bird", 0.25)),
        ("?x a ex:Bird = -2 ", ("?x a ex:Bird", -2.0)),
        ("?x a ex:Bird", ("?x a ex:Bird", 0.5)),
        ("?x ex:n ?n FILTER(?n=5)", ("?x ex:n ?n FILTER(?n=5)", 0.5)),
        ("?x ex:n ?n FILTER(?n = 5)=1e-1", ("?x ex:n ?n FILTER(?n = 5)", 0.1)),
        ("?x ex:u <http://e/?id=5>", ("?x ex:u <http://e/?id=5>", 0.5)),
        ('?x ex:p "a=5"', ('?x ex:p "a=5"', 0.5)),
    ],
)
def test_a_pattern_may_end_with_its_weight(text: str, found: tuple[str, float]) -> None:
    assert weighted(text, "--prefer", 0.5) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("?x a ex:Bird=much", r"expected a number in --prefer \(got 'much'\)"),
        ("?x a ex:Bird=", r"expected a number in --prefer \(got ''\)"),
        ("=3", r"expected --prefer PATTERN=NUMBER \(got '=3'\)"),
        ("0.5 ?x a ex:Bird", "the number last"),
        ("0.5:?x a ex:Bird", "the number last"),
    ],
)
def test_a_weight_that_is_none_or_stands_elsewhere_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        weighted(text, "--prefer", 0.5)
