"""What comes back of held-out things: closer after training than before, and drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.evaluate import main
from pipelines.evaluation import reconstructions as module
from pipelines.evaluation.picture_decoder import train_decoder
from pipelines.evaluation.reconstructions import SHOWN, reconstructions
from pipelines.store.store import Store


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    """What the decoder learns has its own tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train_decoder", partial(train_decoder, epochs=2))
        yield


@pytest.fixture(scope="module")
def found(short: None, store_folder: Path, collection: Any) -> Any:
    return reconstructions(Store.open(store_folder), collection.folder, examples=2)


def test_training_brings_a_shown_sense_closer_to_what_it_was(found: Any) -> None:
    errors = found[0]["errors"]
    for shown, senses in SHOWN.items():
        for sense in senses:
            name = f"{sense}, 1 - cosine"
            assert errors["after"][shown][name] < errors["before"][shown][name]


def test_an_example_shows_what_it_was_beside_every_way_back(found: Any) -> None:
    result, examples = found
    assert result["entities"] == 12  # 4 of 10 concepts, three things each
    assert len(examples) == 2
    for example in examples:
        assert list(example.back) == [(stage, shown) for stage in ("before", "after") for shown in SHOWN]
        assert example.picture.shape == (3, 64, 64)
        assert float(example.picture[:, 0, 0].min()) == 1  # the drawn things stand on white
        for back in example.back.values():
            assert back.picture.shape == (3, 64, 64)
            assert back.caption


def test_the_command_draws_and_writes_the_numbers(
    store_folder: Path, collection: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "back.png"
    flags = ["--store", str(store_folder), "--reconstructions", str(out)]
    assert main([*flags, "--media-root", str(collection.folder)]) == 0
    assert "after training, from the text: picture off by" in capsys.readouterr().out
    assert out.read_bytes().startswith(b"\x89PNG")
    assert json.loads(out.with_suffix(".json").read_text())["shown"] == list(SHOWN)
    assert str(collection.folder) not in out.with_suffix(".json").read_text()


def test_pictures_that_are_not_there_are_one_sentence(store_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^expected the store's pictures in .* \(got "):
        reconstructions(Store.open(store_folder), tmp_path)
