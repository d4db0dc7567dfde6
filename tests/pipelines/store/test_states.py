"""The folder of a store: put in place whole, taken back when that fails; states that somebody reads stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.store.states import (
    BusyError,
    Pin,
    commit,
    locked,
    next_state,
    recover_folder,
    replace_folder,
    sweep,
)


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


MANIFEST = {"files": ["part", "parts/one"]}


def state(home: Path) -> str:
    return str(json.loads((home / "manifest.json").read_text()).get("state", ""))


def committed(home: Path, content: str) -> None:
    with next_state(home) as work:
        (work / "part").write_text(content)
        commit(home, work, MANIFEST)


def test_a_state_becomes_the_store_s_when_the_manifest_names_it(tmp_path: Path) -> None:
    committed(tmp_path, "one")
    assert state(tmp_path) == "states/1"
    committed(tmp_path, "two")
    assert (tmp_path / state(tmp_path) / "part").read_text() == "two"
    with pytest.raises(FileNotFoundError, match="none"), next_state(tmp_path) as work:
        work.joinpath("none", "part").write_text("three")
    assert sorted(path.name for path in (tmp_path / "states").iterdir()) == ["1", "2"]


def test_a_sweep_leaves_the_current_state_and_those_that_are_read(tmp_path: Path) -> None:
    for name in ("part", "mine.txt", "README.md"):
        (tmp_path / name).write_text("first")
    (tmp_path / "parts").mkdir()
    first = Pin(tmp_path)
    committed(tmp_path, "one")
    second = Pin(tmp_path / "states" / "1")
    committed(tmp_path, "two")
    (tmp_path / "states" / "9.partial").mkdir()
    named = MANIFEST | {"state": state(tmp_path)}
    sweep(tmp_path, named)
    assert sorted(path.name for path in (tmp_path / "states").iterdir()) == ["1", "2"]
    assert (tmp_path / "part").exists()
    first.release()
    second.release()
    sweep(tmp_path, named)
    assert [path.name for path in (tmp_path / "states").iterdir()] == ["2"]
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["README.md", "manifest.json", "mine.txt", "states"]  # only what the manifest names goes


def test_one_at_a_time_and_whoever_waits_gets_its_turn(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(BusyError, match="another update"), locked(tmp_path):
        pass
    with locked(tmp_path, wait=True):
        pass
    (tmp_path / ".lock").write_text("left by a process that is no more")
    with locked(tmp_path):
        pass
