"""Builds by several processes, as torchrun starts them: one store, one sentence, and a way on from a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from pipelines.search.retrieval import Searcher
from pipelines.store.store import Store

ROOT = Path(__file__).parents[3]
SETTINGS = ("--width", "32", "--structure-width", "16", "--test-share", "0.4", "--device", "cpu")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def command(*flags: object, by: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a build."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", *by, "-m", "pipelines.build_kg", *map(str, flags)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[int, str, str]]]:
    """Run two builds as the processes of one, each with its own flags: status, output and errors of each."""

    def run(*each: tuple[object, ...]) -> list[tuple[int, str, str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            about = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free.getsockname()[1], "WORLD_SIZE": 2}
        children = []
        for rank, flags in enumerate(each):
            for name, value in (about | {"RANK": rank, "LOCAL_RANK": rank}).items():
                monkeypatch.setenv(name, str(value))
            children.append(command(*flags))
        return [
            (child.returncode, *found) for child in children for found in [child.communicate(timeout=900)]
        ]

    return run


@pytest.mark.slow
def test_processes_with_other_inputs_or_settings_all_say_so_and_write_nothing(
    tmp_path: Path, two: Callable[..., list[tuple[int, str, str]]]
) -> None:
    for name, fact in (("one.nt", "b"), ("other.nt", "c")):
        (tmp_path / name).write_text(f"<urn:a> <urn:knows> <urn:{fact}> .\n")
    before = set(tmp_path.iterdir())
    for flags, what in (((), "inputs"), (("--seed", 1), "settings")):
        other = "one.nt" if flags else "other.nt"
        found = two(
            (tmp_path / "one.nt", "--out", tmp_path / "store"),
            (tmp_path / other, "--out", tmp_path / "store", *flags),
        )
        told = (
            f"error: expected all 2 processes to have the same {what} (got others in process 1 than in "
            "process 0): start them with the same command, on files that all of them share\n"
        )
        assert [(code, out.strip(), err) for code, out, err in found] == [(1, "", told)] * 2
        assert set(tmp_path.iterdir()) == before


@pytest.mark.long
def test_two_processes_by_torchrun_build_one_store_that_answers(
    collection: Any, store_folder: Path, tmp_path: Path
) -> None:
    flags = (collection.turtle, "--out", tmp_path / "store", "--epochs", 6, *SETTINGS)
    child = command(*flags, by=TORCHRUN)
    out, err = child.communicate(timeout=900)
    assert (child.returncode, out.count("Built")) == (0, 1), err
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    store, alone = Store.open(tmp_path / "store"), Store.open(store_folder)
    assert store.manifest["counts"] == alone.manifest["counts"]
    assert store.metrics["held_out"].keys() == alone.metrics["held_out"].keys()
    assert store.metrics["losses"]["links"] == pytest.approx(alone.metrics["losses"]["links"], rel=0.1)
    assert Searcher(store).search("a steam train", k=1)[0].label == "A steam train"


@pytest.mark.long
def test_when_a_process_is_killed_the_same_command_goes_on_from_the_last_checkpoint(
    collection: Any, session_folder: Path, tmp_path: Path
) -> None:
    flags = (collection.turtle, "--out", tmp_path / "store", "--epochs", 200, "--patience", 100, *SETTINGS)
    child, kept = command(*flags, by=TORCHRUN), tmp_path / ".store.training" / "1_links.safetensors"
    while not kept.exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    os.kill(second(tmp_path / "store"), signal.SIGKILL)
    _, err = child.communicate(timeout=900)
    assert child.returncode != 0
    assert "error: expected " in err
    assert "the same command continues from what was kept" in err
    assert not (tmp_path / "store").exists()
    with safe_open(kept, "pt") as file:
        losses = json.loads(file.metadata()["about"])["history"]["losses"]
    assert losses
    again = command(*flags)
    _, err = again.communicate(timeout=900)
    assert again.returncode == 0, err
    store = Store.open(tmp_path / "store")
    assert store.metrics["losses"]["links"][: len(losses)] == losses
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def second(out: Path) -> int:
    """The id of the second process that builds a store."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            flags, about = ((place / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
        if str(out).encode() in flags and b"RANK=1" in about:
            return int(place.name)
    raise AssertionError(f"expected a second process that builds {out}")
