"""How long a command takes to start, and what it imports for that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.startup import HELP, asking, heavy, main, run, times


def test_help_imports_nothing_heavy() -> None:
    assert heavy(HELP) == []


def test_a_query_imports_torch_but_no_library_of_models(store_folder: Path) -> None:
    imported = heavy((*asking(store_folder)[:4], "--where", "?x schema:about ?y"))
    assert "torch" in imported
    assert not {"datasets", "sentence_transformers", "sklearn", "torchvision"} & set(imported)


def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(asking(tmp_path))


def test_each_run_is_timed_but_the_first() -> None:
    taken = times(HELP, 2)
    assert len(taken) == 2
    assert min(taken) > 0


def test_without_the_demo_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.building.build.DEMO_STORE", tmp_path / "none")
    assert main(["--quick"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: expected a store at {tmp_path / 'none'} (no such folder)")
