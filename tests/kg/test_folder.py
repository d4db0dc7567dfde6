"""A folder is replaced as a whole or not at all."""

from pathlib import Path

import pytest

from kg.folder import written_beside


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "out"
    for text in ("one", "two"):
        with written_beside(folder) as partial:
            assert list(partial.iterdir()) == []
            (partial / text).write_text(text)
    assert [path.name for path in folder.iterdir()] == ["two"]
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_an_interrupt_leaves_the_last_good_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with written_beside(folder) as partial:
        (partial / "good").touch()

    def interrupted() -> None:
        with written_beside(folder) as partial:
            (partial / "bad").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in folder.iterdir()] == ["good"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_kill_between_the_renames_is_undone_by_the_next_writer(tmp_path: Path) -> None:
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old" / "good").touch()
    with pytest.raises(OSError, match="disk full"), written_beside(tmp_path / "out"):
        raise OSError("disk full")
    assert (tmp_path / "out" / "good").exists()
