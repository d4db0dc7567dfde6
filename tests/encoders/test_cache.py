"""The cache, with an encoder that counts what it is asked: never a wrong row, never work twice."""

import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders import Encoded, MediaError, encode_cached


class CountingEncoder:
    """A file's first two bytes as a row; content that begins with "bad" cannot be read."""

    modality = "image"
    dim = 2

    def __init__(self, name: str = "counting@1", stop_after: int | None = None) -> None:
        self.name = name
        self.loaded: list[str] = []
        self._stop_after = stop_after

    def load(self, reference: str | Path) -> bytes:
        self.loaded.append(Path(reference).name)
        if not Path(reference).is_file():
            raise MediaError(reference, "expected a file (got no such file)")
        content = Path(reference).read_bytes()
        if content.startswith(b"bad"):
            raise MediaError(reference, "expected good content (got bad)")
        return content

    def encode(self, items: Sequence[bytes]) -> Tensor:
        if self._stop_after is not None and len(self.loaded) > self._stop_after:
            raise KeyboardInterrupt
        return torch.tensor([[float(item[0]), float(item[1])] for item in items]).reshape(len(items), 2)


def files(folder: Path, count: int, start: int = 0) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{i:05}" for i in range(start, start + count)]
    for i, path in enumerate(paths, start):
        path.write_bytes(bytes([i % 256, i // 256]))
    return paths


def check(encoded: Encoded, paths: Sequence[Path]) -> None:
    """Every path has its row, in order."""
    assert encoded.rows.tolist() == list(range(len(paths)))
    expected = [[float(byte) for byte in path.read_bytes()[:2]] for path in paths]
    assert encoded.features.tolist() == expected
    assert encoded.features.dtype == torch.float32


@pytest.mark.parametrize("workers", [None, 0, 1, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_rows_come_in_the_order_of_the_references(
    tmp_path: Path, workers: int | None, batch_size: int
) -> None:
    paths = files(tmp_path / "in", 40)[::-1]
    before = torch.get_num_threads()
    check(encode_cached(CountingEncoder(), paths, None, batch_size=batch_size, workers=workers), paths)
    assert torch.get_num_threads() == before


def test_a_bad_file_is_a_problem_with_its_own_name_and_the_rest_is_encoded(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 6)
    for i in (1, 4):
        paths[i].write_bytes(b"bad")  # the same content twice
    paths[5].unlink()
    encoded = encode_cached(CountingEncoder(), [*map(str, paths), tmp_path], tmp_path / "cache", batch_size=2)
    assert encoded.rows.tolist() == [0, 2, 3]
    assert encoded.features[:, 0].tolist() == [0, 2, 3]
    assert encoded.problems == [
        (1, f"{paths[1]}: expected good content (got bad)"),
        (4, f"{paths[4]}: expected good content (got bad)"),
        (5, f"{paths[5]}: expected a file (got no such file)"),
        (6, f"{tmp_path}: expected a file (got no such file)"),
    ]


def test_equal_content_is_encoded_once(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 3)
    paths[2].write_bytes(paths[0].read_bytes())
    encoder = CountingEncoder()
    check(encode_cached(encoder, [*paths, *paths], None), [*paths, *paths])
    assert sorted(encoder.loaded) == ["00000", "00001"]


def test_a_second_run_loads_nothing_and_another_encoder_shares_nothing(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 10)
    encode_cached(CountingEncoder(), paths, tmp_path / "cache")
    again, other = CountingEncoder(), CountingEncoder("counting@2")
    check(encode_cached(again, paths, tmp_path / "cache"), paths)
    check(encode_cached(other, paths, tmp_path / "cache"), paths)
    assert again.loaded == []
    assert len(other.loaded) == 10


def test_changed_content_is_encoded_anew(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 3)
    encode_cached(CountingEncoder(), paths, tmp_path / "cache")
    paths[1].write_bytes(b"\x09\x09")
    encoder = CountingEncoder()
    check(encode_cached(encoder, paths, tmp_path / "cache"), paths)
    assert encoder.loaded == ["00001"]


@pytest.mark.parametrize("cached", [False, True])
def test_progress_adds_up_to_all_references(tmp_path: Path, cached: bool) -> None:
    paths = files(tmp_path / "in", 20)
    paths[3].write_bytes(b"bad")
    paths[7].unlink()
    paths += paths[:5]
    if cached:
        encode_cached(CountingEncoder(), paths[:12], tmp_path / "cache")
    told: list[int] = []
    encode_cached(CountingEncoder(), paths, tmp_path / "cache", batch_size=4, progress=told.append)
    assert sum(told) == 25


def test_an_interrupted_run_keeps_what_was_finished(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 40)
    with pytest.raises(KeyboardInterrupt):
        encode_cached(CountingEncoder(stop_after=25), paths, tmp_path / "cache", batch_size=5, workers=0)
    encoder = CountingEncoder()
    check(encode_cached(encoder, paths, tmp_path / "cache"), paths)
    assert sorted(encoder.loaded) == [f"{i:05}" for i in range(25, 40)]


def test_half_a_shard_of_a_killed_run_is_never_read_and_swept_up_when_old(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 3)
    encode_cached(CountingEncoder(), paths, tmp_path / "cache")
    shard = next((tmp_path / "cache").rglob("*.safetensors"))
    old, fresh = shard.with_name(".old.safetensors.tmp"), shard.with_name(".fresh.safetensors.tmp")
    for path in (old, fresh):
        path.write_bytes(shard.read_bytes()[:50])
    os.utime(old, (time.time() - 3600,) * 2)
    check(encode_cached(CountingEncoder(), paths, tmp_path / "cache"), paths)
    assert not old.exists()
    assert fresh.exists(), "another process may be writing it"


def _flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage", [_flip, lambda c: c[:-3], lambda c: c[:4], lambda c: b"", lambda c: b"\xff" * 99]
)
def test_a_damaged_shard_is_ignored_and_its_content_encoded_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    assert callable(damage)
    paths = files(tmp_path / "in", 3)
    encode_cached(CountingEncoder(), paths, tmp_path / "cache")
    shard = next((tmp_path / "cache").rglob("*.safetensors"))
    shard.write_bytes(damage(shard.read_bytes()))
    encoder = CountingEncoder()
    with caplog.at_level(logging.WARNING):
        check(encode_cached(encoder, paths, tmp_path / "cache"), paths)
    assert len(encoder.loaded) == 3
    assert "damaged cache file" in caplog.text
    again = CountingEncoder()
    check(encode_cached(again, paths, tmp_path / "cache"), paths)
    assert again.loaded == []


def test_many_small_shards_become_one(tmp_path: Path) -> None:
    for i in range(8):
        encode_cached(CountingEncoder(), files(tmp_path / "in", 5, 5 * i), tmp_path / "cache")
        expected = i + 1 if i < 7 else 1
        assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == expected
    encoder = CountingEncoder()
    paths = files(tmp_path / "in", 40)
    check(encode_cached(encoder, paths, tmp_path / "cache"), paths)
    assert encoder.loaded == []


def test_runs_at_once_in_one_folder_disturb_nobody(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", 200)
    failures: list[BaseException] = []

    def run(start: int) -> None:
        try:
            for i in range(12):
                part = paths[(start + 7 * i) % 150 :][:40]
                check(encode_cached(CountingEncoder(), part, tmp_path / "cache", workers=0), part)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(40 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check(encode_cached(CountingEncoder(), paths, tmp_path / "cache"), paths)
    assert not list((tmp_path / "cache").rglob("*.tmp"))


@pytest.mark.parametrize(
    ("count", "sizes"), [(10, [5, 5]), (11, [6, 5]), (40, [10, 10, 10, 10]), (41, [7] * 5 + [6])]
)
def test_batches_are_even_so_that_no_thread_waits_for_a_last_one(
    tmp_path: Path, count: int, sizes: list[int]
) -> None:
    seen: list[int] = []

    class Watched(CountingEncoder):
        def encode(self, items: Sequence[bytes]) -> Tensor:
            seen.append(len(items))
            return super().encode(items)

    encode_cached(Watched(), files(tmp_path / "in", count), None, batch_size=10, workers=2)
    assert sorted(seen, reverse=True) == sizes


def test_no_references_give_no_rows(tmp_path: Path) -> None:
    encoded = encode_cached(CountingEncoder(), [], tmp_path / "cache")
    assert encoded.features.shape == (0, 2)
    assert encoded.rows.shape == (0,)
    assert encoded.problems == []


def test_features_that_are_not_numbers_are_a_problem(tmp_path: Path) -> None:
    class Broken(CountingEncoder):
        def encode(self, items: Sequence[bytes]) -> Tensor:
            rows = super().encode(items)
            rows[rows[:, 0] == 1] = torch.nan
            return rows

    encoded = encode_cached(Broken(), files(tmp_path / "in", 3), tmp_path / "cache")
    assert encoded.rows.tolist() == [0, 2]
    assert "expected finite features" in encoded.problems[0][1]


def test_an_encoder_that_breaks_its_promise_is_named(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    encoder.dim = 3
    with pytest.raises(ValueError, match=r"expected counting@1 to give \(2, 3\) \(got \(2, 2\)\)"):
        encode_cached(encoder, files(tmp_path / "in", 2), None, workers=1)


def test_a_text_is_its_own_content(tmp_path: Path) -> None:
    class Lengths:
        modality, name, dim = "text", "lengths", 1

        def load(self, reference: str | Path) -> str:
            return str(reference)

        def encode(self, items: Sequence[str]) -> Tensor:
            return torch.tensor([[float(len(item))] for item in items]).reshape(-1, 1)

    texts = ["a", "bb", "a", str(tmp_path), "\ud800"]
    for _ in range(2):
        encoded = encode_cached(Lengths(), texts, tmp_path / "cache")
        assert encoded.features[:, 0].tolist() == [len(text) for text in texts]


def test_a_cache_that_cannot_be_written_is_an_error_and_leaves_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    paths = files(tmp_path / "in", 3)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        encode_cached(CountingEncoder(), paths, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_ten_thousand_rows_are_read_in_well_under_a_second(tmp_path: Path) -> None:
    class Wide:
        modality, name, dim = "text", "wide", 1280

        def load(self, reference: str | Path) -> int:
            return int(reference)

        def encode(self, items: Sequence[int]) -> Tensor:
            return torch.tensor(items, dtype=torch.float32).unsqueeze(1).expand(-1, 1280).contiguous()

    texts = [str(i) for i in range(10_000)]
    encode_cached(Wide(), texts, tmp_path, batch_size=1000)
    start = time.process_time()
    encoded = encode_cached(Wide(), texts, tmp_path)
    assert time.process_time() - start < 1.0
    assert np.array_equal(encoded.features[:, 7].numpy(), np.arange(10_000))
