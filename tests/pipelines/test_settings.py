"""Settings: each is a flag by itself, survives the manifest, and refuses what makes no sense."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pipelines.build_kg import parser, settings_of
from pipelines.settings import Settings


def test_no_flag_gives_the_defaults() -> None:
    assert settings_of(parser().parse_args([])) == Settings()


def test_every_setting_is_a_flag_that_says_what_it_means() -> None:
    flags = {flag: action for action in parser()._actions for flag in action.option_strings}
    for setting in fields(Settings):
        assert setting.metadata["help"] in str(flags["--" + setting.name.replace("_", "-")].help)


def test_flags_become_settings() -> None:
    line = "--languages de,en --epochs 3 --encoder text=a/b --encoder image=resnet18 --prior urn:a?b=c=0.5"
    assert settings_of(parser().parse_args(line.split())) == replace(
        Settings(),
        languages=("de", "en"),
        epochs=3,
        encoder={"text": "a/b", "image": "resnet18"},
        prior={"urn:a?b=c": 0.5},
    )


def test_settings_survive_json() -> None:
    settings = Settings(languages=("fr", "en"), prior={"urn:a": 0.0}, encoder={"text": "x"}, damping=0.5)
    assert Settings.from_json(settings.as_json()) == settings


def test_an_unknown_setting_of_a_newer_store_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected settings among .*\(got magic\)"):
        Settings.from_json({"magic": 1})


@pytest.mark.parametrize("name", ["epochs", "width", "structure_width", "batch", "patience"])
def test_counts_are_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match=rf"expected {name} of at least 1 \(got 0\)"):
        Settings(**{name: 0})


def test_shares_leave_a_training_part() -> None:
    with pytest.raises(ValueError, match="expected valid_share above 0"):
        Settings(valid_share=0)
    with pytest.raises(ValueError, match=r"test_share below 0\.9"):
        Settings(valid_share=0.4, test_share=0.5)
