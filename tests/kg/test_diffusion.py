"""The diffusion against dense personalised PageRank, by hand, by numpy and by networkx."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from kg.diffusion import FLOOR, affinity

# a square with a diagonal and a tail, 4 and 5 in a corner of their own
EDGES = [(0, 1), (2, 1), (2, 3), (3, 0), (0, 2), (4, 5)]
WEIGHTS = [1.0, 0.5, 0.25, 1.0, 0.8, 0.3]


def edges_of(pairs: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(pairs, dtype=torch.int64).view(-1, 2).t()


def relative_nearness(matrix: Tensor) -> NDArray[np.float64]:
    """Undo the logarithmic scale; what was left out reads as `FLOOR`."""
    return np.asarray(FLOOR ** (1 - matrix.to_dense().double().numpy()))


def visits_by_inversion(
    pairs: list[tuple[int, int]], weights: list[float], size: int, damping: float
) -> NDArray[np.float64]:
    """Dense personalised PageRank: row i holds where the walk that restarts at i is."""
    adjacency = np.zeros((size, size))
    for (one, other), weight in zip(pairs, weights, strict=True):
        adjacency[one, other] += weight
        adjacency[other, one] += weight
    degree = adjacency.sum(1)
    step = adjacency / np.where(degree > 0, degree, 1)[:, None]
    visits: NDArray[np.float64] = (1 - damping) * np.linalg.inv(np.eye(size) - damping * step)
    return visits


def normalised(visits: NDArray[np.float64], degree: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = visits / degree
    own = np.diag(kernel)
    return np.maximum(kernel / np.sqrt(np.outer(own, own)), FLOOR)


def degrees(pairs: list[tuple[int, int]], weights: list[float], size: int) -> NDArray[np.float64]:
    ends = np.array(pairs).reshape(-1)
    return np.bincount(ends, weights=np.repeat(weights, 2), minlength=size)


@pytest.mark.parametrize("damping", [0.5, 0.85])
def test_nearness_is_dense_personalised_pagerank_normalised_by_degree(damping: float) -> None:
    near = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6, damping=damping, steps=200)
    expected = normalised(visits_by_inversion(EDGES, WEIGHTS, 6, damping), degrees(EDGES, WEIGHTS, 6))
    np.testing.assert_allclose(relative_nearness(near), expected, rtol=1e-4)


def test_the_given_number_of_steps_is_walked() -> None:
    # two nodes, two steps of damping 1/2: p(0, 0) = (1 + 1/4) / 2, p(0, 1) = 1/4, degrees 1
    near = affinity(edges_of([(0, 1)]), torch.ones(1), 2, damping=0.5, steps=2)
    np.testing.assert_allclose(relative_nearness(near), [[1, 0.4], [0.4, 1]], rtol=1e-5)


def test_nearness_is_the_pagerank_of_networkx_normalised_by_degree() -> None:
    pairs = [(one, other) for one, other in nx.karate_club_graph().edges() if one != other]
    weights = [0.1 + (7 * place % 10) / 10 for place in range(len(pairs))]
    graph = nx.Graph()
    for (one, other), weight in zip(pairs, weights, strict=True):
        graph.add_edge(one, other, weight=weight)
    size = graph.number_of_nodes()
    visits = np.zeros((size, size))
    for start in range(size):
        ranks = nx.pagerank(graph, alpha=0.7, personalization={start: 1}, tol=1e-12, max_iter=500)
        visits[start] = [ranks[node] for node in range(size)]
    near = affinity(edges_of(pairs), torch.tensor(weights), size, damping=0.7, steps=100)
    expected = normalised(visits, degrees(pairs, weights, size))
    np.testing.assert_allclose(relative_nearness(near), expected, rtol=1e-3)


def test_nearness_is_symmetric_with_ones_on_the_diagonal() -> None:
    dense = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6).to_dense()
    torch.testing.assert_close(dense, dense.t())
    torch.testing.assert_close(dense.diagonal(), torch.ones(6))


def test_the_direction_in_which_a_fact_is_given_does_not_matter() -> None:
    turned = [(other, one) for one, other in EDGES]
    forth = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6).to_dense()
    torch.testing.assert_close(forth, affinity(edges_of(turned), torch.tensor(WEIGHTS), 6).to_dense())


def test_the_scale_is_logarithmic_from_the_floor_to_one() -> None:
    # one step of damping d between two nodes: p(0, 0) = 1 - d, p(0, 1) = d (1 - d), so relative d
    for damping, expected in ((0.1, 0.8), (0.01, 0.6), (1e-4, 0.2)):
        near = affinity(edges_of([(0, 1)]), torch.ones(1), 2, damping=damping, steps=1)
        assert near.to_dense()[0, 1].item() == pytest.approx(expected, abs=1e-4)
    assert affinity(edges_of([(0, 1)]), torch.ones(1), 2, damping=1e-6, steps=1).values().tolist() == [1, 1]


def test_a_shared_hub_brings_less_near_than_a_shared_neighbour_of_two() -> None:
    # 0 and 1 share node 2, which has no others; 3 and 4 share node 5, which has twenty more
    crowd = [(5, other) for other in range(6, 26)]
    dense = affinity(edges_of([(0, 2), (1, 2), (3, 5), (4, 5), *crowd]), torch.ones(24), 26).to_dense()
    assert dense[0, 1] > dense[3, 4]
    # and a hub is no nearer to its members than its members' own neighbour of two is to them
    assert dense[0, 2] > dense[3, 5]


def test_a_fact_of_weight_zero_is_not_walked() -> None:
    weights = torch.tensor([1.0, 0.0, 1.0])
    dense = affinity(edges_of([(0, 1), (1, 2), (2, 3)]), weights, 4).to_dense()
    assert (dense[:2, 2:] == 0).all()
    torch.testing.assert_close(dense, affinity(edges_of([(0, 1), (2, 3)]), torch.ones(2), 4).to_dense())


def test_a_fact_of_a_node_with_itself_is_not_walked() -> None:
    with_loop = affinity(edges_of([(0, 1), (0, 0)]), torch.ones(2), 2).to_dense()
    torch.testing.assert_close(with_loop, affinity(edges_of([(0, 1)]), torch.ones(1), 2).to_dense())


def test_weights_are_relative_to_the_other_facts_of_the_graph() -> None:
    weights = torch.tensor(WEIGHTS)
    dense = affinity(edges_of(EDGES), weights, 6).to_dense()
    torch.testing.assert_close(dense, affinity(edges_of(EDGES), weights / 8, 6).to_dense())


def test_an_isolated_node_is_near_to_itself_alone() -> None:
    dense = affinity(edges_of([(0, 1)]), torch.ones(1), 3).to_dense()
    assert dense[2].tolist() == [0, 0, 1]
    assert dense[:, 2].tolist() == [0, 0, 1]


def test_without_facts_every_node_is_near_to_itself_alone() -> None:
    torch.testing.assert_close(affinity(edges_of([]), torch.ones(0), 3).to_dense(), torch.eye(3))


def test_blocks_do_not_change_the_result() -> None:
    whole = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6)
    pieces = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6, block=4)
    assert torch.equal(whole.crow_indices(), pieces.crow_indices())
    assert torch.equal(whole.col_indices(), pieces.col_indices())
    torch.testing.assert_close(whole.values(), pieces.values())


def test_keeping_few_keeps_each_node_itself_and_its_nearest() -> None:
    chain = [(place, place + 1) for place in range(5)]
    alone = affinity(edges_of(chain), torch.ones(5), 6, keep=1)
    torch.testing.assert_close(alone.to_dense(), torch.eye(6))
    whole = affinity(edges_of(chain), torch.ones(5), 6).to_dense()
    three = affinity(edges_of(chain), torch.ones(5), 6, keep=3)
    assert three.crow_indices().diff().tolist() == [3] * 6
    assert three.to_dense()[2].nonzero().squeeze(1).tolist() == [1, 2, 3]
    kept = three.to_dense() > 0
    torch.testing.assert_close(three.to_dense()[kept], whole[kept])


def test_what_is_kept_of_a_row_is_what_is_nearest_hubs_among_it() -> None:
    graph = nx.barabasi_albert_graph(60, 2, seed=0)
    facts, weights = edges_of(list(graph.edges())), torch.ones(graph.number_of_edges())
    whole = affinity(facts, weights, 60).to_dense()
    cut = affinity(facts, weights, 60, keep=10)
    largest = cut.to_dense().sort(dim=1, descending=True).values[:, :10]
    torch.testing.assert_close(largest, whole.topk(10, dim=1).values)


def test_no_nodes_have_no_nearness() -> None:
    assert affinity(edges_of([]), torch.ones(0), 0).shape == (0, 0)


def test_columns_ascend_within_each_row_and_nothing_below_the_floor_is_kept() -> None:
    matrix = affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6)
    bounds = matrix.crow_indices().tolist()
    for first, last in pairwise(bounds):
        columns = matrix.col_indices()[first:last].tolist()
        assert columns == sorted(set(columns))
    assert math.prod(matrix.shape) - matrix.values().numel() == 2 * 4 * 2
    assert (matrix.values() > 0).all()


@pytest.mark.parametrize("damping", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_damping_outside_zero_to_one_is_refused(damping: float) -> None:
    with pytest.raises(ValueError, match=r"expected damping between 0 and 1 \(got "):
        affinity(edges_of(EDGES), torch.tensor(WEIGHTS), 6, damping=damping)
