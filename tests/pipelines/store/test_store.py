"""A store: its parts fit together."""

from __future__ import annotations

from pathlib import Path

import torch

from pipelines.store.store import Store, package_versions


def test_the_parts_of_a_store_fit_together(store_folder: Path) -> None:
    store = Store.open(store_folder)
    size = store.graph.num_entities
    assert store.tensors["joint"].shape[0] == size
    assert torch.allclose(store.tensors["joint"].norm(dim=1), torch.ones(size), atol=1e-5)
    assert len(store.facts) == len(store.graph.triples) + len(store.graph.literals) + len(store.graph.media)
    for modality, rows in store.observations.features.items():
        found = store.manifest["counts"]["observations"][modality]["found"]
        assert len(rows) == len(store.observations.owners[modality]) == found
    assert store.manifest["packages"] == package_versions()
    assert store.settings.as_json() == store.manifest["settings"]
