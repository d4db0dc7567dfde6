"""Senses are pooled into unit vectors with a mask; a joint graph moves whole."""

from __future__ import annotations

import torch

from fusion.base import JointGraph, Sense, pooled, unit
from kg.diffusion import affinity
from kg.sparse import SortedEdges


def test_a_sense_is_the_direction_of_the_mean_of_an_entitys_own_observations() -> None:
    # entity 0 has one row; entity 2 has (1, 0), (1, 0) and (0, 2): their mean points to (2, 2)
    rows = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    sense = pooled(rows, torch.tensor([0, 2, 2, 2]), 4)
    expected = torch.tensor([[0.6, 0.8], [0, 0], [0.5**0.5, 0.5**0.5], [0, 0]])
    torch.testing.assert_close(sense.vectors, expected)
    assert sense.present.tolist() == [True, False, True, False]


def test_observations_that_cancel_out_are_still_present() -> None:
    sense = pooled(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0, 0]), 1)
    assert sense.vectors.tolist() == [[0, 0]]
    assert sense.present.tolist() == [True]


def test_a_modality_without_observations_is_a_sense_that_nobody_has() -> None:
    sense = pooled(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 2)
    assert sense.vectors.tolist() == [[0, 0, 0]] * 2
    assert not sense.present.any()


def test_unit_scales_rows_to_length_one_and_leaves_zeros() -> None:
    rows = unit(torch.tensor([[3.0, -4.0], [0.0, 0.0], [1e-6, 0.0]]))
    torch.testing.assert_close(rows, torch.tensor([[0.6, -0.8], [0, 0], [1, 0]]))


def test_unit_of_a_zero_row_passes_a_finite_gradient() -> None:
    rows = torch.zeros(1, 3, requires_grad=True)
    unit(rows).sum().backward()
    assert rows.grad is not None
    assert bool(rows.grad.isfinite().all())


def test_a_hidden_sense_is_neither_present_nor_readable() -> None:
    sense = Sense(torch.eye(3), torch.tensor([True, True, False]))
    hidden = sense.hidden_where(torch.tensor([False, True, False]))
    assert hidden.vectors.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert hidden.present.tolist() == [True, False, False]
    assert sense.vectors.tolist() == torch.eye(3).tolist()


def test_rows_of_a_sense_keep_their_masks() -> None:
    sense = Sense(torch.eye(3), torch.tensor([True, True, False]))
    chosen = sense[torch.tensor([2, 0, 0])]
    assert chosen.vectors.tolist() == [[0, 0, 1], [1, 0, 0], [1, 0, 0]]
    assert chosen.present.tolist() == [False, True, True]


def test_an_absent_sense_has_the_width_of_its_model_and_nobody() -> None:
    absent = Sense.absent(Sense(torch.ones(2, 5), torch.ones(2, dtype=torch.bool)), 3)
    assert absent.vectors.tolist() == [[0] * 5] * 3
    assert absent.present.tolist() == [False] * 3


def test_a_joint_graph_moves_with_all_it_holds() -> None:
    edge_index = torch.tensor([[0, 1], [1, 0]])
    edges = SortedEdges.of(edge_index, torch.tensor([0, 1]), 2, 2)
    near = affinity(edge_index[:, :1], torch.ones(1), 2)
    graph = JointGraph(2, {"text": torch.eye(2)}, {"text": torch.arange(2)}, edges, torch.zeros(2), near)
    moved = graph.to("meta")
    tensors = [moved.features["text"], moved.owners["text"], moved.log_weight, moved.edges.edge_index]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert {getattr(moved.edges, name).device.type for name in ("edge_type", "order")} == {"meta"}
    assert moved.edges.pairs.column.device.type == "meta"
    assert moved.affinity is not None
    assert moved.affinity.device.type == "meta"
    assert JointGraph(2, {}, {}, edges, torch.zeros(2), None).to("meta").affinity is None
