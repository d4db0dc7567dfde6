"""What a store's folder says of itself."""

from __future__ import annotations

from pathlib import Path

from pipelines.store.manifest import is_store


def test_a_store_is_told_from_another_folder_with_a_manifest(store_folder: Path, tmp_path: Path) -> None:
    assert is_store(store_folder)
    assert not is_store(tmp_path)
    for text in ('{"name": "a web application"}', "[]", "oops"):
        (tmp_path / "manifest.json").write_text(text)
        assert not is_store(tmp_path)
