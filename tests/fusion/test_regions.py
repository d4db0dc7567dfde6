"""A class's logit is shared out among the cells of a picture, whole and by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from fusion import FUSIONS
from fusion.base import JointGraph, Sense, View, pooled
from fusion.label import LabelModel
from fusion.regions import enlarged, shares, smoothed
from kg.sparse import SortedEdges


def toy(logits: Callable[[Tensor], Tensor], mean: float = 0.0) -> Any:
    """A model whose space is that of the features less a mean, with logits of the picture alone."""
    fusion = SimpleNamespace(reduced=lambda name, features: features - mean)
    return SimpleNamespace(
        fusion=fusion, logits=lambda view, memory, known: logits(view.senses["image"].vectors)
    )


def a_view() -> View:
    return View({"image": Sense(torch.zeros(1, 2), torch.tensor([True]))})


def test_a_linear_logit_falls_apart_as_one_works_it_out_by_hand() -> None:
    # the cells' mean is (3, 4) of length 5, so its row is (.6, .8); four cells of a share of 1/20 each
    cells = torch.tensor([[[[12.0, 0.0], [0.0, 16.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    model = toy(lambda rows: rows)  # class 0 above the mean of both: (x - y) / 2
    found = shares(model, None, a_view(), "image", cells, 0)
    torch.testing.assert_close(found, torch.tensor([[[0.3, -0.4], [0.0, 0.0]]]))
    opposite = shares(model, None, a_view(), "image", cells, 1)
    torch.testing.assert_close(opposite, -found)


def test_a_cell_like_the_mean_of_all_pictures_says_nothing() -> None:
    # row (.6, .8) less the mean (.5, .5): one cell is the mean at the picture's own length of 5
    cells = torch.tensor([[[[2.5, 2.5], [3.5, 5.5]]]])
    found = shares(toy(lambda rows: rows, mean=0.5), None, a_view(), "image", cells, 1)
    assert found[0, 0, 0].abs() < 1e-6
    assert found[0, 0, 1] > 0


def test_the_shares_of_all_pictures_sum_up_to_what_they_add_where_the_model_is_bent() -> None:
    torch.manual_seed(0)
    cells = torch.rand(3, 2, 2, 2)
    rows = torch.nn.functional.normalize(cells.mean((1, 2)), dim=1)
    whole = pooled(rows, torch.zeros(3, dtype=torch.int64), 1).vectors

    def bent(vectors: Tensor) -> Tensor:
        return torch.stack([3 * vectors[:, 0] ** 2, vectors.prod(1), vectors[:, 1].exp()], dim=1)

    found = shares(toy(bent), None, a_view(), "image", cells, 0)
    above = [float(bent(at)[0, 0] - bent(at).mean()) for at in (whole, torch.zeros(1, 2))]
    assert found.sum() == pytest.approx(above[0] - above[1], abs=1e-3)


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_every_fusion_finds_the_cell_that_was_planted(fusion: str) -> None:
    torch.manual_seed(0)
    size, classes = 40, 3
    # a class is one direction; its examples are that direction and noise
    label = torch.arange(12) % classes
    rows = torch.nn.functional.normalize(torch.eye(size)[label] + 0.05 * torch.randn(12, size), dim=1)

    nobody = torch.empty(0, dtype=torch.int64)
    edges = SortedEdges.of(torch.empty(2, 0, dtype=torch.int64), nobody, 12, 1)
    graph = JointGraph(12, {"image": rows}, {"image": torch.arange(12)}, edges, torch.empty(0), None)
    examples = torch.stack([torch.arange(9), label[:9]])
    everyone, literals = torch.ones(12, dtype=torch.bool), torch.full((classes,), -1)
    model = LabelModel(FUSIONS[fusion]({"image": size}, 1), everyone, literals, examples, 1).eval()
    with torch.no_grad():
        memory = model.remember(graph)
    cells = 0.1 * torch.rand(1, 3, 3, size)
    cells[0, 1, 2, 1] += 3  # the direction of class 1
    cells[0, 0, 0, 0] += 2  # and that of another
    view = model.view(memory.senses, None, torch.tensor([10]))
    found = shares(model, memory, view, "image", cells, 1)
    assert int(found.argmax()) == 5
    assert int(found.argmin()) == 0
    assert not [one for one in model.parameters() if one.grad is not None]


def test_several_entities_at_once_are_refused() -> None:
    two = View({"image": Sense(torch.zeros(2, 2), torch.tensor([True, True]))})
    with pytest.raises(ValueError, match=r"expected a view of one entity \(got 2\)"):
        shares(toy(lambda rows: rows), None, two, "image", torch.ones(1, 2, 2, 2), 0)


def test_a_cell_is_smoothed_over_the_neighbours_that_are_there() -> None:
    # along a line, the end weighs itself 2/3 and its one neighbour 1/3; a cell inside 1/4, 1/2, 1/4
    maps = torch.zeros(1, 4, 4)
    maps[0, 0, 0] = 144.0
    expected = torch.tensor([[64.0, 24.0, 0, 0], [24.0, 9.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(smoothed(maps)[0], expected)
    torch.testing.assert_close(smoothed(torch.full((2, 7, 7), 3.0)), torch.full((2, 7, 7), 3.0))


def test_a_single_cell_that_stands_out_stays_the_greatest_wherever_it_is() -> None:
    maps = torch.eye(49).view(49, 7, 7)
    assert smoothed(maps).flatten(1).argmax(1).tolist() == list(range(49))


def test_a_peak_may_lie_between_cells_and_a_flat_map_stays_flat() -> None:
    large = enlarged(torch.tensor([[[0.0, 1.0, 1.0, 0.0]] * 4]), 64)[0]
    assert int(large[32].argmax()) in (31, 32)
    torch.testing.assert_close(enlarged(torch.full((1, 7, 7), 2.0), 64), torch.full((1, 64, 64), 2.0))
