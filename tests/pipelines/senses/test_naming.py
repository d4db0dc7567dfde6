"""The names of the picture encoder: found where both encoders can, kept by the store, heard by its model."""

from __future__ import annotations

from pathlib import Path

import torch

from encoders.base import Naming
from fusion.base import NAMED
from fusion.names import Names
from pipelines.search.retrieval import Searcher
from pipelines.senses.naming import names_of, read_names, write_names
from pipelines.store.store import Store


class Words:
    """Reads a text as its length and the number of its letters e."""

    modality, name, dim = "text", "words", 2

    def load(self, reference: object) -> str:
        return str(reference)

    def encode(self, items: list[str]) -> torch.Tensor:
        return torch.tensor([[len(item), item.count("e")] for item in items]).float().view(-1, 2)


class Pictures(Words):
    """Names two things."""

    modality, name = "image", "pictures"

    def naming(self) -> Naming:
        return Naming(("tree", "cat"), torch.eye(2))


def test_names_need_a_picture_encoder_that_has_some_and_a_text_encoder_that_reads_them(
    tmp_path: Path,
) -> None:
    found = names_of({"image": Pictures(), "text": Words()}, tmp_path)
    assert found is not None
    torch.testing.assert_close(found.directions, torch.eye(2))
    torch.testing.assert_close(found.vectors, torch.tensor([[4.0, 2.0], [3.0, 0.0]]))
    assert names_of({"image": Words(), "text": Words()}, tmp_path) is None
    assert names_of({"image": Pictures()}, tmp_path) is None


def test_names_come_back_from_their_file(tmp_path: Path) -> None:
    names = Names("image", "text", torch.rand(3, 4), torch.rand(3, 5))
    write_names(names, tmp_path / "names.safetensors")
    back = read_names(tmp_path / "names.safetensors")
    torch.testing.assert_close(back.directions, names.directions)
    torch.testing.assert_close(back.vectors, names.vectors)


def test_a_store_keeps_the_names_and_its_model_hears_them(store_folder: Path, searcher: Searcher) -> None:
    store = Store.open(store_folder)
    assert store.observations.names is not None
    assert store.observations.names.directions.shape == (1000, 1280)
    assert store.manifest["model"]["named"] == ["image", "text"]
    named = searcher.scorer.memory[NAMED]
    torch.testing.assert_close(named.present, searcher.scorer.memory["image"].present)


def test_an_older_store_without_names_opens_as_it_is(store_folder: Path) -> None:
    store = Store.open(store_folder)
    shape = {name: value for name, value in store.manifest["model"].items() if name != "named"}
    plain = Store(store.folder, store.manifest | {"model": shape})
    kept = {name: value for name, value in store.weights.items() if "names" not in name}
    vars(plain)["weights"] = kept
    assert plain.model.named is None
