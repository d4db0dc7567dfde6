"""Event files against TensorBoard's own reader."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from pipelines.training.event_file import write_events


def test_tensorboard_reads_every_figure_back(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, on import
        pytest.importorskip("tensorboard")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    steps = [(1, {"links/loss": 2.5}), (2, {"links/loss": 1.5, "ü/loss": -0.125}), (300, {"links/loss": 0.0})]
    write_events(tmp_path / "events.out.tfevents.0.x", steps)
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    assert sorted(reader.Tags()["scalars"]) == ["links/loss", "ü/loss"]
    assert [(one.step, one.value) for one in reader.Scalars("links/loss")] == [(1, 2.5), (2, 1.5), (300, 0.0)]
    assert [(one.step, one.value, one.wall_time) for one in reader.Scalars("ü/loss")] == [(2, -0.125, 2.0)]


def test_a_record_is_as_the_format_says(tmp_path: Path) -> None:
    write_events(tmp_path / "a", [])
    # length 24, its checksum, wall time 0, the version, and the checksum of both, as TensorFlow writes them
    body = b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2"
    written = (tmp_path / "a").read_bytes()
    assert written[:8] == b"\x18" + bytes(7)
    assert written[8:12] == bytes.fromhex("a37f4b22")
    assert written[12:-4] == body
