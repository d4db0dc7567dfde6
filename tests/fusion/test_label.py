"""The label model: what is hidden is not used, classes need not be entities, facts tell of classes."""

from __future__ import annotations

from dataclasses import replace

import torch

from fusion.attention import CrossModalAttention
from fusion.base import CONTEXT, STRUCTURE, JointGraph, Sense
from fusion.concat import Concatenation
from fusion.label import LabelModel, disturbed, evidence_groups
from kg.diffusion import affinity
from kg.sparse import SortedEdges

# entities 0..3 have a picture each, 4 and 5 are classes with a text each, 6 is above both
FACTS = torch.tensor([[4, 6], [5, 6]])


def graph() -> JointGraph:
    torch.manual_seed(0)
    head, tail = FACTS.unbind(1)
    kind = torch.zeros(2, dtype=torch.int64)
    index = torch.stack([torch.cat([head, tail]), torch.cat([tail, head])])
    edges = SortedEdges.of(index, torch.cat([kind, kind + 1]), 7, 2)
    features = {"image": torch.eye(4), "text": torch.eye(3)[:2]}
    owners = {"image": torch.arange(4), "text": torch.tensor([4, 5])}
    near = affinity(FACTS.t(), torch.ones(2), 7)
    return JointGraph(7, features, owners, edges, torch.zeros(4), near)


def model(*, literal: bool = False, structure_width: int = 4) -> LabelModel:
    torch.manual_seed(0)
    fusion = CrossModalAttention({"image": 4, "text": 3}, 2, structure_width=structure_width)
    for name, size in (("image", 4), ("text", 3)):
        getattr(fusion, f"basis_{name}").copy_(torch.eye(size))
    candidates = torch.arange(7) < 4
    classes = torch.tensor([-1, -1]) if literal else torch.tensor([4, 5])
    examples = torch.tensor([[0, 1, 2], [0, 0, 1]])
    return LabelModel(fusion, candidates, classes, examples, 2, structure_width=structure_width).eval()


def test_before_training_the_rows_of_the_classes_decide() -> None:
    labels, joint = model(), graph()
    memory = labels.remember(joint)
    view = labels.view(memory.senses, joint.affinity, torch.tensor([0, 2]))
    torch.testing.assert_close(labels.logits(view, memory), labels.likeness(view, memory))
    assert labels(joint, torch.tensor([0, 1, 2])).argmax(1).tolist() == [0, 0, 1]


def test_literal_classes_have_no_senses_and_no_kin() -> None:
    rows = model(literal=True).remember(graph()).rows["image"]
    assert not any(told.any() for told in rows.told.values())


def test_what_is_hidden_changes_nothing_and_takes_the_diffusion_with_the_facts() -> None:
    labels, joint = model(), graph()
    memory = labels.remember(joint)
    rows = torch.tensor([0, 1])
    hidden = {"image": torch.tensor([True, False]), STRUCTURE: torch.tensor([False, True])}
    view = labels.view(memory.senses, joint.affinity, rows, hidden)
    assert view.senses["image"].present.tolist() == [False, True]
    assert not view.senses["image"].vectors[0].any()
    assert view.affinity is not None
    near = view.affinity.at(torch.arange(joint.num_entities))
    assert near[0].any()
    assert not near[1].any()
    whole = labels.view(memory.senses, joint.affinity, rows)
    assert whole.senses["image"].vectors[0].any()  # the memory is as it was


def test_without_a_learned_absent_state_zeros_stand_for_what_is_missing_but_not_of_the_classes() -> None:
    labels, joint = model(), graph()
    labels.imputed = True
    memory = labels.remember(joint)
    rows = torch.tensor([0, 4])  # one with a picture, one with a text
    view = labels.view(memory.senses, joint.affinity, rows)
    assert view.senses["image"].present.all()
    assert view.senses["image"].vectors[1].tolist() == [0, 0, 0, 0]
    assert memory.rows["text"].count.tolist() == [2, 1]  # pictures' texts, all zeros, count as examples
    assert memory.rows["image"].worth["own"].tolist() == [0, 0]
    noisy = disturbed(view.senses["image"], 0.5)
    assert noisy.vectors[1].tolist() == [0, 0, 0, 0]


def test_a_fusion_that_sees_no_facts_is_shown_none() -> None:
    fusion = Concatenation({"image": 4, "text": 3}, 2)
    labels = LabelModel(fusion, torch.arange(7) < 4, torch.tensor([4, 5]), torch.tensor([[0, 2], [0, 1]]), 2)
    joint = graph()
    memory = labels.remember(joint)
    assert labels.view(memory.senses, joint.affinity, torch.tensor([0])).affinity is None
    assert not memory.rows["joint"].share.any()


def test_a_candidate_has_no_row_of_structure_of_its_own() -> None:
    labels, joint = model(), graph()
    before = labels.remember(joint).senses[STRUCTURE].vectors
    with torch.no_grad():
        assert labels.structure is not None
        labels.structure.rows[:4] += 1
    torch.testing.assert_close(labels.remember(joint).senses[STRUCTURE].vectors, before)


def test_sources_of_evidence_are_the_modalities_and_the_facts_together() -> None:
    some = Sense(torch.zeros(1, 1), torch.ones(1, dtype=torch.bool))
    senses = dict.fromkeys(("text", "image", CONTEXT + "text", STRUCTURE), some)
    assert evidence_groups(senses) == {
        "text": ("text",),
        "image": ("image",),
        "graph": (CONTEXT + "text", STRUCTURE),
    }


def test_noise_keeps_the_length_and_what_is_absent() -> None:
    torch.manual_seed(0)
    sense = Sense(torch.eye(2, 64), torch.tensor([True, False]))
    sense = sense.hidden_where(torch.tensor([False, True]))
    moved = disturbed(sense, 0.5)
    torch.testing.assert_close(moved.vectors.norm(dim=1), torch.tensor([1.0, 0.0]))
    cosine = float(moved.vectors[0, 0])
    assert abs(cosine - 1 / (1 + 0.25) ** 0.5) < 0.1  # noise of length a half, at right angles to it


def test_who_is_an_example_counts_as_one_and_of_two_classes_half_in_each() -> None:
    labels = model(literal=True)
    labels.examples = torch.tensor([[0, 2, 2, 1], [0, 0, 1, 1]])
    found = labels.counted(torch.tensor([2, 3, 0, 2]))
    assert found.tolist() == [[0.5, 0.5], [0.0, 0.0], [1.0, 0.0], [0.5, 0.5]]
    assert labels.counted(torch.tensor([], dtype=torch.int64)).shape == (0, 2)


def test_by_the_facts_an_entity_is_as_near_to_a_class_as_to_its_nearest_other_example() -> None:
    labels, joint = model(), graph()
    near = torch.zeros(7, 7)
    near[0, :4] = torch.tensor([1.0, 0.3, 0.6, 0.9])
    joint = replace(joint, affinity=near.to_sparse_csr())
    memory = labels.remember(joint)
    rows = torch.tensor([0, 3])
    found = labels.near(labels.view(memory.senses, joint.affinity, rows), memory)[STRUCTURE]
    # 0 and 1 are examples of one class, 2 of the other, 3 of none; 0 is not its own
    torch.testing.assert_close(found.product, torch.tensor([[0.3, 0.6], [0.0, 0.0]]))
    assert found.present.tolist() == [True, False]
    hidden = {STRUCTURE: torch.tensor([True, True])}
    gone = labels.near(labels.view(memory.senses, joint.affinity, rows, hidden), memory)[STRUCTURE]
    assert not gone.present.any()
    assert STRUCTURE not in model(structure_width=0).near(labels.view(memory.senses, None, rows), memory)


def test_of_the_learned_term_a_share_is_kept_for_each_sense_that_is_missing() -> None:
    labels, joint = model(), graph()
    with torch.no_grad():
        labels.free.normal_()
    memory = labels.remember(joint)
    view = labels.view(memory.senses, joint.affinity, torch.tensor([0]))
    lacking = [name for name in labels.fusion.senses if not view.senses[name].present.any()]
    assert lacking == ["text", STRUCTURE]
    whole = labels.learned(view, memory)
    for name, share in (("image", 0.0), ("text", 0.5), (STRUCTURE, 0.25)):
        labels.kept[labels.fusion.senses.index(name)] = share
    assert whole.any()
    torch.testing.assert_close(labels.learned(view, memory), 0.125 * whole)
