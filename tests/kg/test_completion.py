"""The blended score, its choice and its calibration against values by hand, plain tables and scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from kg.completion import Blend, Completion, Marks, choose_blend, completion_ranks, fit_platt
from kg.links import Answers, ComplEx, both_directions
from kg.ranking import realistic_ranks
from kg.rule_mining import mine
from kg.rules import Mining

# people 0-3 live in cities 4, 5 of the countries 6, 7; three were born in the country of their city
BORN, LIVES, CITY = 0, 1, 2
FACTS = torch.tensor(
    [
        (0, LIVES, 4), (1, LIVES, 4), (2, LIVES, 5), (3, LIVES, 5),
        (4, CITY, 6), (5, CITY, 7),
        (0, BORN, 6), (1, BORN, 6), (2, BORN, 7),
    ]
)  # fmt: skip


def completion_of(blend: Blend, *, scorer: bool = False) -> Completion:
    torch.manual_seed(0)
    rules = mine(FACTS.numpy(), 9, 3, Mining(min_support=3, threads=1))
    model, rows = (ComplEx(3, 2), torch.randn(9, 4)) if scorer else (None, None)
    return Completion.of(FACTS, 9, 3, scorer=model, rows=rows, rules=rules, blend=blend)


def test_evidence_and_prior_add_their_logarithms_by_hand() -> None:
    scores = completion_of(Blend(2.0, 0.5)).scores(torch.tensor([3]), torch.tensor([BORN]))
    expected = torch.zeros(1, 9)
    expected[0, 6] = 0.5 * np.log((2 + 0.2) / 0.2)  # two were born there
    expected[0, 7] = 2 * np.log((3 / 8 + 0.01) / 0.01) + 0.5 * np.log((1 + 0.2) / 0.2)
    torch.testing.assert_close(scores, expected)


def test_the_blend_adds_to_the_scores_of_the_link_scorer() -> None:
    asked = torch.tensor([3, 0]), torch.tensor([BORN, LIVES])
    plain, alone = completion_of(Blend(0, 0), scorer=True), completion_of(Blend(1, 0.3))
    both = completion_of(Blend(1, 0.3), scorer=True)
    assert plain.scorer is not None
    assert plain.rows is not None
    structure = plain.scorer(plain.rows[asked[0]], asked[1], plain.rows)
    torch.testing.assert_close(plain.scores(*asked), structure)
    torch.testing.assert_close(both.scores(*asked), structure + alone.scores(*asked))


def test_a_head_that_no_fact_tells_of_has_no_structure() -> None:
    completion = completion_of(Blend(1, 0.5), scorer=True)
    asked = torch.tensor([8]), torch.tensor([BORN])
    torch.testing.assert_close(completion.scores(*asked), completion_of(Blend(1, 0.5)).scores(*asked))
    assert not completion.told[8]


def test_repeated_facts_are_no_more_usual() -> None:
    twice = Completion.of(torch.cat([FACTS, FACTS]), 9, 3)
    assert (twice.usual != completion_of(Blend()).usual).nnz == 0


def test_ranks_are_those_of_the_whole_table() -> None:
    completion = completion_of(Blend(1.5, 0.3), scorer=True)
    asked, known = both_directions(FACTS, 3), Answers.of(both_directions(FACTS, 3), 6)
    scores = completion.scores(asked[:, 0], asked[:, 1]).numpy()
    others = np.zeros(scores.shape, dtype=bool)
    for row, (head, relation, _) in enumerate(asked.tolist()):
        others[row, [t for h, r, t in asked.tolist() if (h, r) == (head, relation)]] = True
    np.testing.assert_allclose(
        completion_ranks(completion, asked, known).numpy(),
        realistic_ranks(scores, asked[:, 2].numpy(), others),
    )


def test_the_chosen_blend_is_the_best_of_its_grid_and_leaves_out_what_is_not_wanted() -> None:
    completion = completion_of(Blend(), scorer=True)
    asked = torch.tensor([(3, BORN, 7)])
    known = Answers.of(FACTS, 6)
    chosen, score = choose_blend(completion, asked, known)
    assert score == 1.0
    assert chosen.blend.evidence > 0
    assert choose_blend(completion, asked, known, evidence=False)[0].blend.evidence == 0
    assert choose_blend(completion, asked, known, prior=False)[0].blend.prior == 0


def test_marks_stand_in_their_cells() -> None:
    scores = torch.zeros(2, 3)
    mark = Marks(torch.tensor([0, 1]), torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    mark.add_to(scores, 0.5)
    assert scores.tolist() == [[0, 0, 0.5], [1, 0, 0]]


def test_platt_agrees_with_logistic_regression_on_his_targets() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(0)
    score = random.normal(3, 2, 400)
    right = random.random(400) < 1 / (1 + np.exp(1 - score))
    platt = fit_platt(torch.from_numpy(score), torch.from_numpy(right))
    assert platt is not None
    good, bad = right.sum(), (~right).sum()
    share = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))
    model = linear_model.LogisticRegression(C=1e9, tol=1e-9, max_iter=1000)
    inputs = np.concatenate([score, score])[:, None]
    model.fit(inputs, np.repeat([1, 0], 400), np.concatenate([share, 1 - share]))
    assert platt.slope == pytest.approx(model.coef_[0, 0], abs=1e-3)
    assert platt.shift == pytest.approx(model.intercept_[0], abs=1e-3)


def test_nothing_is_calibrated_where_all_are_right_or_none() -> None:
    assert fit_platt(torch.tensor([1.0, 2.0]), torch.tensor([True, True])) is None
    assert fit_platt(torch.empty(0), torch.empty(0, dtype=torch.bool)) is None


def test_a_further_scorer_is_weighed_and_speaks_of_heads_that_no_fact_tells_of() -> None:
    def further(head: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
        return torch.arange(9.0).repeat(len(head), 1)

    plain = completion_of(Blend(1, 0.2, further=0.5))
    both = replace(plain, further=further)
    asked = torch.tensor([8]), torch.tensor([BORN])
    torch.testing.assert_close(both.scores(*asked), plain.scores(*asked) + torch.arange(9.0))
    told = torch.tensor([0]), torch.tensor([BORN])
    torch.testing.assert_close(both.scores(*told), plain.scores(*told) + 0.5 * torch.arange(9.0))
    known = Answers.of(FACTS, 6)
    ranks = completion_ranks(both, torch.tensor([(8, BORN, 8), (8, BORN, 7)]), known)
    np.testing.assert_allclose(
        ranks, realistic_ranks(both.scores(asked[0].repeat(2), asked[1].repeat(2)).numpy(), np.array([8, 7]))
    )
    assert choose_blend(both, torch.tensor([(8, BORN, 8)]), known)[0].blend.further > 0


def test_the_parts_add_up_to_the_scores() -> None:
    def further(head: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
        return torch.arange(9.0).repeat(len(head), 1)

    whole = replace(completion_of(Blend(1.5, 0.3, further=0.5)), further=further)
    asked = torch.tensor([0, 8]), torch.tensor([BORN, BORN])
    parts = whole.parts(*asked)
    torch.testing.assert_close(sum(parts.values()), whole.scores(*asked))
    torch.testing.assert_close(parts["further"], torch.arange(9.0) * torch.tensor([[0.5], [1.0]]))
    bare = replace(whole, blend=Blend(0, 0)).parts(*asked)
    assert not any(bare[name].any() for name in ("rules", "prior", "further"))
