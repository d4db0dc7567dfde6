"""A target's model as a store keeps it, and as older stores kept it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pipelines.building.build import build
from pipelines.labels.store import Kept
from pipelines.settings import Settings
from pipelines.store.store import Store

ABOUT = "https://schema.org/about"
NEW = ("kept", "prototypes.without")


def test_an_older_store_trusts_its_senses_as_it_did(collection, settings: Settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    small = replace(settings, target=(ABOUT,), epochs=1, label_width=16)
    build([collection.turtle], tmp_path / "store", settings=small, device="cpu")
    store = Store.open(tmp_path / "store")
    kept = Kept.load(store.folder / "labels", 0)
    older = {name: tensor for name, tensor in kept.tensors.items() if name not in NEW}
    for name in ("gain", "spread"):
        older[f"prototypes.{name}"] = older[f"prototypes.{name}"][:-1]  # the last is by the facts
    everyone, count = np.arange(store.graph.num_entities), store.graph.num_entities
    today, then = (
        one.labeller(store.settings, everyone, count) for one in (kept, replace(kept, tensors=older))
    )
    names = list(then.prototypes.names)
    assert then.kept.tolist() == [1.0] * len(then.fusion.senses)
    assert not then.prototypes.without.any()
    assert then.prototypes.gain[names.index("structure")].item() == float("-inf")
    torch.testing.assert_close(then.prototypes.gain[:-1], today.prototypes.gain[:-1])
    torch.testing.assert_close(then.fusion.state_dict(), today.fusion.state_dict())
