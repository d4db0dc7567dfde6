"""What can be shown of a store: its texts, its files inside the media root, and why one is not to be had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.search.exhibit import Exhibit
from pipelines.search.retrieval import Searcher
from pipelines.store.store import Store

if TYPE_CHECKING:
    from pipelines.search.exhibit import Observed


def named(found: list[Observed]) -> dict[str, Observed]:
    return {one.modality: one for one in found}


def test_a_store_says_where_its_media_were(store_folder: Path, collection: Any) -> None:
    assert Store.open(store_folder).media_root == collection.folder


def test_observations_are_the_texts_and_files_that_the_data_names(
    searcher: Searcher, collection: Any
) -> None:
    found = named(searcher.exhibit.observations(collection.iri("wolf0")))
    assert set(found) == {"text", "image", "audio"}
    assert found["text"].reference == "A howling wolf"
    assert found["image"].path == collection.picture("wolf0").resolve()
    assert found["audio"].path == collection.sound("wolf0").resolve()
    assert searcher.exhibit.observations("urn:nobody") == []


def test_an_observation_is_found_by_the_row_of_its_features(searcher: Searcher) -> None:
    store = searcher.store
    for modality, owners in store.observations.owners.items():
        for row, owner in enumerate(owners.tolist()):
            iri = store.graph.entities[owner].as_py()
            observed = searcher.exhibit.observation(modality, row)
            assert observed.row == row
            assert observed in searcher.exhibit.observations(iri)
    with pytest.raises(ValueError, match=r"expected the row of an observation by image \(got 999\)"):
        searcher.exhibit.observation("image", 999)


def test_labels_are_those_of_the_data_and_what_is_no_entity_is_shown_as_it_is(
    searcher: Searcher, collection: Any
) -> None:
    assert searcher.exhibit.label(collection.iri("cat0")) == "A sleeping cat"
    assert searcher.exhibit.label("urn:nobody") == "urn:nobody"


def test_a_file_that_is_gone_or_whose_place_nobody_knows_has_a_reason(
    store_folder: Path, collection: Any, tmp_path: Path
) -> None:
    moved = Searcher.open(store_folder, media_root=tmp_path)
    gone = named(moved.exhibit.observations(collection.iri("wolf0")))["image"]
    assert gone.path is None
    assert gone.problem is not None
    assert "expected a file in" in gone.problem
    older = tmp_path / "store"
    shutil.copytree(store_folder, older)
    manifest = json.loads((older / "manifest.json").read_text())
    del manifest["media_root"]
    (older / "manifest.json").write_text(json.dumps(manifest))
    unknown = named(Searcher.open(older).exhibit.observations(collection.iri("wolf0")))["image"]
    assert (unknown.path, unknown.problem) == (None, "the store does not say where its media are")


def test_media_that_moved_are_found_in_another_media_root(
    store_folder: Path, collection: Any, tmp_path: Path
) -> None:
    shutil.copytree(collection.folder / "media", tmp_path / "moved" / "media")
    moved = Searcher.open(store_folder, media_root=tmp_path / "moved")
    found = named(moved.exhibit.observations(collection.iri("wolf0")))["image"]
    assert found.path == tmp_path / "moved" / "media" / "wolf0.png"


def test_references_that_rdf_made_absolute_move_with_the_media_root(tmp_path: Path) -> None:
    built, now = tmp_path / "built", tmp_path / "now here"
    now.mkdir()
    (now / "a b.png").touch()
    observed = pa.table(
        {
            "modality": ["image", "image"],
            "entity": [0, 0],
            "reference": [f"{built.as_uri()}/a%20b.png", "file:///elsewhere/a%20b.png"],
            "status": ["found", "found"],
            "problem": pa.array([None, None], pa.string()),
            "row": [0, 1],
        }
    )
    graph = SimpleNamespace(entity_ids=lambda iris: np.zeros(1, dtype=np.int64))
    store: Any = SimpleNamespace(graph=graph, observed=observed, media_root=built)
    found, strange = Exhibit(store, ["a"], now).observations("urn:a")
    assert (found.path, found.name) == (now / "a b.png", "a b.png")
    assert strange.path is None


def test_a_file_outside_the_media_root_is_not_shown(store_folder: Path, collection: Any) -> None:
    inner = Searcher.open(store_folder, media_root=collection.folder / "media")
    # the data names media/wolf0.png, which inside media/ is media/media/wolf0.png
    assert named(inner.exhibit.observations(collection.iri("wolf0")))["image"].path is None
