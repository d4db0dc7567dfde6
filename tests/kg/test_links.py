"""ComplEx, its loss and its ranks against torch's complex numbers, plain softmax and `kg.ranking`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from kg import links
from kg.links import Answers, ComplEx, answer_loss, both_directions, fast_bfloat16, filtered_ranks
from kg.ranking import realistic_ranks


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


FACTS = torch.tensor([[2, 0, 1], [0, 1, 3], [0, 0, 1], [2, 0, 0], [2, 0, 1]])


def test_answers_are_the_tails_of_each_distinct_query_each_once() -> None:
    answers = Answers.of(FACTS, 2)
    assert torch.stack([answers.head, answers.relation], dim=1).tolist() == [[0, 0], [0, 1], [2, 0]]
    assert answers.start.tolist() == [0, 1, 2, 4, 4]
    assert answers.tail.tolist() == [1, 3, 0, 1]
    assert len(answers) == 3


def test_answers_are_taken_in_the_order_that_is_asked_for() -> None:
    row, tail = Answers.of(FACTS, 2).take(torch.tensor([2, 0, 2]))
    assert row.tolist() == [0, 0, 1, 2, 2]
    assert tail.tolist() == [0, 1, 1, 0, 1]


def test_a_query_that_no_fact_answers_has_the_place_after_the_last() -> None:
    answers = Answers.of(FACTS, 2)
    places = answers.places(torch.tensor([2, 2, 0, 9]), torch.tensor([0, 1, 1, 1]))
    assert places.tolist() == [2, 3, 1, 3]
    row, tail = answers.take(places)
    assert (row.tolist(), tail.tolist()) == ([0, 0, 2], [0, 1, 3])


def test_no_facts_answer_nothing() -> None:
    answers = Answers.of(torch.zeros(0, 3, dtype=torch.int64), 2)
    assert len(answers) == 0
    assert [len(part) for part in answers.take(answers.places(torch.tensor([1]), torch.tensor([0])))] == [
        0,
        0,
    ]
    assert [len(part) for part in answers.take(torch.zeros(0, dtype=torch.int64))] == [0, 0]


def plain_loss(queries: Tensor, candidates: Tensor, row: Tensor, tail: Tensor, share: Tensor) -> Tensor:
    """The same by a dense table of targets."""
    target = torch.zeros(len(queries), len(candidates), dtype=queries.dtype)
    target.index_put_((row, tail), share, accumulate=True)
    return -(target * torch.log_softmax(queries @ candidates.t(), dim=1)).sum()


# query 1 has no answer, query 2 has three, one of them twice; queries 0 and 3 are the same one
ROW, TAIL = torch.tensor([0, 2, 2, 2, 2, 3]), torch.tensor([4, 0, 5, 5, 6, 4])
SHARE = torch.tensor([0.3, 0.1, 0.2, 0.05, 0.15, 0.2], dtype=torch.float64)


@pytest.mark.parametrize("held", [1, 1 << 22], ids=["in blocks", "at once"])
def test_the_loss_and_its_gradients_are_those_of_the_plain_softmax(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_SCORES", held)
    queries, candidates = rows_of(70), rows_of(7, seed=2)
    queries[3] = queries[0]
    row = torch.cat([ROW, torch.arange(4, 70)])  # more than a block of 32 holds
    tail, share = torch.cat([TAIL, torch.arange(66) % 7]), torch.cat([SHARE, SHARE.repeat(11)])
    results = []
    for loss_of in (answer_loss, plain_loss):
        factors = queries.clone().requires_grad_(), candidates.clone().requires_grad_()
        loss = loss_of(*factors, row, tail, share)
        results.append((loss.detach(), *torch.autograd.grad(3 * loss, factors)))
    torch.testing.assert_close(results[0], results[1])


def test_the_loss_has_the_gradients_of_finite_differences() -> None:
    queries, candidates = rows_of(4).requires_grad_(), rows_of(7, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda q, c: answer_loss(q, c, ROW, TAIL, SHARE), (queries, candidates))


def test_the_loss_of_one_query_among_two_by_hand() -> None:
    # scores 0 and log 3: the second has a probability of 3/4
    query, candidates = torch.ones(1, 1), torch.tensor([[1.0], [3.0]]).log()
    loss = answer_loss(query, candidates, torch.tensor([0]), torch.tensor([1]), torch.ones(1))
    assert loss.item() == pytest.approx(-np.log(0.75))


def test_a_loss_over_no_queries_is_zero_with_gradients_of_zero() -> None:
    queries, candidates = rows_of(4)[:0].requires_grad_(), rows_of(3).requires_grad_()
    none = torch.zeros(0, dtype=torch.int64)
    loss = answer_loss(queries, candidates, none, none, SHARE[:0])
    loss.backward()
    assert loss.item() == 0
    assert candidates.grad is not None
    assert not candidates.grad.any()


def test_large_scores_do_not_overflow() -> None:
    queries, candidates = 1e4 * rows_of(4), rows_of(7, seed=2)
    loss = answer_loss(queries, candidates, ROW, TAIL, SHARE)
    torch.testing.assert_close(loss, plain_loss(queries, candidates, ROW, TAIL, SHARE))


def test_products_in_bfloat16_leave_loss_and_gradients_within_its_precision() -> None:
    results = []
    for half in (True, False):
        factors = rows_of(4).float().requires_grad_(), rows_of(7, seed=2).float().requires_grad_()
        loss = answer_loss(*factors, ROW, TAIL, SHARE.float(), half=half)
        results.append((loss.detach(), *torch.autograd.grad(loss, factors)))
    torch.testing.assert_close(results[0], results[1], rtol=0.02, atol=0.02)
    assert results[0][0] != results[1][0]


def test_whether_bfloat16_is_fast_is_known_of_a_processor() -> None:
    able = torch.cpu.get_capabilities()
    assert fast_bfloat16(torch.device("cpu")) == any(able.get(name) for name in ("avx512_bf16", "amx_bf16"))


def ranked(
    rows: Tensor, asked: Tensor, known: Tensor, model: ComplEx
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """By blocks, and by `realistic_ranks` with a dense table of all that is known."""
    head, relation, tail = asked.unbind(1)
    dense = torch.zeros(len(asked), len(rows), dtype=torch.bool)
    for place, (one, kind, _) in enumerate(asked.tolist()):
        for other in known.tolist():
            dense[place, other[2]] |= other[:2] == [one, kind]
    scores = model(rows[head], relation, rows).detach().numpy()
    ours = filtered_ranks(model, rows, asked, Answers.of(known, 6))
    return ours.numpy(), realistic_ranks(scores, tail.numpy(), dense.numpy())


@pytest.mark.parametrize("held", [1, 1 << 22], ids=["in blocks", "at once"])
def test_filtered_ranks_are_those_of_a_dense_table(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_SCORES", held)
    generator = torch.Generator().manual_seed(3)
    limits = torch.tensor([12, 3, 12])
    facts = both_directions((torch.rand(90, 3, generator=generator) * limits).long(), 3)
    # small whole numbers make ties; some asked facts and queries are not known
    rows = torch.randint(-1, 2, (12, 8), generator=generator).double()
    model = model_of()
    with torch.no_grad():
        model.relation.copy_(torch.randint(-1, 2, (6, 8), generator=generator))
    ours, oracle = ranked(rows, facts, facts[40:130], model)
    assert len(set(oracle % 1)) == 2
    np.testing.assert_array_equal(ours, oracle)


def test_one_fact_has_a_rank_and_none_have_none() -> None:
    model, rows = model_of(), rows_of(5)
    asked = torch.tensor([[0, 1, 2]])
    ours, oracle = ranked(rows, asked, asked, model)
    np.testing.assert_array_equal(ours, oracle)
    assert filtered_ranks(model, rows, asked[:0], Answers.of(asked, 6)).tolist() == []


def test_a_score_that_is_not_a_number_is_not_ranked() -> None:
    rows, asked = rows_of(5), torch.tensor([[0, 1, 2]])
    rows[4, 0] = torch.nan
    with pytest.raises(ValueError, match=r"expected scores that are numbers \(got NaN\)"):
        filtered_ranks(model_of(), rows, asked, Answers.of(asked, 6))


class Largest(TorchDispatchMode):
    """Remembers how many numbers the largest result had."""

    numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, values: Any = (), named: Any = None) -> Any:
        result = function(*values, **(named or {}))
        if isinstance(result, Tensor):
            self.numbers = max(self.numbers, result.numel())
        return result


@pytest.mark.parametrize("count", [500, 5_000])
def test_no_more_scores_are_held_for_more_queries(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_SCORES", 128 * 2_000)
    rows, asked = rows_of(2_000), torch.zeros(count, 3, dtype=torch.int64)
    asked[:, 2] = torch.arange(count) % 2_000
    with Largest() as ranking:
        filtered_ranks(model_of(), rows, asked, Answers.of(asked[:9], 6))
    queries = rows[:1].expand(count, 8).clone().requires_grad_()
    with Largest() as training:
        answer_loss(queries, rows, asked[:, 0], asked[:, 2], torch.ones(count).double()).backward()
    assert (ranking.numbers, training.numbers) == (128 * 2_000, 128 * 2_000)
