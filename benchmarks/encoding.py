"""Encoding pictures: the whole road from files to cached rows, against the bare network on ready tensors.

python -m benchmarks.encoding [--quick] [--pictures DIR]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.measure import Row, faster, in_turn, parser, report, seconds
from encoders import Encoder, encode_cached, make_encoder

BATCH = 32  # encode_cached's own
SHARE, TIMES = 0.85, 30.0  # of the bare rate; a rerun against the first run
SUFFIXES = (".jpg", ".jpeg", ".png")


def draw(folder: Path, count: int) -> None:
    """Pictures of 500 x 400: of four, three JPEGs as soft and noisy as photos, one PNG of flat colours."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (12, 15, 3), dtype=np.uint8))
        if number % 4 == 0:
            coarse.resize((500, 400), Image.Resampling.NEAREST).save(folder / f"{number:04}.png")
            continue
        soft = np.asarray(coarse.resize((500, 400), Image.Resampling.BICUBIC), dtype=np.float32)
        noisy = (soft + random.normal(0, 6, soft.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:04}.jpg", quality=88)


def on_each_core(encoder: Encoder, items: Sequence[Tensor]) -> None:
    """The bare network with a batch on each core."""
    cores = torch.get_num_threads()
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(encoder.encode, batches))
    torch.set_num_threads(cores)


def on_all_cores(encoder: Encoder, items: Sequence[Tensor]) -> None:
    """The bare network with all cores on each batch."""
    for start in range(0, len(items), BATCH):
        encoder.encode(items[start : start + BATCH])


def compare(files: Sequence[Path], folder: Path, repeats: int, what: str) -> tuple[list[Row], dict[str, Any]]:
    """Measure the two claims on one set of files; the faster of the two bare ways is the rival."""
    encoder = make_encoder("image")
    items: list[Tensor] = [encoder.load(file) for file in files]

    def first() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        encode_cached(encoder, files, folder, batch_size=BATCH)

    ways: dict[str, Callable[[], None]] = {
        "a batch on each core": partial(on_each_core, encoder, items),
        "all cores on each batch": partial(on_all_cores, encoder, items),
    }
    for way in ways.values():
        way()  # not counted
    bare = {name: seconds(way) for name, way in ways.items()}
    road, alone = in_turn(first, ways[min(bare, key=bare.__getitem__)], repeats)
    again, _ = in_turn(partial(encode_cached, encoder, files, folder, batch_size=BATCH), list, repeats)
    rows = [
        _rate(
            f"encode {what}: files to cached rows, against ready tensors",
            len(files) / road,
            len(files) / alone,
        ),
        faster(f"encode {what}: a rerun with the cache, against the first run", again, road, TIMES),
    ]
    size = sum(file.stat().st_size for file in files)
    return rows, {"pictures": len(files), "bytes": size, "bare, s": bare, "load, s": _loading(encoder, files)}


def _rate(benchmark: str, ours: float, rival: float) -> Row:
    ratio = ours / rival
    return Row(benchmark, "pictures/s", ours, rival, ratio, f"ours / rival >= {SHARE:g}", ratio >= SHARE)


def _loading(encoder: Encoder, files: Sequence[Path]) -> float:
    """Time to read and decode all on one core, s."""
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    spent = seconds(lambda: [encoder.load(file) for file in files])
    torch.set_num_threads(cores)
    return spent


def main() -> int:
    """Parse, measure, report."""
    flags = parser("Encoding pictures against the bare network.")
    flags.add_argument("--pictures", type=Path, help="a folder of photos to measure with as well")
    asked: argparse.Namespace = flags.parse_args()
    count, repeats = (64, 2) if asked.quick else (320, asked.repeats)
    rows, details = [], {}
    with tempfile.TemporaryDirectory() as place:
        drawn = Path(place) / "pictures"
        drawn.mkdir()
        draw(drawn, count)
        sets = {"pictures of 500 x 400": sorted(drawn.iterdir())}
        if asked.pictures is not None:
            found = sorted(p for p in asked.pictures.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not found:
                raise SystemExit(f"expected a folder with JPEG or PNG files (got none in {asked.pictures})")
            sets["photos"] = found[:: max(1, len(found) // count)][:count]  # from the whole folder
        for what, files in sets.items():
            measured, details[what] = compare(files, Path(place) / "cache", repeats, what)
            rows += measured
    return report("encoding", rows, quick=asked.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
