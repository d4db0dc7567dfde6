"""The command: what it says, what it refuses in one sentence, and that stopping it anywhere loses nothing."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pipelines
from pipelines.building.build import build
from pipelines.settings import Settings
from pipelines.store.states import locked
from pipelines.store.store import Store
from pipelines.update import main

BASE = "<urn:a> <urn:knows> <urn:b> .\n<urn:b> <urn:knows> <urn:c> .\n"
MORE = "<urn:c> <urn:knows> <urn:d> .\n<urn:d> <urn:is> <urn:new> .\n"
ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    (folder / "base.nt").write_text(BASE)
    build([folder / "base.nt"], folder / "store", settings=Settings(epochs=1))
    return folder


@pytest.fixture
def store(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "store", tmp_path / "store")
    (tmp_path / "more.nt").write_text(MORE)
    return tmp_path / "store"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def command(*flags: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(flag) for flag in flags])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return command


def told(store: Path) -> tuple[set[tuple[str, str, str]], int, int]:
    """What is to be seen of a store: facts of its graph, facts for SPARQL, vectors."""
    opened = Store.open(store)
    graph = opened.graph
    entities, relations = graph.entities.to_pylist(), graph.relations.to_pylist()
    facts = {(entities[h], relations[r], entities[t]) for h, r, t in graph.triples.tolist()}
    return facts, len(opened.facts), len(opened.tensors["joint"])


def test_the_command_tells_what_it_did_and_the_store_answers_by_it(store: Path, run: Run) -> None:
    code, out, err = run(store, "--add", store.parent / "more.nt")
    assert (code, err) == (0, "")
    assert "added 2 statements and 2 entities, removed 0 statements and 0 entities" in out
    assert "5 entities, 4 triples" in out
    assert told(store) == (told(store)[0], 4, 5)
    assert ("urn:d", "urn:is", "urn:new") in told(store)[0]
    card = (store / "README.md").read_text()
    assert "5 entities" in card
    assert "Updated 1 time since" in card
    code, out, _ = run(store, "--remove", store.parent / "more.nt", "--add", store.parent / "more.nt")
    assert code == 0
    assert "added 2 statements and 0 entities, removed 2 statements and 0 entities" in out


def test_what_others_point_to_stays_and_that_is_told(store: Path, run: Run) -> None:
    (store.parent / "old.nt").write_text("<urn:b> <urn:knows> <urn:c> .\n")
    code, out, _ = run(store, "--remove", store.parent / "old.nt")
    assert code == 0
    assert "nothing is stated of urn:b any more, but 1 fact points to it" in out
    assert "removed 1 statement and 1 entity" in out
    assert told(store)[0] == {("urn:a", "urn:knows", "urn:b")}


class TestRefused:
    """One sentence, a non-zero exit, and the store as it was."""

    @pytest.fixture
    def refuse(self, store: Path, run: Run) -> Iterator[Callable[..., None]]:
        before = told(store), (store / "manifest.json").read_bytes()

        def check(flags: list[object], *parts: str) -> None:
            code, _, err = run(*flags)
            assert code == 1
            assert err.startswith("error: expected") or ": expected" in err
            assert err.count("\n") == 1
            for part in parts:
                assert part in err

        yield check
        assert (told(store), (store / "manifest.json").read_bytes()) == before
        assert not list((store / "states").glob("*"))

    def test_nothing_to_do(self, store: Path, refuse: Callable[..., None]) -> None:
        refuse([store], "neither --add nor --remove")

    def test_no_store(self, store: Path, tmp_path: Path, refuse: Callable[..., None]) -> None:
        refuse([tmp_path / "none", "--add", tmp_path / "more.nt"], "no such folder", "build it with")
        refuse([tmp_path, "--add", tmp_path / "more.nt"], "no manifest.json")
        assert not (tmp_path / ".lock").exists()

    def test_files_that_cannot_be_read(
        self, store: Path, tmp_path: Path, refuse: Callable[..., None]
    ) -> None:
        (tmp_path / "bad.nt").write_text(f"{MORE}oops\n")
        refuse([store, "--add", tmp_path / "none.nt"], "none.nt", "not there")
        refuse([store, "--add", tmp_path / "bad.nt"], "bad.nt:3: expected valid N-Triples")
        refuse([store, "--remove", tmp_path / "bad.nt"], "bad.nt:3: expected valid N-Triples")

    def test_statements_that_are_not_there(
        self, store: Path, tmp_path: Path, refuse: Callable[..., None]
    ) -> None:
        (tmp_path / "old.nt").write_text(BASE + MORE)
        refuse([store, "--remove", tmp_path / "old.nt"], "got 2 that it has not", "urn:c", "--lenient")

    def test_all_statements(self, store: Path, built: Path, refuse: Callable[..., None]) -> None:
        refuse([store, "--remove", built / "base.nt"], "expected at least one statement to stay")

    def test_a_media_root_that_is_none(
        self, store: Path, tmp_path: Path, refuse: Callable[..., None]
    ) -> None:
        flags = [store, "--add", tmp_path / "more.nt", "--media-root", tmp_path / "none"]
        refuse(flags, "expected --media-root to be a folder")

    def test_a_device_that_is_none(self, store: Path, tmp_path: Path, refuse: Callable[..., None]) -> None:
        refuse([store, "--add", tmp_path / "more.nt", "--device", "abacus"], "expected cpu, cuda or auto")

    def test_a_second_update_at_once(self, store: Path, tmp_path: Path, refuse: Callable[..., None]) -> None:
        with locked(store):
            refuse([store, "--add", tmp_path / "more.nt"], "expected a store that nobody else changes")

    @pytest.mark.parametrize("writer", ["safetensors.torch.save_file", "pyarrow.parquet.write_table"])
    def test_a_full_disk(
        self, store: Path, refuse: Callable[..., None], writer: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(writer, full)
        refuse([store, "--add", store.parent / "more.nt"], "expected room on the disk")


def test_lenient_skips_what_is_malformed_and_what_is_not_there(store: Path, run: Run) -> None:
    (store.parent / "old.nt").write_text(f"oops\n{BASE.splitlines()[0]}\n{MORE}")
    code, out, err = run(store, "--remove", store.parent / "old.nt", "--lenient")
    assert code == 0
    assert "to be removed, but not there: 2 statements" in out
    assert "old.nt:1" in err
    assert Store.open(store).manifest["counts"]["skipped"] == 1


def test_the_graph_in_which_a_statement_stands_is_told(store: Path, run: Run) -> None:
    named = store.parent / "named.nq"
    named.write_text("<urn:a> <urn:likes> <urn:b> <urn:g> .\n")
    assert run(store, "--add", named)[0] == 0
    (store.parent / "old.nt").write_text("<urn:a> <urn:likes> <urn:b> .\n")
    code, _, err = run(store, "--remove", store.parent / "old.nt")
    assert (code, "it is stated in the graph <urn:g>" in err) == (1, True)
    assert run(store, "--remove", named)[0] == 0


class _Stop(BaseException):
    """What ends a process, as far as the code under test can see."""


def _stop_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the n-th call that changes a name on the disk raise; the names of the calls made."""
    calls: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(os, name)

        def call(*args: Any, **named: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                raise _Stop
            return original(*args, **named)

        return call

    for name in ("rename", "replace", "link", "mkdir"):
        monkeypatch.setattr(os, name, counted(name))
    return calls


def test_stopped_at_any_point_it_is_before_or_after(store: Path, run: Run) -> None:
    before, states = told(store), set()
    add, back = (store, "--add", store.parent / "more.nt"), (store, "--remove", store.parent / "more.nt")
    assert run(*add)[0] == 0
    after = told(store)
    assert run(*back)[0] == 0
    for number in range(1, 200):
        with pytest.MonkeyPatch.context() as patch:
            calls = _stop_at(number, patch)
            try:
                run(*add)
            except _Stop:
                pass
            else:
                break
        now = told(store)
        assert now in (before, after)
        states.add(now[1])
        if now == after:
            assert run(*back)[0] == 0
    assert number > 10
    assert len(calls) < number
    assert states == {before[1], after[1]}  # stopped after the last rename it is done
    assert told(store) == after
    assert run(*back)[0] == 0
    left = {path.name for path in (store / "states").iterdir()}
    assert left == {Store.open(store).folder.name}  # nothing is left of what was stopped


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines import update
original = os.replace
def replace(old, new, **more):
    if Path(new) == Path(sys.argv[1]) / "manifest.json":
        os.kill(os.getpid(), signal.SIGKILL)
    return original(old, new, **more)
os.replace = replace
update(sys.argv[1], sys.argv[2], device="cpu")
"""


def test_a_killed_process_leaves_the_store_and_no_lock(store: Path, run: Run) -> None:
    before = told(store)
    command = [sys.executable, "-c", KILLED, str(store), str(store.parent / "more.nt")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert told(store) == before
    assert [path.name for path in (store / "states").iterdir()] == ["1"]
    assert run(store, "--add", store.parent / "more.nt")[0] == 0
    assert len(told(store)[0]) == 4


READER = """
import sys
from pipelines.store.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(store.graph.num_entities, len(store.facts), len(store.tensors["joint"]), flush=True)
"""


def test_who_reads_meanwhile_keeps_the_old_state(store: Path, run: Run) -> None:
    command = [sys.executable, "-c", READER, str(store)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        here = Store.open(store)  # another one, in this process
        for flag in ("--add", "--remove", "--add"):
            assert run(store, flag, store.parent / "more.nt")[0] == 0
        reader.stdin.write("go\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "3 2 3\n"
    assert (here.graph.num_entities, len(here.facts)) == (3, 2)
    assert (store / "graph").exists()
    here.release()
    assert run(store, "--remove", store.parent / "more.nt")[0] == 0
    assert not (store / "graph").exists()  # nobody reads the first state any more
    assert [path.name for path in (store / "states").iterdir()] == ["4"]


def test_a_build_replaces_an_updated_store(store: Path, built: Path, run: Run) -> None:
    assert run(store, "--add", store.parent / "more.nt")[0] == 0
    build([built / "base.nt"], store, settings=Settings(epochs=1))
    assert told(store) == told(built / "store")
    assert not (store / "states").exists()
    assert run(store, "--add", store.parent / "more.nt")[0] == 0


def test_python_has_it_as_a_function_whatever_was_imported(store: Path) -> None:
    assert pipelines.update(store, add=[store.parent / "more.nt"]).added == 2
