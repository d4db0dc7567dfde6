"""What a store keeps to complete its graph comes back whole, and damage is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.store.store import Store, StoreError
from pipelines.training.completion import FILES, LearnedCompletion
from pipelines.training.sense_links import Observed


def test_it_comes_back_from_its_files(store_folder: Path, tmp_path: Path) -> None:
    store = Store.open(store_folder)
    learned = store.completion
    learned.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    seen = Observed.of(store.graph.num_entities, store.observations.features, store.observations.owners)
    back = LearnedCompletion.load(tmp_path, store.graph.triples, seen)
    asked = torch.arange(5), torch.zeros(5, dtype=torch.int64)
    torch.testing.assert_close(back.completion.scores(*asked), learned.completion.scores(*asked))
    assert (back.completion.blend, back.platt) == (learned.completion.blend, learned.platt)
    np.testing.assert_array_equal(back.rejected, learned.rejected)


def test_the_build_scores_it_on_held_out_facts(store_folder: Path) -> None:
    scores = Store.open(store_folder).metrics["held_out"]
    alone, blended = (scores[f"{scorer} (filtered, both directions)"] for scorer in ("links", "completion"))
    assert blended["queries"] == alone["queries"] > 0


def test_a_damaged_file_is_one_sentence(store_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(store_folder, folder)
    (folder / "rules.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"expected a whole store .* \(completion is damaged: "):
        _ = Store.open(folder).completion
