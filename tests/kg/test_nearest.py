"""Exact search against a plain stable sort of all products; whole numbers make ties, and no rounding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kg import nearest as module
from kg.nearest import best, nearest

SMALL = (("_FETCHED", 7), ("_ONE_CORE", 20), ("_SCORES", 50), ("_SORTED", 3), ("_LARGE", 20))


def brute(
    vectors: Tensor, queries: Tensor, k: int, allowed: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    ids = torch.arange(len(vectors)) if allowed is None else allowed
    scores = queries @ vectors.float().T + (0 if bias is None else bias)
    values, order = scores[:, ids].sort(dim=1, descending=True, stable=True)
    return values[:, :k], ids[order[:, :k]]


@st.composite
def searches(draw: st.DrawFn) -> tuple[Tensor, Tensor, int, Tensor | None, Tensor | None]:
    random = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    rows, width = draw(st.integers(0, 400)), draw(st.sampled_from([1, 3, 8]))
    spread = draw(st.sampled_from([1, 2, 1000]))  # of one: all scores are equal
    vectors = torch.randint(0, spread, (rows, width), generator=random).float()
    queries = torch.randint(-3, 4, (draw(st.integers(0, 4)), width), generator=random).float()
    share = draw(st.sampled_from([None, 0.0, 0.01, 0.2, 0.6, 1.0]))
    allowed = None if share is None else torch.nonzero(torch.rand(rows, generator=random) < share).squeeze(1)
    bias = torch.randint(-2, 3, (rows,), generator=random).float() if draw(st.booleans()) else None
    return vectors, queries, draw(st.sampled_from([1, 5, 130, 500])), allowed, bias


@pytest.mark.parametrize("small", [False, True])
@given(search=searches())
@settings(max_examples=150, deadline=None)
def test_it_finds_what_brute_force_finds_in_the_same_order(
    small: bool, search: tuple[Tensor, Tensor, int, Tensor | None, Tensor | None]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if small:  # every road with many blocks, the last one not full
            for name, value in SMALL:
                patch.setattr(module, name, value)
        scores, ids = nearest(*search)
    expected_scores, expected_ids = brute(*search)
    assert torch.equal(ids, expected_ids)
    assert torch.equal(scores, expected_scores)
    assert ids.dtype == torch.int64


@pytest.mark.parametrize("length", [10, 1_000, 5_000, 12_000, None])
@pytest.mark.parametrize("count", [1, 3])
def test_of_real_vectors_the_best_are_found_at_every_length_of_the_list(
    length: int | None, count: int
) -> None:
    random = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(20_000, 64, generator=random))
    queries = torch.nn.functional.normalize(torch.randn(count, 64, generator=random))
    allowed = None
    if length is not None:
        allowed = torch.randperm(20_000, generator=random)[:length].sort().values
    scores, ids = nearest(vectors, queries, 10, allowed)
    expected = brute(vectors, queries, 10, allowed, None)
    assert torch.equal(ids, expected[1])  # no two of these are within rounding of each other
    torch.testing.assert_close(scores, expected[0])


def test_vectors_of_half_precision_are_compared_as_the_queries_are() -> None:
    random = torch.Generator().manual_seed(0)
    vectors, queries = torch.randn(300, 8, generator=random).half(), torch.randn(2, 8, generator=random)
    scores, ids = nearest(vectors, queries, 5)
    assert scores.dtype == torch.float32
    assert torch.equal(ids, brute(vectors, queries, 5, None, None)[1])


def test_no_allowed_row_and_no_row_at_all_give_no_column() -> None:
    queries = torch.ones(2, 3)
    for vectors, allowed in ((torch.ones(4, 3), torch.arange(0)), (torch.ones(0, 3), None)):
        scores, ids = nearest(vectors, queries, 5, allowed)
        assert scores.shape == ids.shape == (2, 0)


def test_one_row_and_more_wanted_than_there_are() -> None:
    scores, ids = nearest(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0]]), 9)
    assert (scores.tolist(), ids.tolist()) == ([[5.0]], [[0]])


def test_of_equal_scores_the_smaller_ids_are_best() -> None:
    scores = torch.zeros(2, 1000)
    scores[1, 500:] = 1
    assert best(scores, 3)[1].tolist() == [[0, 1, 2], [500, 501, 502]]
    assert best(scores, 2, torch.arange(1000) * 2)[1].tolist() == [[0, 2], [1000, 1002]]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("length", [10, 1_000, 5_000])
def test_an_id_of_no_row_is_refused_at_every_length_of_the_list(length: int, count: int) -> None:
    vectors, queries, ids = torch.ones(6_000, 8), torch.ones(count, 8), torch.arange(length)
    for allowed in (ids - 1, torch.cat((ids, torch.tensor([6_000])))):
        with pytest.raises(IndexError, match=r"expected allowed ids in \[0, 6000\) \(got"):
            nearest(vectors, queries, 3, allowed)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("length", [10, 1_000])
def test_a_list_or_a_matrix_that_does_not_lie_in_one_piece_is_read_as_it_is(length: int, count: int) -> None:
    random = torch.Generator().manual_seed(0)
    vectors = torch.randint(-3, 4, (8, 3_000), generator=random).float().T
    queries = torch.randint(-3, 4, (8, count), generator=random).float().T
    allowed = torch.arange(3_000)[::3][:length]
    expected = brute(vectors, queries, 5, allowed, None)
    for found, wanted in zip(nearest(vectors, queries, 5, allowed), expected, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("length", [10, 1_000])
def test_a_short_search_keeps_a_gradient_and_double_precision(length: int) -> None:
    vectors = torch.randn(2_000, 4, generator=torch.Generator().manual_seed(0)).double()
    query = torch.ones(1, 4, dtype=torch.float64, requires_grad=True)
    scores, ids = nearest(vectors, query, 1, torch.arange(length))
    assert scores.dtype == torch.float64
    (gradient,) = torch.autograd.grad(scores.sum(), query)
    assert torch.equal(gradient[0], vectors[ids[0, 0]])


def test_what_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"of one width \(got \(2, 3\) and \(1, 4\)\)"):
        nearest(torch.ones(2, 3), torch.ones(1, 4), 1)
    with pytest.raises(ValueError, match=r"expected vectors \(n, d\) and queries \(q, d\)"):
        nearest(torch.ones(2, 3), torch.ones(3), 1)
    with pytest.raises(ValueError, match=r"expected k of at least 1 \(got 0\)"):
        nearest(torch.ones(2, 3), torch.ones(1, 3), 0)
