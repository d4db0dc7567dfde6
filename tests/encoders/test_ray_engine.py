"""Encoding by Ray: the same rows, workers that die, machines that differ, and no cluster there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from encoders import EngineError, encode_cached, make_encoder, make_engine
from encoders.engine import LocalEngine
from encoders.ray_engine import Worker
from tests.encoders.mortal import Mortal

TEXTS = ["a", "bc", "", "d\udce9f", *(f"text number {number}" for number in range(40))]


def jobs(*pairs: tuple[bytes, str]) -> pa.Table:
    written = [reference.encode("utf-8", "surrogatepass") for _, reference in pairs]
    return pa.table({"key": [key for key, _ in pairs], "reference": written})


def test_a_worker_gives_what_the_local_loop_gives(tmp_path: Path) -> None:
    make = partial(Mortal, tmp_path)
    table = Worker(make, "mortal@1")(jobs((b"1", "ab"), (b"2", ""), (b"3", "\udce9")))
    assert table["key"].to_pylist() == [b"1", b"3", b"2"]
    assert table["features"].to_pylist()[0] == torch.tensor([2.0, 1.0]).numpy().tobytes()
    assert table["problem"].to_pylist() == [None, None, "expected a text (got none)"]
    assert len(Worker(make, "mortal@1")(jobs((b"2", "")))) == 1


def test_a_machine_with_another_encoder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the encoder mortal@0 on every machine .* has mortal@1"):
        Worker(partial(Mortal, tmp_path), "mortal@0")


def test_a_machine_without_the_files_is_told_and_a_file_missing_everywhere_is_a_problem(
    tmp_path: Path,
) -> None:
    worker = Worker(partial(Mortal, tmp_path, modality="image"), "mortal@1")
    gone = str(tmp_path / "gone.png")
    with pytest.raises(ValueError, match=r"the same paths on every machine .* has no .*gone\.png"):
        worker(jobs((bytes(32), gone)))
    assert len(worker(jobs((b"unreadable 7", gone)))) == 1  # nobody has it


def test_without_ray_the_line_for_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'sensegraph\[ray\]'"):
        make_engine("ray", lambda: make_encoder("text"))


def test_an_unknown_engine_is_told() -> None:
    with pytest.raises(EngineError, match=r"expected an engine among local, ray \(got 'spark'\)"):
        make_engine("spark", lambda: make_encoder("text"))
    assert make_engine("local", lambda: make_encoder("text")) == LocalEngine()


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    """Ray on this machine, which starts slowly where others work."""
    ray = pytest.importorskip("ray", reason="ray is an extra")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_raylet_start_wait_time_s", "180")
        patch.delenv("RAY_ADDRESS", raising=False)
        from encoders.ray_engine import connect

        connect()
        yield
        ray.shutdown()


@pytest.mark.long
def test_ray_encodes_pictures_to_the_same_rows(
    two_workers: None, tmp_path: Path, draw: Callable[..., Path]
) -> None:
    files = [draw(tmp_path / f"{n}.png", shape, "red", n) for n, shape in enumerate(("box", "ring") * 9)]
    (tmp_path / "bad.png").write_bytes(b"no picture")
    asked = [*files, tmp_path / "bad.png", tmp_path / "gone.png", files[0]]
    make = partial(make_encoder, "image")
    own = encode_cached(make(), asked, None)
    far = encode_cached(make(), asked, tmp_path / "cache", engine=make_engine("ray", make))
    assert far.rows.tolist() == own.rows.tolist()
    assert far.problems == own.problems
    torch.testing.assert_close(far.features, own.features, rtol=0, atol=1e-5)


@pytest.mark.long
def test_a_killed_worker_is_survived_and_what_was_done_is_kept(two_workers: None, tmp_path: Path) -> None:
    make = partial(Mortal, tmp_path / "mark")
    texts = [*TEXTS, "poison"]
    far = encode_cached(make(), texts, tmp_path / "cache", batch_size=4, engine=make_engine("ray", make))
    assert (tmp_path / "mark").exists()
    own = encode_cached(make(), texts, None, workers=0)
    assert far.features.tolist() == own.features.tolist()
    assert far.problems == own.problems
    again = encode_cached(make(), texts, tmp_path / "cache", workers=0)
    assert again.features.tolist() == own.features.tolist()


@pytest.mark.long
def test_what_a_worker_says_comes_as_one_sentence(two_workers: None, tmp_path: Path) -> None:
    engine = make_engine("ray", partial(Mortal, tmp_path, name="mortal@2"))
    with pytest.raises(EngineError, match=r"^expected Ray to encode .* has mortal@2.: install the same"):
        encode_cached(Mortal(tmp_path), ["a"], None, engine=engine)


@pytest.mark.long
def test_a_cluster_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="ray is an extra")
    ray.shutdown()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(EngineError, match=r"expected a Ray cluster of version .* at 127\.0\.0\.1:1 \(got: "):
        make_engine("ray", lambda: make_encoder("text"))
    assert os.environ["RAY_ADDRESS"] == "127.0.0.1:1"
