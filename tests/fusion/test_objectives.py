"""The losses against plain cross-entropies written by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from fusion.base import unit
from fusion.objectives import alignment, disorder, order


def by_hand(left: Tensor, right: Tensor, scale: float, same: list[int] | None = None) -> float:
    """The mean of -log softmax of the right partner, both ways, without the twins, in plain Python."""
    rows, total = left.tolist(), 0.0
    for one, other in ((rows, right.tolist()), (right.tolist(), rows)):
        for i, query in enumerate(one):
            logits = {
                j: scale * sum(a * b for a, b in zip(query, candidate, strict=True))
                for j, candidate in enumerate(other)
                if same is None or j == i or same[j] != same[i]
            }
            total += math.log(sum(math.exp(value) for value in logits.values())) - logits[i]
    return total / (2 * len(rows))


def two_sides(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, count, 4, generator=generator, dtype=torch.float64)
    return unit(left), unit(right)


def test_alignment_is_the_cross_entropy_of_finding_ones_partner_both_ways() -> None:
    left, right = two_sides(5)
    loss = alignment(left, right, torch.tensor(7.0, dtype=torch.float64))
    assert loss.item() == pytest.approx(by_hand(left, right, 7.0))


def test_alignment_of_two_orthogonal_pairs_by_hand() -> None:
    # each row sees logits (s, 0), its partner first: log(1 + exp(-s))
    loss = alignment(torch.eye(2), torch.eye(2), torch.tensor(3.0))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-3)))


def test_rows_of_the_same_concept_are_not_held_against_each_other() -> None:
    left, right = two_sides(6)
    same = [0, 1, 0, 2, 1, 0]
    loss = alignment(left, right, torch.tensor(4.0, dtype=torch.float64), torch.tensor(same))
    assert loss.item() == pytest.approx(by_hand(left, right, 4.0, same))


def test_rows_that_are_all_of_one_concept_have_nothing_to_learn() -> None:
    left, right = two_sides(3)
    left.requires_grad_()
    loss = alignment(left, right, torch.tensor(4.0, dtype=torch.float64), torch.zeros(3, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert left.grad is not None
    assert (left.grad == 0).all()


def test_concepts_that_all_differ_mask_nothing() -> None:
    left, right = two_sides(4)
    scale = torch.tensor(4.0, dtype=torch.float64)
    assert alignment(left, right, scale, torch.arange(4)) == alignment(left, right, scale)


def test_the_sides_may_be_swapped() -> None:
    left, right = two_sides(5)
    scale = torch.tensor(4.0, dtype=torch.float64)
    torch.testing.assert_close(alignment(left, right, scale), alignment(right, left, scale))


def test_alignment_is_zero_in_the_limit_of_perfect_pairs() -> None:
    assert alignment(torch.eye(8), torch.eye(8), torch.tensor(1000.0)).item() == 0


def test_alignment_of_vectors_that_tell_nothing_is_the_logarithm_of_the_number_of_rows() -> None:
    ones = unit(torch.ones(8, 3))
    assert alignment(ones, ones, torch.tensor(10.0)).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_cannot_be_told_apart(count: int) -> None:
    with pytest.raises(ValueError, match=rf"expected at least 2 rows to tell apart \(got {count}\)"):
        alignment(torch.ones(count, 3), torch.ones(count, 3), torch.tensor(1.0))


def test_alignment_has_the_gradients_of_finite_differences() -> None:
    left, right = (side.requires_grad_() for side in two_sides(4))
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    same = torch.tensor([0, 1, 0, 2])
    assert torch.autograd.gradcheck(lambda a, b, s: alignment(a, b, s, same), (left, right, scale))


def test_hard_negatives_weigh_by_their_nearness_and_keep_their_mean() -> None:
    left = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    scale, hardness = torch.tensor(2.0), 1.5
    logits = 2 * left @ left.t()
    expected = []
    for row in range(3):
        others = [other for other in range(3) if other != row]
        weight = torch.tensor([math.exp(hardness * float(left[row] @ left[other])) for other in others])
        weight = weight / weight.mean()
        wrong = sum(float(w) * math.exp(float(logits[row, o])) for w, o in zip(weight, others, strict=True))
        right = math.exp(float(logits[row, row]))
        expected.append(-math.log(right / (right + wrong)))
    found = alignment(left, left, scale, hardness=hardness)
    assert float(found) == pytest.approx(sum(expected) / 3, rel=1e-5)
    assert float(alignment(left, left, scale, hardness=1e-9)) == pytest.approx(
        float(alignment(left, left, scale))
    )


def test_disorder_is_the_squared_excess_of_what_is_above() -> None:
    low, high = torch.tensor([[1.0, 2.0], [5.0, 5.0]]), torch.tensor([[0.0, 4.0], [4.0, 5.0]])
    assert disorder(low, high).tolist() == [4.0, 0.0]
    assert disorder(high, low).tolist() == [1.0, 1.0]


def test_an_order_without_excess_is_transitive() -> None:
    random = torch.rand(3, 50, 4, generator=torch.Generator().manual_seed(0))
    lowest, middle, highest = random[0] + random[1] + random[2], random[1] + random[2], random[2]
    assert bool((disorder(lowest, middle) == 0).all())
    assert bool((disorder(middle, highest) == 0).all())
    assert bool((disorder(lowest, highest) == 0).all())


def test_pairs_are_drawn_into_order_and_others_out_of_it() -> None:
    rows = torch.tensor([[2.0, 2.0], [1.0, 1.0]])
    one, other = torch.tensor([0]), torch.tensor([1])
    # in order; whichever row stands in for the upper one is not above the lower one: short by the margin
    assert float(order(rows, one, other)) == 1.0
    assert float(order(rows, one, other, margin=0.0)) == 0.0
    # the wrong way round: off by 1 in each of two places
    assert float(order(rows, other, one, margin=0.0)) == 2.0
    none = torch.empty(0, dtype=torch.int64)
    assert float(order(rows, none, none)) == 0.0
