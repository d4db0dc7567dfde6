"""RDF, media and stores in an object storage: the same store, replaced whole, or told in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from pipelines.building.build import build
from pipelines.search.retrieval import Searcher
from pipelines.store import object_storage
from pipelines.store.manifest import StoreError
from pipelines.store.object_storage import (
    Mirror,
    StorageError,
    check_free,
    is_url,
    local_store,
    mirrored,
    place,
    put_store,
)

TURTLES = frozenset((".ttl",))


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def a_store(folder: Path, text: str) -> Path:
    """What goes for a store as far as copies are concerned."""
    (folder / "rdf").mkdir(parents=True)
    (folder / "rdf" / "part").write_text(text)
    manifest = {"format": 1, "settings": {}, "files": ["rdf"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [("s3://bucket/a", True), ("memory://a", True), ("file:///a", True), ("stores/demo", False),
     ("C:\\stores", False), ("http://host/sparql", False), ("sparql+https://host/", False)],
)  # fmt: skip
def test_urls_of_storages_are_told_from_paths_and_endpoints(text: str, expected: bool) -> None:
    assert is_url(text) == expected
    assert isinstance(place(text), str if expected else Path)


@pytest.mark.slow
def test_a_store_is_built_from_and_into_a_storage_and_asked_there(
    memory: Any, collection: Any, settings: Any, searcher: Searcher
) -> None:
    memory.put(str(collection.folder), "/bucket/cards", recursive=True)
    build("memory://bucket/cards/collection.ttl", "memory://bucket/store", settings=settings, device="cpu")
    far = Searcher.open("memory://bucket/store")
    for text in ("a cat", "something red"):
        own, found = searcher.search(text, where="?x a ex:Card"), far.search(text, where="?x a ex:Card")
        assert [hit.as_json() for hit in found] == [hit.as_json() for hit in own]
    assert far.store.observed.num_rows == searcher.store.observed.num_rows
    assert far.store.observed["status"].to_pylist() == searcher.store.observed["status"].to_pylist()
    with pytest.raises(StorageError, match="a new folder or a store to replace"):
        build("memory://bucket/cards/collection.ttl", "memory://bucket/cards", settings=settings)


def test_an_object_is_copied_once_for_each_of_its_versions(memory: Any, tmp_path: Path) -> None:
    memory.pipe({"/b/a.ttl": b"one", "/b/deep/c.ttl": b"two", "/b/d.png": b"picture"})
    folder, mirror = mirrored("memory://b", tmp_path, TURTLES)
    assert sorted(path.name for path in folder.rglob("*.*") if path.is_file()) == ["a.ttl", "c.ttl"]
    mirror.bring((folder / "d.png").resolve())
    assert (folder / "d.png").read_bytes() == b"picture"
    before = (folder / "a.ttl").stat().st_mtime_ns
    memory.pipe("/b/d.png", b"another")
    memory.rm("/b/deep/c.ttl")
    mirrored("memory://b", tmp_path, TURTLES)
    mirror.bring((folder / "d.png").resolve())
    assert (folder / "a.ttl").stat().st_mtime_ns == before
    assert not (folder / "deep" / "c.ttl").exists()
    assert (folder / "d.png").read_bytes() == b"another"


def test_no_name_leads_out_of_the_copies(memory: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected objects inside memory://b"):
        Mirror("memory://b", tmp_path).refresh("../../x")


def test_a_store_is_replaced_whole_and_older_copies_go(tmp_path: Path) -> None:
    url, cache = f"file://{tmp_path}/far", tmp_path / "cache"
    first = put_store(a_store(tmp_path / "one", "one"), url)
    assert (first / "rdf" / "part").read_text() == "one"
    second = put_store(a_store(tmp_path / "two", "two"), url)
    assert (local_store(url, cache) / "rdf" / "part").read_text() == "two"
    assert local_store(url, cache).name == second.name
    assert len(list((tmp_path / "far" / "states").iterdir())) == 1


def test_a_copy_that_is_stopped_leaves_the_older_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, cache = f"file://{tmp_path}/far", tmp_path / "cache"
    put_store(a_store(tmp_path / "one", "one"), url)
    system = type(fsspec.filesystem("file"))
    monkeypatch.setattr(system, "pipe_file", lambda *_: (_ for _ in ()).throw(OSError("the wire is cut")))
    with pytest.raises(StorageError, match=r"that answers at file://.* \(got: the wire is cut\)"):
        put_store(a_store(tmp_path / "two", "two"), url)
    assert (local_store(url, cache) / "rdf" / "part").read_text() == "one"
    monkeypatch.undo()
    put_store(tmp_path / "two", url)  # the same again
    assert (local_store(url, cache) / "rdf" / "part").read_text() == "two"
    assert len(list((tmp_path / "far" / "states").iterdir())) == 1


def test_a_store_that_lost_a_part_is_told_and_one_that_comes_back_is_read(tmp_path: Path) -> None:
    url, cache = f"file://{tmp_path}/far", tmp_path / "cache"
    put_store(a_store(tmp_path / "one", "one"), url)
    (state,) = (tmp_path / "far" / "states").iterdir()
    shutil.move(state / "rdf", tmp_path / "aside")
    with pytest.raises(StoreError, match="expected a whole store at file"):
        local_store(url, cache)
    assert not list((cache / "stores").rglob("*.json"))
    shutil.move(tmp_path / "aside", state / "rdf")
    assert (local_store(url, cache) / "rdf" / "part").read_text() == "one"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory://nowhere", r"expected a file or a folder at memory://nowhere \(nothing is there\)"),
        ("nosuch://bucket/a.ttl", r"expected an object storage that answers at nosuch://.*nosuch"),
    ],
)
def test_what_is_not_there_is_one_sentence(memory: Any, tmp_path: Path, url: str, sentence: str) -> None:
    with pytest.raises(StorageError, match=sentence):
        mirrored(url, tmp_path, TURTLES)
    if url.startswith("memory"):
        check_free(url)
        with pytest.raises(StoreError, match=r"expected a store at memory://nowhere \(it has no manifest"):
            local_store(url, tmp_path)


def test_importing_it_loads_no_storage() -> None:
    assert "fsspec" not in vars(object_storage)
