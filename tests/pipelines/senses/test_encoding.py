"""Observations: what is found, missing or unreadable, each a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from encoders.base import MediaError
from kg.rdf import read
from kg.vocabulary import DEFAULT
from pipelines.senses.encoding import MediaAccess, encode_observations
from pipelines.settings import Settings

NAME = "<https://schema.org/name>"
LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


def test_a_text_under_two_predicates_is_one_observation_and_progress_reaches_all(tmp_path: Path) -> None:
    facts = f'<urn:a> {NAME} "frog" ; {LABEL} "frog" .\n<urn:b> {NAME} "frog", " " .\n'
    (tmp_path / "facts.ttl").write_text(facts)
    graph, _ = read([tmp_path / "facts.ttl"])
    told: list[tuple[str, int, int]] = []
    access = MediaAccess(tmp_path, tmp_path / "cache")
    encoded = encode_observations(
        graph, DEFAULT, Settings(), access, progress=lambda *step: told.append(step)
    )
    assert encoded.counts() == {"text": {"found": 2, "missing": 0, "unreadable": 1}}
    assert encoded.observations.owners["text"].tolist() == [0, 1]
    assert encoded.encoders == {"text": "minilm@1"}
    assert told[-1] == ("text", 3, 3)
    rows = encoded.table.to_pylist()
    assert [row["row"] for row in rows if row["status"] == "found"] == [0, 1]
    assert [row["row"] for row in rows if row["status"] != "found"] == [-1]


def test_nothing_readable_of_a_sense_leaves_the_sense_out(tmp_path: Path) -> None:
    (tmp_path / "facts.nt").write_text('<urn:a> <https://schema.org/image> "gone.png" .\n')
    graph, _ = read([tmp_path / "facts.nt"])
    access = MediaAccess(tmp_path, tmp_path / "cache")
    encoded = encode_observations(graph, DEFAULT, Settings(), access, progress=lambda *_: None)
    assert encoded.encoders == {}
    assert encoded.observations.features == {}
    assert encoded.counts() == {"image": {"found": 0, "missing": 1, "unreadable": 0}}


def test_sensor_series_are_encoded_and_a_bad_one_is_a_row_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("time,flow\n0,1\n1,2\n3,4\n")
    (tmp_path / "bad.csv").write_text("time,state\n0,on\n1,off\n")
    (tmp_path / "facts.ttl").write_text(
        "@prefix s: <http://www.w3.org/ns/sosa/> . @prefix schema: <https://schema.org/> .\n"
        '<urn:a> a s:Observation ; schema:contentUrl "good.csv", "bad.csv" .\n'
    )
    graph, _ = read([tmp_path / "facts.ttl"])
    access = MediaAccess(tmp_path, tmp_path / "cache")
    encoded = encode_observations(graph, DEFAULT, Settings(), access, progress=lambda *_: None)
    assert encoded.encoders == {"series": "convolutions@1"}
    assert encoded.observations.features["series"].shape == (1, 2048)
    assert encoded.counts() == {"series": {"found": 1, "missing": 0, "unreadable": 1}}
    problems = [row["problem"] for row in encoded.table.to_pylist() if row["problem"]]
    assert len(problems) == 1
    assert problems[0].endswith("bad.csv: expected numbers only (got 'on' in the column 'state')")


def test_remote_media_are_fetched_only_when_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.senses.encoding.fetch_remote", lambda url, folder: folder / "fetched")
    url = "https://example.org/a.png"
    with pytest.raises(MediaError, match="pass --allow-remote"):
        MediaAccess(tmp_path, tmp_path / "cache").resolve(url)
    allowed = MediaAccess(tmp_path, tmp_path / "cache", allow_remote=True)
    assert allowed.resolve(url) == tmp_path / "cache" / "remote" / "fetched"


@pytest.mark.long
def test_ray_gives_a_build_the_features_that_threads_give(collection: Any, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="ray is an extra")
    graph, _ = read([collection.turtle])
    found = {}
    for engine in ("local", "ray"):
        media = MediaAccess(collection.folder, tmp_path / engine)
        found[engine] = encode_observations(
            graph, DEFAULT, Settings(), media, progress=lambda *_: None, engine=engine
        )
    ray.shutdown()
    own, far = found["local"], found["ray"]
    assert far.table.equals(own.table)
    assert far.observations.features.keys() == {"text", "image", "audio"}
    for name, rows in own.observations.features.items():
        torch.testing.assert_close(far.observations.features[name], rows, rtol=0, atol=1e-5)
