"""Words of the command lines."""

from __future__ import annotations

import pytest

from pipelines.flags import key_value, number, print_json
from pipelines.predicted import Place


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
