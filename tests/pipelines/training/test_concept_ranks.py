"""What alignment is tested on stays out of what is trained, and is opened once for all arms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store
from pipelines.training.alignment import held_out_scores
from pipelines.training.concept_ranks import NO_GRAPH, Arm, learnable, rank_test_part, without_graph
from pipelines.training.train import concept_split


def test_training_is_given_no_observation_of_the_test_and_all_of_the_others(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    split = concept_split(store.graph, store.observations, store.settings)
    given = learnable(joint, split)
    for name, owners in joint.owners.items():
        kept = ~np.isin(owners.numpy(), split.test)
        assert not kept.all()
        assert torch.equal(given.owners[name], owners[torch.from_numpy(kept)])
        assert torch.equal(given.features[name], joint.features[name][torch.from_numpy(kept)])


def test_the_rows_are_those_of_each_arm_and_the_record_what_was_chosen_for_all(store_folder: Path) -> None:
    store = Store.open(store_folder)
    joint = joint_graph(store.graph, store.observations, store.settings)
    split = concept_split(store.graph, store.observations, store.settings)
    structure = store.tensors["structure"]
    bare = without_graph(store.graph, store.observations, split, store.settings, "cpu", lambda *_: None)
    found = rank_test_part(
        store.graph, {"": Arm(store.model, bare.history, joint, structure), NO_GRAPH: bare}, split
    )
    rows = {name: one.row() for name, one in found.ranked.items()}
    expected = held_out_scores(store.model, joint, structure, split)
    assert {name: row for name, row in rows.items() if not name.endswith(NO_GRAPH)} == expected
    assert rows.keys() == {name + end for name in expected for end in ("", NO_GRAPH)}
    assert found.opened["chosen_by_validation"] == {
        name: bare.history.chosen() for name in ("alignment", "alignment, no graph")
    }
    assert rows["text to image, no graph"] == store.metrics["held_out"]["text to image, no graph"]
