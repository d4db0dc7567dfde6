"""ComplEx against torch's own complex numbers, and the N3 penalty by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kg.links import ComplEx, both_directions


def model_of(num_relations: int = 3, rank: int = 4) -> ComplEx:
    torch.manual_seed(0)
    return ComplEx(num_relations, rank).double()


def rows_of(count: int, rank: int = 4, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2 * rank, generator=generator, dtype=torch.float64)


def as_complex(rows: Tensor) -> Tensor:
    real, imaginary = rows.chunk(2, dim=-1)
    return torch.complex(real.contiguous(), imaginary.contiguous())


def test_a_score_is_the_real_part_of_head_times_relation_times_conjugate_tail_by_hand() -> None:
    # (1 + 2i)(3 - i) = 5 + 5i; times (2 + 4i)* = 2 - 4i: 10 + 20 + ... = real part 30
    model = ComplEx(1, 1)
    with torch.no_grad():
        model.relation[0] = torch.tensor([3.0, -1.0])
    score = model(torch.tensor([[1.0, 2.0]]), torch.tensor([0]), torch.tensor([[2.0, 4.0]]))
    assert score.tolist() == [[30.0]]


def test_all_scores_agree_with_torch_complex_numbers() -> None:
    model, heads, tails = model_of(), rows_of(5), rows_of(7, seed=2)
    relation = torch.tensor([0, 1, 2, 4, 5])
    expected = torch.einsum(
        "bk,bk,nk->bn", as_complex(heads), as_complex(model.relation[relation]), as_complex(tails).conj()
    ).real
    torch.testing.assert_close(model(heads, relation, tails), expected)


def test_scores_are_not_symmetric_unless_the_relation_is_real() -> None:
    model, rows = model_of(), rows_of(2)
    relation = torch.tensor([0])
    forth, back = model(rows[:1], relation, rows[1:]), model(rows[1:], relation, rows[:1])
    assert not torch.isclose(forth, back)
    with torch.no_grad():
        model.relation[0, 4:] = 0
    torch.testing.assert_close(model(rows[:1], relation, rows[1:]), model(rows[1:], relation, rows[:1]))


def test_the_conjugate_relation_asks_for_the_head() -> None:
    # an inverse that has learned the conjugate scores each fact as its relation does
    model, heads, tails = model_of(), rows_of(4), rows_of(4, seed=2)
    with torch.no_grad():
        model.relation[3:] = torch.cat([model.relation[:3, :4], -model.relation[:3, 4:]], dim=1)
    relation = torch.tensor([0, 1, 2, 1])
    forth = model(heads, relation, tails).diagonal()
    back = model(tails, relation + 3, heads).diagonal()
    torch.testing.assert_close(forth, back)


def test_inverse_relations_have_rows_of_their_own() -> None:
    assert model_of(num_relations=3, rank=4).relation.shape == (6, 8)


def test_both_directions_turn_each_fact_round_under_the_inverse_relation() -> None:
    triples = torch.tensor([[0, 0, 1], [2, 1, 0]])
    turned = both_directions(triples, 2)
    assert turned.tolist() == [[0, 0, 1], [2, 1, 0], [1, 2, 0], [0, 3, 2]]


def test_no_facts_have_no_directions() -> None:
    assert both_directions(torch.zeros(0, 3, dtype=torch.int64), 2).shape == (0, 3)


def test_n3_adds_up_the_cubed_moduli_of_the_three_factors_by_hand() -> None:
    # |3 + 4i|^3 = 125 and |i|^3 = 1; the relation |2|^3 + |0|^3 = 8; the tail |1|^3 + |2|^3 = 9
    model = ComplEx(1, 2).double()
    with torch.no_grad():
        model.relation[0] = torch.tensor([2.0, 0.0, 0.0, 0.0])
    head = torch.tensor([[3.0, 0.0, 4.0, 1.0]], dtype=torch.float64)
    tail = torch.tensor([[1.0, 0.0, 0.0, -2.0]], dtype=torch.float64)
    assert model.n3(head, torch.tensor([0]), tail).item() == pytest.approx(126 + 8 + 9)


def test_n3_is_a_mean_over_the_facts() -> None:
    model, heads, tails = model_of(), rows_of(6), rows_of(6, seed=2)
    relation = torch.tensor([0, 1, 2, 3, 4, 5])
    each = [
        model.n3(heads[place : place + 1], relation[place : place + 1], tails[place : place + 1])
        for place in range(6)
    ]
    torch.testing.assert_close(model.n3(heads, relation, tails), torch.stack(each).mean())


def test_n3_agrees_with_torch_complex_moduli() -> None:
    model, heads, tails = model_of(), rows_of(6), rows_of(6, seed=2)
    relation = torch.tensor([0, 1, 2, 3, 4, 5])
    parts = (heads, model.relation[relation], tails)
    expected = sum(as_complex(part).abs().pow(3).sum(-1).mean() for part in parts)
    torch.testing.assert_close(model.n3(heads, relation, tails), expected)


def test_n3_of_zeros_has_a_gradient_of_zero() -> None:
    model, zeros = model_of(), torch.zeros(1, 8, dtype=torch.float64, requires_grad=True)
    model.n3(zeros, torch.tensor([0]), zeros).backward()
    assert zeros.grad is not None
    assert zeros.grad.tolist() == [[0.0] * 8]


def test_queries_and_scores_have_the_gradients_of_finite_differences() -> None:
    model = model_of()
    relation = torch.tensor([0, 4])
    heads, tails = rows_of(2).requires_grad_(), rows_of(3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda h, t: model(h, relation, t), (heads, tails))
