"""Sparse rows are those of the dense matrix, whatever is wanted of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusion.sparse_rows import SparseRows


def matrix(seed: int, rows: int = 7, width: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    whole = torch.rand(rows, width, generator=generator)
    whole = whole * (whole > 0.6)
    whole[3] = 0
    return whole


@given(st.integers(0, 50), st.lists(st.integers(0, 6)), st.lists(st.integers(0, 4)))
def test_rows_and_columns_are_those_of_the_whole_matrix(
    seed: int, rows: list[int], columns: list[int]
) -> None:
    whole = matrix(seed)
    wanted, at = (torch.tensor(ids, dtype=torch.int64) for ids in (rows, columns))
    for found in (SparseRows.of(whole.to_sparse_csr(), wanted), SparseRows.of_dense(whole)[wanted]):
        assert len(found) == len(rows)
        assert torch.equal(found.at(at), whole[wanted][:, at])


@pytest.mark.parametrize("part", [slice(2, 5), slice(None), slice(6, 6), torch.tensor([3, 3, 0])])
def test_parts_of_parts(part: slice | torch.Tensor) -> None:
    whole = matrix(1)
    every = torch.arange(5)
    assert torch.equal(SparseRows.of_dense(whole)[part].at(every), whole[part])
    assert torch.equal(SparseRows.of_dense(whole)[part][:1].at(every), whole[part][:1])


def test_what_is_hidden_is_zero() -> None:
    whole = matrix(2)
    hidden = torch.tensor([True, False, True, False, False, False, True])
    found = SparseRows.of_dense(whole).hidden_where(hidden).at(torch.arange(5))
    assert torch.equal(found, whole * ~hidden.unsqueeze(1))


def test_the_strongest_of_each_row_among_those_that_are_able() -> None:
    whole = torch.tensor([[0.0, 0.9, 0.8, 0.7], [0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    rows = SparseRows.of_dense(whole)
    able = torch.ones(4, dtype=torch.bool)
    assert rows.strongest(able, 1).tolist() == [0, 1]
    assert rows.strongest(able, 2).tolist() == [0, 1, 2]
    able[1] = False
    assert rows.strongest(able, 1).tolist() == [0, 2]
    assert rows.hidden_where(torch.tensor([True, False, False])).strongest(able, 3).tolist() == [0]
    assert rows.strongest(torch.zeros(4, dtype=torch.bool), 3).tolist() == []
