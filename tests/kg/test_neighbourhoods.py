"""Walks followed through a part of a graph: exact where it is all that they reach, near to it elsewhere."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from kg import neighbourhoods
from kg.diffusion import affinity
from kg.neighbourhoods import Neighbourhood


def edges_of(graph: nx.Graph) -> Tensor:
    return torch.tensor(list(graph.edges), dtype=torch.int64).t()


def parts_of(graph: nx.Graph, block: int) -> list[Neighbourhood]:
    """Its neighbourhoods, with a step that goes to each neighbour alike."""
    dense = torch.from_numpy(nx.to_numpy_array(graph, nodelist=range(len(graph)))).float()
    step = dense / dense.sum(0)
    return list(neighbourhoods.neighbourhoods(step.to_sparse_csr(), block))


def in_parts(monkeypatch: pytest.MonkeyPatch, within: int) -> None:
    monkeypatch.setattr(neighbourhoods, "WHOLE", 0)
    monkeypatch.setattr(neighbourhoods, "WITHIN", within)


def test_a_small_graph_is_one_neighbourhood_in_blocks_of_one_width() -> None:
    found = parts_of(nx.cycle_graph(10), 4)
    assert [(one.rows.tolist(), one.fresh) for one in found] == [
        ([0, 1, 2, 3], 0),
        ([4, 5, 6, 7], 0),
        ([6, 7, 8, 9], 2),
    ]
    assert all(one.nodes.tolist() == list(range(10)) for one in found)


def test_of_a_large_graph_each_node_is_in_one_block_among_what_is_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_parts(monkeypatch, 6)
    found = parts_of(nx.path_graph(20), 2)
    assert sorted(torch.cat([one.rows for one in found]).tolist()) == list(range(20))
    for one in found:
        assert one.nodes[one.place].tolist() == one.rows.tolist()
        assert len(one.nodes) <= 6
        # a path: what is reached first stands next to it
        assert one.nodes.tolist() == list(range(int(one.nodes[0]), int(one.nodes[-1]) + 1))
        assert one.step.to_dense().sum(0).max() <= 1


def test_of_the_last_step_those_are_kept_that_are_come_to_oftenest(monkeypatch: pytest.MonkeyPatch) -> None:
    # 0 leads to 1, 2 and 3; 4 is a neighbour of both 1 and 2, and 5, 6 and 7 of 3, which has most
    graph = nx.Graph([(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 5), (3, 6), (3, 7)])
    in_parts(monkeypatch, 5)
    found = next(one for one in parts_of(graph, 1) if one.rows.tolist() == [0])
    assert found.nodes.tolist() == [0, 1, 2, 3, 4]


def test_where_a_part_holds_all_that_is_reached_the_diffusion_is_the_exact_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = nx.disjoint_union_all([nx.karate_club_graph(), nx.cycle_graph(9), nx.star_graph(20)])
    graph.add_node(len(graph))  # alone
    edges, weight = edges_of(graph), torch.rand(graph.number_of_edges()) + 0.1
    exact = affinity(edges, weight, len(graph)).to_dense()
    in_parts(monkeypatch, 34)
    torch.testing.assert_close(
        affinity(edges, weight, len(graph), block=1).to_dense(), exact, rtol=1e-4, atol=1e-4
    )


def test_where_walks_are_let_go_the_nearest_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = nx.convert_node_labels_to_integers(nx.random_geometric_graph(600, 0.08, seed=1))
    edges, weight = edges_of(graph), torch.ones(graph.number_of_edges())
    exact = affinity(edges, weight, len(graph)).to_dense()
    in_parts(monkeypatch, 150)
    found = affinity(edges, weight, len(graph), block=16).to_dense()
    shared = [
        len(set(one.topk(10).indices.tolist()) & set(other.topk(10).indices.tolist()))
        for one, other in zip(exact, found, strict=True)
    ]
    assert np.mean(shared) > 9
