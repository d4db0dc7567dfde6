"""What the fusions share, on the spaces of the senses."""

from __future__ import annotations

import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fusion import senses
from fusion.base import STRUCTURE, JointGraph, Sense, View
from fusion.concat import Concatenation
from fusion.senses import FEW, SenseFusion, Spectrum
from kg.sparse import SortedEdges


def graph_of(rows: torch.Tensor) -> JointGraph:
    """Entities with one picture each and no fact."""
    none = torch.empty(2, 0, dtype=torch.int64)
    edges = SortedEdges.of(none, none[0], len(rows), 1)
    owners = {"image": torch.arange(len(rows))}
    return JointGraph(len(rows), {"image": rows}, owners, edges, torch.empty(0), None)


def whitened(model: SenseFusion, graph: JointGraph, label: torch.Tensor, shrinkage: float = 0.1) -> None:
    """Fit the spaces to all entities, and whiten them by their classes."""
    model.fit_senses(graph, torch.ones(graph.num_entities, dtype=torch.bool))
    bases = model.bases()
    model.whiten(model.within_classes(graph, label, bases), bases, shrinkage)


def test_classes_scale_down_what_varies_within_them() -> None:
    torch.manual_seed(0)
    label = torch.arange(4 * FEW) % 2
    rows = torch.randn(4 * FEW, 3) * torch.tensor([0.1, 5.0, 1.0])
    rows[:, 0] += label
    graph = graph_of(rows)
    plain, told = (Concatenation({"image": 3}, 1) for _ in range(2))
    everyone = torch.ones(len(rows), dtype=torch.bool)
    plain.fit_senses(graph, everyone)
    whitened(told, graph, label)
    right = []
    for model in (plain, told):
        vectors = model.project("image", rows)
        means = torch.stack([vectors[label == k].mean(0) for k in (0, 1)])
        right.append(float((torch.cdist(vectors, means).argmin(1) == label).float().mean()))
    # the first column tells the classes, and is the quietest
    assert right[0] < 0.75 < 0.95 < right[1]


def test_nearest_class_means_in_the_whitened_space_are_discriminant_analysis() -> None:
    torch.manual_seed(1)
    label = torch.arange(6 * FEW) % 3
    rows = torch.randn(6 * FEW, 4) @ torch.randn(4, 4) + torch.randn(3, 4)[label]
    model = Concatenation({"image": 4}, 1)
    whitened(model, graph_of(rows), label)
    white = (rows - model.mean_image) @ model.basis_image
    means = torch.stack([white[label == k].mean(0) for k in range(3)])
    found = torch.cdist(white, means).argmin(1)
    oracle = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=[1 / 3] * 3)
    expected = oracle.fit(rows.numpy(), label.numpy()).predict(rows.numpy())
    # scikit-learn scales each column first, so the shrinkage differs by a little
    assert (found.numpy() == expected).mean() > 0.97


def test_whitening_is_the_inverse_root_of_the_shrunk_covariance_within_classes() -> None:
    torch.manual_seed(2)
    label = torch.arange(40) % 4
    rows = torch.randn(40, 3, dtype=torch.float64) + 3 * label.unsqueeze(1)
    within = torch.cat([rows[label == k] - rows[label == k].mean(0) for k in range(4)])
    covariance = within.t() @ within / 39
    shrunk = 0.7 * covariance + 0.3 * covariance.diagonal().mean() * torch.eye(3, dtype=torch.float64)
    white = Spectrum.within(rows, label).whitening(0.3)
    torch.testing.assert_close(white @ shrunk @ white, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(white, white.t())


def test_a_sense_of_which_few_observations_have_a_class_is_not_whitened() -> None:
    rows = torch.randn(2 * FEW, 3)
    label = torch.full((len(rows),), -1)
    label[: FEW - 1] = 0
    plain, model = (Concatenation({"image": 3}, 1) for _ in range(2))
    plain.fit_senses(graph_of(rows), torch.ones(len(rows), dtype=torch.bool))
    whitened(model, graph_of(rows), label)
    torch.testing.assert_close(model.basis_image, plain.basis_image)


def test_of_very_many_observations_some_tell_mean_and_components(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(4 * FEW, 3)
    monkeypatch.setattr(senses, "MANY", 2 * FEW)
    sampled, plain = (Concatenation({"image": 3}, 1) for _ in range(2))
    sampled.fit_senses(graph_of(rows), torch.ones(len(rows), dtype=torch.bool))
    plain.fit_senses(graph_of(rows[::2]), torch.ones(2 * FEW, dtype=torch.bool))
    torch.testing.assert_close(sampled.mean_image, plain.mean_image)
    torch.testing.assert_close(sampled.basis_image, plain.basis_image)


def test_senses_stand_side_by_side_with_zeros_for_what_is_missing() -> None:
    model = Concatenation({"image": 2, "text": 3}, 1, structure_width=1)
    view = View({"text": Sense(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([True]))})
    assert model.side_by_side(view).tolist() == [[0, 0, 1, 2, 3, 0]]
    assert model.blocks() == {"image": slice(0, 2), "text": slice(2, 5), STRUCTURE: slice(5, 6)}


def test_a_fusion_made_for_structure_refuses_to_do_without() -> None:
    model = Concatenation({"image": 3}, 1, structure_width=4)
    with pytest.raises(ValueError, match=r"expected structure vectors of width 4 \(got none\)"):
        model.observe(graph_of(torch.eye(3)), None)
