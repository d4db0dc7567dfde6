"""The neighbour sampler: real edges, no repeats, even chances, torch-geometric's loaders."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.loader import LinkLoader, NodeLoader
from torch_geometric.sampler import EdgeSamplerInput

from kg.sampling import NeighborSampler

# 0 <- 1, 2, 3, 4;  1 <- 5, 6;  5 <- 0;  nothing points to the others
EDGES = torch.tensor([[1, 5, 2, 0, 3, 6, 4], [0, 1, 0, 5, 0, 1, 0]])


def test_a_large_fan_out_gives_every_edge_within_reach() -> None:
    out = NeighborSampler(EDGES, 7, (10, 10)).sample(torch.tensor([0]))
    assert out.node[0] == 0
    assert sorted(out.node.tolist()) == list(range(7))
    assert sorted(out.edge.tolist()) == [0, 1, 2, 4, 5, 6]
    assert (out.num_sampled_nodes, out.num_sampled_edges) == ([1, 4, 2], [4, 2])


@given(
    edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60),
    seeds=st.sets(st.integers(0, 9), min_size=1, max_size=10),
    fanout=st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_samples_are_edges_of_the_graph_within_the_fan_out(
    edges: list[tuple[int, int]], seeds: set[int], fanout: list[int]
) -> None:
    index = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).t()
    asked = torch.tensor(sorted(seeds, reverse=True))
    out = NeighborSampler(index, 10, fanout).sample(asked)
    assert out.node[: len(asked)].tolist() == asked.tolist()
    assert len(out.node.unique()) == len(out.node)
    assert torch.equal(torch.stack([out.node[out.row], out.node[out.col]]), index[:, out.edge])
    assert len(out.edge.unique()) == len(out.edge)
    degree = torch.bincount(index[1], minlength=10)
    first = out.col[: out.num_sampled_edges[0]]
    expected = degree[asked].clamp(max=fanout[0])
    assert torch.equal(torch.bincount(first, minlength=len(asked))[: len(asked)], expected)


def test_every_neighbour_is_drawn_equally_often() -> None:
    sampler = NeighborSampler(
        torch.stack([torch.arange(1, 11), torch.zeros(10, dtype=torch.int64)]), 11, (3,)
    )
    counts = torch.zeros(11)
    for _ in range(3000):
        counts[sampler.sample(torch.tensor([0])).node[1:]] += 1
    # 900 each; the standard deviation of a count is 25
    assert ((counts[1:] - 900).abs() < 125).all()


def test_the_same_seed_draws_the_same() -> None:
    index = torch.randint(50, (2, 1000), generator=torch.Generator().manual_seed(0))
    one, two = (NeighborSampler(index, 50, (3, 3), seed=7).sample(torch.arange(5)) for _ in range(2))
    assert torch.equal(one.edge, two.edge)


@pytest.mark.parametrize("num_nodes", [1_000, 20_000])
def test_what_a_draw_makes_is_bound_by_the_batch_and_not_by_the_graph(num_nodes: int) -> None:
    index = torch.randint(num_nodes, (2, 50 * num_nodes), generator=torch.Generator().manual_seed(0))
    out = NeighborSampler(index, num_nodes, (5, 5)).sample(torch.arange(10))
    # all have more than five neighbours, so each node of a hop draws exactly five
    assert out.num_sampled_edges == [50, 5 * out.num_sampled_nodes[1]]
    assert out.num_sampled_nodes[1] <= 50
    assert len(out.node) <= 10 + 50 + 250


def test_torch_geometrics_node_loader_takes_it() -> None:
    data = Data(x=torch.arange(7.0).unsqueeze(1), edge_index=EDGES)
    loader = NodeLoader(
        data, NeighborSampler(EDGES, 7, (10,)), input_nodes=torch.tensor([0, 1]), batch_size=2
    )
    (batch,) = loader
    assert batch.n_id[:2].tolist() == [0, 1]
    assert torch.equal(batch.x.squeeze(1), batch.n_id.float())
    assert torch.equal(batch.n_id[batch.edge_index], EDGES[:, batch.e_id])


def test_torch_geometrics_link_loader_takes_it() -> None:
    data = Data(x=torch.arange(7.0).unsqueeze(1), edge_index=EDGES)
    loader = LinkLoader(data, NeighborSampler(EDGES, 7, (10,)), edge_label_index=EDGES[:, :2], batch_size=2)
    (batch,) = loader
    assert torch.equal(batch.n_id[batch.edge_label_index], EDGES[:, :2])


def test_bad_input_is_told() -> None:
    with pytest.raises(ValueError, match=r"expected a fan-out of at least 1 for each hop \(got \[3, 0\]\)"):
        NeighborSampler(EDGES, 7, (3, 0))
    with pytest.raises(ValueError, match=r"expected edges in \[0, 3\) \(got up to 6\)"):
        NeighborSampler(EDGES, 3, (3,))
    sampler = NeighborSampler(EDGES, 7, (3,))
    with pytest.raises(ValueError, match="expected each seed once"):
        sampler.sample(torch.tensor([1, 1]))
    with pytest.raises(ValueError, match="expected no negative sampling"):
        sampler.sample_from_edges(EdgeSamplerInput(None, EDGES[0], EDGES[1]), "binary")
    assert len(sampler.sample(torch.tensor([], dtype=torch.int64)).node) == 0
