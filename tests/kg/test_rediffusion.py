"""The diffusion after a change, against one from the start."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import rediffusion
from kg.diffusion import affinity
from kg.rediffusion import changed_affinity

Edges = list[tuple[int, int, int]]


def tensors(edges: Edges, number: dict[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    ends = torch.tensor([[number[a], number[b]] for a, b, _ in edges], dtype=torch.int64).reshape(-1, 2).t()
    return ends, torch.tensor([weight / 4 for *_, weight in edges])


def numbered(nodes: set[int]) -> dict[int, int]:
    return {node: place for place, node in enumerate(sorted(nodes))}


def after(old: Edges, old_nodes: set[int], new: Edges, new_nodes: set[int]) -> torch.Tensor:
    one, other = numbered(old_nodes), numbered(new_nodes)
    before = affinity(*tensors(old, one), len(one), damping=0.9)
    moved = np.array([other.get(node, -1) for node in sorted(old_nodes)], dtype=np.int64)
    return changed_affinity(*tensors(new, other), len(other), *tensors(old, one), before, moved, damping=0.9)


nodes = st.sets(st.integers(0, 11), min_size=1)
links = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 4)), max_size=14)


@settings(max_examples=60, deadline=None)
@given(nodes, links, nodes, links)
def test_any_change_gives_what_a_fresh_start_gives(
    old_nodes: set[int], old: Edges, new_nodes: set[int], more: Edges
) -> None:
    old = [edge for edge in old if {*edge[:2]} <= old_nodes]
    new = [edge for edge in old[::2] + more if {*edge[:2]} <= new_nodes]
    found = after(old, old_nodes, new, new_nodes)
    expected = affinity(*tensors(new, numbered(new_nodes)), len(new_nodes), damping=0.9)
    assert torch.allclose(found.to_dense(), expected.to_dense(), atol=1e-5)
    assert found.crow_indices().tolist() == expected.crow_indices().tolist()


def test_only_the_component_of_a_change_is_walked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(edges: torch.Tensor, weight: torch.Tensor, size: int, *, damping: float) -> torch.Tensor:
        sizes.append(size)
        return affinity(edges, weight, size, damping=damping)

    monkeypatch.setattr(rediffusion, "affinity", counted)
    old: Edges = [(0, 1, 4), (1, 2, 4), (5, 6, 4), (6, 7, 4)]
    at_first = {0, 1, 2, 5, 6, 7}
    after(old, at_first, [*old, (7, 8, 4)], {*at_first, 8})
    after(old, at_first, old, at_first)
    after(old, at_first, old[:3], {0, 1, 2, 5, 6})
    assert sizes == [4, 2]  # nothing for no change; two are left of three


def test_where_rows_are_cut_a_change_gives_the_very_bits_of_a_fresh_start() -> None:
    random = np.random.default_rng(0)
    # many leaves are equally near, so which of them a row keeps is for ties to say
    old: Edges = [(node, int(random.integers(0, max(1, node // 8))), 4) for node in range(1, 700)]
    everyone = set(range(700))
    new = [*old[5:], (700, 3, 2)]
    expected = affinity(*tensors(new, numbered({*everyone, 700, 701})), 702, damping=0.9)
    found = after(old, everyone, new, {*everyone, 700, 701})
    assert torch.equal(found.values(), expected.values())
    assert torch.equal(found.col_indices(), expected.col_indices())
