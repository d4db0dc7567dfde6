"""The folder of a store: put in place whole, taken back when that fails; states that somebody reads stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.states import recover_folder, replace_folder


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
