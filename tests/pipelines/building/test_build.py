"""Building: what it leaves, that it repeats itself to the bit, and that stopping it loses nothing."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.building.build import build, cache_folder, resolve_device
from pipelines.search.retrieval import Searcher
from pipelines.settings import Settings
from pipelines.store.store import Store, StoreError


def test_a_build_leaves_the_documented_files_and_no_pickle(store_folder: Path) -> None:
    found = {path.relative_to(store_folder).as_posix() for path in store_folder.rglob("*")}
    assert found >= {
        "manifest.json",
        "metrics.json",
        "README.md",
        "graph",
        "rdf",
        "observations.parquet",
        "features/text.safetensors",
        "features/image.safetensors",
        "features/audio.safetensors",
        "model.safetensors",
        "embeddings.safetensors",
    }
    assert not [name for name in found if name.endswith((".pkl", ".pickle", ".pt", ".pth", ".tmp"))]
    assert not [path for path in store_folder.rglob("*") if path.is_file() and _is_pickled(path)]


def _is_pickled(path: Path) -> bool:
    """Pickles of protocol 2 and up begin so; a zipped torch file holds one."""
    start = path.read_bytes()[:4]
    return (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05") or start == b"PK\x03\x04"


def test_the_manifest_counts_what_is_there(store_folder: Path) -> None:
    counts = json.loads((store_folder / "manifest.json").read_text(encoding="utf-8"))["counts"]
    # 30 cards, 1 bare picture, 10 concepts, 5 kinds, 2 classes
    assert counts["entities"] == 30 + 1 + 10 + 5 + 2
    assert counts["relations"] == 3  # rdf:type, schema:about, skos:broader
    assert counts["triples"] == (30 + 10 + 5) + 30 + 10
    assert counts["literals"] == 30 + 10 + 5
    none = {"missing": 0, "unreadable": 0}
    assert counts["observations"] == {
        "text": {"found": 45, **none},
        "image": {"found": 31, **none},
        "audio": {"found": 15, **none},
    }
    assert counts["skipped"] == 0


def test_no_folder_of_work_is_left_beside_a_store(store_folder: Path) -> None:
    assert not [path for path in store_folder.parent.iterdir() if path.name.startswith(".")]


def test_two_builds_with_one_seed_agree_to_the_bit_and_another_seed_does_not(
    store_folder: Path,
    collection: Any,
    settings: Settings,
    tmp_path: Path,
) -> None:
    first = Store.open(store_folder).tensors
    turtle = collection.turtle
    again = build([turtle], tmp_path / "again", settings=settings, device="cpu").tensors
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = build(turtle, tmp_path / "other", settings=replace(settings, seed=1), device="cpu").tensors
    assert not torch.equal(first["joint"], other["joint"])


def test_a_rerun_encodes_nothing_again(newcomer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoders.image import ImageEncoder
    from encoders.text import TextEncoder

    monkeypatch.setenv("SENSEGRAPH_CACHE", str(newcomer.parent / "cache"))
    encoded: list[int] = []
    for encoder in (TextEncoder, ImageEncoder):
        original = encoder.encode

        def count(
            self: object, items: list[object], original: Callable[..., torch.Tensor] = original
        ) -> torch.Tensor:
            encoded.append(len(items))
            return original(self, items)

        monkeypatch.setattr(encoder, "encode", count)
    first = build([newcomer], newcomer.parent / "store", settings=Settings(epochs=1))
    # five names, a description, two pictures, and the names that the picture encoder knows
    assert sum(encoded) == 6 + 2 + 1000
    encoded.clear()
    second = build([newcomer], newcomer.parent / "store", settings=Settings(epochs=1))
    assert sum(encoded) == 0
    assert torch.equal(first.tensors["joint"], second.tensors["joint"])


def test_a_newcomers_five_things_and_two_pictures_build_and_answer(newcomer: Path) -> None:
    store = build([newcomer], newcomer.parent / "store")
    assert store.manifest["counts"]["observations"]["image"]["found"] == 2
    searcher = Searcher(store)
    assert searcher.search("where the fish live", k=1)[0].label == "The river"
    assert searcher.search(image=newcomer.parent / "tower.png", k=1)[0].label == "The old tower"


@pytest.mark.parametrize("content", ["<urn:a> <urn:knows> <urn:b> .", "<urn:a> <urn:knows> <urn:a> ."])
def test_structure_alone_builds_and_answers_by_entity(tmp_path: Path, content: str) -> None:
    (tmp_path / "facts.nt").write_text(f"{content}\n<urn:b> <urn:knows> <urn:c> .\n")
    store = build([tmp_path / "facts.nt"], tmp_path / "store")
    assert store.manifest["counts"]["observations"] == {}
    assert {hit.entity for hit in Searcher(store).search(entity="urn:b")} == {"urn:a", "urn:c"}


def test_texts_alone_without_any_fact_build_and_answer(tmp_path: Path, session_folder: Path) -> None:
    name = "<http://www.w3.org/2000/01/rdf-schema#label>"
    (tmp_path / "names.nt").write_text(f'<urn:a> {name} "a green frog" .\n<urn:b> {name} "a ship" .\n')
    store = build([tmp_path / "names.nt"], tmp_path / "store")
    assert [hit.entity for hit in Searcher(store).search("ocean liner")] == ["urn:b", "urn:a"]


class TestStopped:
    """Ctrl-C or a full disk at any stage: the older store answers, and the same call finishes."""

    @pytest.fixture(scope="class")
    @classmethod
    def older(cls, tmp_path_factory: pytest.TempPathFactory, collection: Any) -> tuple[Path, Path]:
        """A store of a smaller graph, and the file that is to take its place."""
        folder = tmp_path_factory.mktemp("stopped")
        (folder / "old.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
        build([folder / "old.nt"], folder / "store")
        return collection.turtle, folder / "store"

    @pytest.mark.parametrize(
        "stage", ["rdf", "text", "image", "audio", "links", "alignment", "without graph", "embedding"]
    )
    def test_ctrl_c_leaves_the_older_store_answering(self, older: tuple[Path, Path], stage: str) -> None:
        turtle, folder = older

        def stop(now: str, done: int, total: int) -> None:
            if now == stage:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build([turtle], folder, settings=Settings(epochs=2, test_share=0.4), progress=stop)
        assert [hit.entity for hit in Searcher.open(folder).search(entity="urn:a")] == ["urn:b"]

    @pytest.mark.parametrize(
        "writer",
        [
            "safetensors.torch.save_file",
            "pyarrow.parquet.write_table",
            "pipelines.building.build.write_json",
            "pipelines.building.build.replace_folder",
        ],
    )
    def test_a_full_disk_leaves_the_older_store_answering(
        self, older: tuple[Path, Path], writer: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        turtle, folder = older
        monkeypatch.setattr(writer, full)
        with pytest.raises(OSError, match="No space left"):
            build([turtle], folder, settings=Settings(epochs=1, test_share=0.4))
        assert [hit.entity for hit in Searcher.open(folder).search(entity="urn:a")] == ["urn:b"]

    def test_a_rerun_finishes_without_reading_or_encoding_again(
        self, older: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turtle, folder = older

        def stop(now: str, done: int, total: int) -> None:
            if now == "embedding":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build([turtle], folder, settings=Settings(epochs=1), progress=stop)
        stages: list[str] = []
        monkeypatch.setattr("kg.rdf.read", lambda *_, **__: pytest.fail("read again"))
        monkeypatch.setattr("encoders.text.TextEncoder.encode", lambda *_: pytest.fail("encoded again"))
        store = build(
            [turtle],
            folder,
            settings=Settings(epochs=1),
            progress=lambda stage, done, total: stages.append(stage),
        )
        assert "rdf" not in stages
        assert store.manifest["counts"]["entities"] == 48


def test_a_training_that_was_stopped_again_and_again_ends_as_if_it_never_was(
    labelled: Path, collection: Any, settings: Settings, tmp_path: Path
) -> None:
    chosen = Store.open(labelled).settings
    taken: list[tuple[str, int]] = []

    def going(stop: tuple[str, int] | None = None) -> Store:
        def report(now: str, done: int, total: int) -> None:
            taken.append((now, done))
            if (now, done) == stop:
                raise KeyboardInterrupt

        taken.clear()
        inputs = [collection.folder / "unfiled.ttl"]
        return build(inputs, tmp_path / "store", settings=chosen, device="cpu", progress=report)

    for stop in (("links", 5), ("alignment", 13), ("without graph", 28), ("labels", 3)):
        with pytest.raises(KeyboardInterrupt):
            going(stop)
    assert (tmp_path / ".store.training").is_dir()
    store = going()
    # each goes on after what was validated last: links and alignment were done, labels had two epochs or more
    assert min(done for stage, done in taken if stage == "alignment") == 30
    assert min(done for stage, done in taken if stage == "labels") >= 3
    whole = Store.open(labelled)
    for name in ("model", "embeddings", "completion", "labels/0"):
        file = f"{name}.safetensors"
        assert (store.folder / file).read_bytes() == (whole.folder / file).read_bytes(), name
    assert store.metrics["losses"] == whole.metrics["losses"]
    assert not [path.name for path in tmp_path.iterdir() if path.name != "store"]


def test_a_stop_between_the_two_renames_leaves_the_older_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "facts.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
    build([tmp_path / "facts.nt"], tmp_path / "store")
    original = Path.rename

    def stopped(self: Path, target: Path) -> Path:
        if self.name == ".store.building":
            raise KeyboardInterrupt
        return original(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        build([tmp_path / "facts.nt"], tmp_path / "store")
    assert Store.open(tmp_path / "store").manifest["counts"]["triples"] == 1


def test_a_build_killed_between_the_two_renames_finds_the_older_store_again(tmp_path: Path) -> None:
    (tmp_path / "facts.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
    build([tmp_path / "facts.nt"], tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / ".store.old")
    (tmp_path / "bad.nt").write_text("<urn:a> <urn:b> oops\n")
    with pytest.raises(ValueError, match=r"bad\.nt:1"):
        build([tmp_path / "bad.nt"], tmp_path / "store")
    assert Store.open(tmp_path / "store").manifest["counts"]["triples"] == 1


def test_changed_inputs_are_read_anew_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "facts.nt"
    facts.write_text("<urn:a> <urn:knows> <urn:b> .\n")
    monkeypatch.setattr(
        "pipelines.building.training.train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        build([facts], tmp_path / "store")
    monkeypatch.undo()
    facts.write_text("<urn:a> <urn:knows> <urn:b> .\n<urn:c> <urn:knows> <urn:b> .\n")
    assert build([facts], tmp_path / "store").manifest["counts"]["triples"] == 2


def test_files_beside_the_rdf_in_an_input_folder_do_not_count_as_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "facts.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
    first = build([tmp_path / "in"], tmp_path / "store").manifest["inputs"]["sha256"]
    (tmp_path / "in" / "notes.txt").write_text("changed")
    assert build([tmp_path / "in"], tmp_path / "store").manifest["inputs"]["sha256"] == first


def test_a_folder_that_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "facts.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
    precious = tmp_path / "site"
    precious.mkdir()
    (precious / "manifest.json").write_text('{"name": "a web application"}')
    with pytest.raises(ValueError, match="expected --out to name a new folder or a store"):
        build([tmp_path / "facts.nt"], precious)
    assert [path.name for path in precious.iterdir()] == ["manifest.json"]
    with pytest.raises(ValueError, match="expected --out to name a new folder or a store"):
        build([tmp_path / "facts.nt"], tmp_path / "facts.nt")


def test_a_store_that_holds_the_input_is_never_replaced(tmp_path: Path) -> None:
    facts = tmp_path / "facts.nt"
    facts.write_text("<urn:a> <urn:knows> <urn:b> .\n")
    build([facts], tmp_path / "store")
    shutil.move(facts, tmp_path / "store" / "facts.nt")
    with pytest.raises(ValueError, match="expected --out outside the inputs"):
        build([tmp_path / "store" / "facts.nt"], tmp_path / "store")
    assert (tmp_path / "store" / "facts.nt").is_file()


def test_an_empty_folder_and_a_store_of_another_version_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "facts.nt").write_text("<urn:a> <urn:knows> <urn:b> .\n")
    (tmp_path / "store").mkdir()
    build([tmp_path / "facts.nt"], tmp_path / "store")
    manifest = tmp_path / "store" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 0}))
    with pytest.raises(StoreError, match="format"):
        Store.open(tmp_path / "store")
    build([tmp_path / "facts.nt"], tmp_path / "store")
    assert Store.open(tmp_path / "store")


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENSEGRAPH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SENSEGRAPH_CACHE")
    monkeypatch.chdir(tmp_path)
    assert cache_folder() == tmp_path / ".cache"


def test_a_device_that_is_not_there_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(ValueError, match="torch finds no CUDA"):
        resolve_device("cuda")
    with pytest.raises(ValueError, match="expected cpu, cuda or auto as the device"):
        resolve_device("toaster")


def test_the_model_may_be_fetched_only_when_remote_access_is_allowed(
    newcomer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def refuse(modality: str, name: str | None, device: str, *, allow_remote: bool) -> None:
        asked.append(allow_remote)
        raise ValueError("expected a model")

    monkeypatch.setattr("pipelines.senses.encoding.make_encoder", refuse)
    for allowed in (False, True):
        with pytest.raises(ValueError, match="expected a model"):
            build([newcomer], newcomer.parent / "store", allow_remote=allowed)
    assert asked == [False, True]
