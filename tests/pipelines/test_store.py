"""The folder of a store: told from other folders, put in place whole, taken back when that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pipelines.store import Store, is_store, package_versions, recover_folder, replace_folder, write_json


def test_the_parts_of_a_store_fit_together(store_folder: Path) -> None:
    store = Store.open(store_folder)
    size = store.graph.num_entities
    assert store.tensors["joint"].shape[0] == size
    assert torch.allclose(store.tensors["joint"].norm(dim=1), torch.ones(size), atol=1e-5)
    assert len(store.facts) == len(store.graph.triples) + len(store.graph.literals) + len(store.graph.media)
    for modality, rows in store.observations.features.items():
        found = store.manifest["counts"]["observations"][modality]["found"]
        assert len(rows) == len(store.observations.owners[modality]) == found
    assert store.manifest["packages"] == package_versions()
    assert store.settings.as_json() == store.manifest["settings"]


def test_a_store_is_told_from_another_folder_with_a_manifest(store_folder: Path, tmp_path: Path) -> None:
    assert is_store(store_folder)
    assert not is_store(tmp_path)
    for text in ('{"name": "a web application"}', "[]", "oops"):
        (tmp_path / "manifest.json").write_text(text)
        assert not is_store(tmp_path)


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "content").write_text(content)
    return path


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    final, partial = folder(tmp_path / "final", "old"), folder(tmp_path / "partial", "new")
    replace_folder(partial, final)
    assert (final / "content").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_put_there(tmp_path: Path) -> None:
    final = folder(tmp_path / "final", "old")
    with pytest.raises(FileNotFoundError, match="partial"):
        replace_folder(tmp_path / "partial", final)
    assert (final / "content").read_text() == "old"


def test_what_a_killed_replacement_left_is_put_back_and_a_finished_one_is_left_alone(tmp_path: Path) -> None:
    folder(tmp_path / ".final.old", "old")
    recover_folder(tmp_path / "final")
    assert (tmp_path / "final" / "content").read_text() == "old"
    folder(tmp_path / ".final.old", "older")
    recover_folder(tmp_path / "final")
    assert (tmp_path / "final" / "content").read_text() == "old"


def test_json_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"ä": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(tmp_path / "a.json", {"ä": object()})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"ä": 1}
