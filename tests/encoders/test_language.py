"""Which language a text is in, as far as an English encoder must know."""

import logging

import pytest

from encoders import make_encoder
from encoders.language import other_language
from encoders.text import TextEncoder


@pytest.mark.parametrize(
    "text",
    [
        "The heart is enlarged and the lungs are clear.",
        "Bald eagle",
        "",
        "12345 !?",
        "A cast-metal die, the die that was cast; roll the die.",
        "La la la la la, sang the choir.",
        "the 5-HT\u2082 receptor and \u03b1-synuclein in \u03b2 cells",
        "El Ni\u00f1o and La Ni\u00f1a are phases of the ocean, and of the air over it.",
        "Museum f\u00fcr Naturkunde",
    ],
)
def test_english_and_what_is_too_short_to_tell_pass(text: str) -> None:
    assert other_language(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das Herz ist nicht vergr\u00f6\u00dfert, die Lungen sind frei von Infiltraten.", "German"),
        ("Le coeur est de taille normale et les poumons sont clairs.", "French"),
        ("El coraz\u00f3n es de tama\u00f1o normal y los pulmones est\u00e1n limpios.", "Spanish"),
        ("Il cuore \u00e8 di dimensioni normali e i polmoni sono liberi, non si vede altro.", "Italian"),
        ("Het hart is niet vergroot en de longen zijn schoon.", "Dutch"),
        ("\u0421\u0435\u0440\u0434\u0446\u0435", "another script"),
        ("\u5fc3\u81d3\u306f\u6b63\u5e38\u3067\u3059 (CT)", "another script"),
    ],
)
def test_other_languages_are_recognised(text: str, language: str) -> None:
    assert other_language(text) == language


def test_a_text_that_the_default_does_not_understand_is_encoded_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder = make_encoder("text")
    assert isinstance(encoder, TextEncoder)
    german = "Das Herz ist nicht vergr\u00f6\u00dfert und die Lunge ist frei."
    with caplog.at_level(logging.WARNING):
        items = [encoder.load(text) for text in ("a clear lung", german, german)]
    assert encoder.encode(items).isfinite().all()
    assert [record.getMessage() for record in caplog.records] == [encoder.warning(german)]
    assert encoder.warning(german) == (
        f"expected a text in English (got German: '{german[:60]}'): name a multilingual model to read it"
    )
    assert encoder.warning("a clear lung") is None


def test_a_named_model_may_know_any_language(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make_encoder("text")
    assert isinstance(encoder, TextEncoder)
    monkeypatch.setattr(encoder, "_english_only", False)
    assert encoder.warning("Das Herz ist nicht gro\u00df und die Lunge ist frei.") is None
