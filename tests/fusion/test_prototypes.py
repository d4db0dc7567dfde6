"""The classes' rows, on vectors that can be read."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fusion.base import Sense, Senses, unit
from fusion.class_rows import Classes, Rows, class_rows
from fusion.prototypes import TRUST, Nearness, Prototypes, nearest_example, nearness

EAST, NORTH, UP = torch.eye(3)
ABSENT = Sense(torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool))
LITERALS = torch.full((2,), -1)


def scored(
    model: Prototypes, shown: Senses, rows: dict[str, Rows], known: torch.Tensor | None = None
) -> torch.Tensor:
    """Logits of some senses against the classes' rows."""
    logits: torch.Tensor = model({name: nearness(shown[name], rows[name], known) for name in rows})
    return logits


def sense_of(*rows: torch.Tensor) -> Sense:
    vectors = torch.stack(rows)
    return Sense(vectors, vectors.any(1))


def test_with_examples_alone_a_class_is_their_mean_and_the_score_a_squared_distance() -> None:
    examples = Classes(LITERALS, torch.tensor([[0, 1, 2], [0, 0, 1]]), None)
    rows = class_rows({"image": sense_of(EAST, NORTH, UP)}, {"image": ABSENT}, examples)
    model = Prototypes(("image",))
    found = scored(model, {"image": sense_of(EAST)}, rows)
    # means (1/2, 1/2, 0) and (0, 0, 1): products 1/2 and 0, half squared lengths 1/4 and 1/2
    expected = model.gain.exp() * torch.tensor([[0.5 - 0.25, 0 - 0.5]])
    torch.testing.assert_close(found, expected)


def test_what_was_observed_of_a_class_counts_as_so_many_examples() -> None:
    examples = Classes(torch.tensor([5, 6]), torch.tensor([[0, 1], [0, 1]]), None)
    # one example and one icon each, and the icons are as far from the examples: no gap on the mean
    own = sense_of(NORTH, EAST)
    rows = class_rows({"image": sense_of(EAST, NORTH)}, {"image": own}, examples)["image"]
    torch.testing.assert_close(rows.told["own"], own.vectors)
    found = Prototypes(("image",))
    found.spread.data.zero_()
    logits = scored(found, {"image": sense_of(EAST)}, {"image": rows})
    share = torch.tensor([[1.0, TRUST]]) / (1 + TRUST)
    torch.testing.assert_close(logits, found.gain.exp() * share)


def test_the_gap_between_icons_and_photos_is_closed_by_its_mean() -> None:
    examples = Classes(torch.tensor([5, 6]), torch.tensor([[0, 1], [0, 1]]), None)
    photos, icons = sense_of(EAST, NORTH), sense_of(EAST + UP, NORTH + UP)
    rows = class_rows({"image": photos}, {"image": icons}, examples)["image"]
    torch.testing.assert_close(rows.told["own"], photos.vectors)


def test_a_class_without_examples_stands_on_its_kin_by_the_facts() -> None:
    near = torch.tensor([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    examples = Classes(torch.tensor([5, 6, 7]), torch.tensor([[0, 1], [0, 2]]), near)
    absent = Sense(torch.zeros(3, 3), torch.zeros(3, dtype=torch.bool))
    rows = class_rows({"image": sense_of(EAST, NORTH)}, {"image": absent}, examples)
    logits = scored(Prototypes(("image",)), {"image": sense_of(EAST)}, rows)[0].detach()
    # 0 and 1 are both told by the one example of 0 alone
    assert float(logits[1]) == pytest.approx(float(logits[0]))
    assert logits[1] > logits[2]


def test_siblings_with_few_examples_are_not_taken_for_each_other() -> None:
    near = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
    examples = Classes(torch.tensor([5, 6]), torch.tensor([[0, 1], [0, 1]]), near)
    rows = class_rows({"image": sense_of(EAST, NORTH)}, {"image": ABSENT}, examples)
    logits = scored(Prototypes(("image",)), {"image": sense_of(EAST, NORTH)}, rows)
    assert logits.argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize(("signs", "kinship"), [([1, 1, -1, -1], 0.6), ([1, -1, 1, -1], 0.0)])
def test_kin_count_in_a_sense_by_how_like_they_are_in_it(signs: list[int], kinship: float) -> None:
    # classes 0 and 1 are kin, 2 and 3 are: alike in the first case, each other's contrary in the second
    near = torch.block_diag(torch.full((2, 2), 0.9), torch.full((2, 2), 0.9)).fill_diagonal_(1)
    examples = Classes(torch.arange(4), torch.arange(4).repeat(2, 1), near)
    vectors = unit(torch.tensor([[sign, 0.5 * (-1) ** place, 0.0] for place, sign in enumerate(signs)]))
    own = Sense(torch.zeros(4, 3), torch.zeros(4, dtype=torch.bool))
    rows = class_rows({"image": Sense(vectors, torch.ones(4, dtype=torch.bool))}, {"image": own}, examples)
    # means (+-s, +-s/2), of kin (+-s, -+s/2): products s^2 - s^2/4 over s^2 + s^2/4 is 3/5
    assert float(rows["image"].kinship) == pytest.approx(kinship)


def test_another_sense_of_the_classes_lets_expect_this_one() -> None:
    torch.manual_seed(0)
    texts = unit(torch.randn(12, 3))
    turn = torch.linalg.qr(torch.randn(3, 3)).Q
    images = texts @ turn
    classes = Classes(torch.arange(12), torch.stack([torch.arange(11), torch.arange(11)]), None)
    own = {
        "image": Sense(torch.zeros(12, 3), torch.zeros(12, dtype=torch.bool)),
        "text": Sense(texts, torch.ones(12, dtype=torch.bool)),
    }
    senses = {
        "image": Sense(images[:11], torch.ones(11, dtype=torch.bool)),
        "text": Sense(torch.zeros(11, 3), torch.zeros(11, dtype=torch.bool)),
    }
    rows = class_rows(senses, own, classes)["image"]
    told = rows.told["inferred"]
    assert 0.5 < rows.worth["inferred"][11] <= 1
    likeness = (unit(told) * unit(images)).sum(1)
    assert likeness.min() > 0.8  # the last one without any example


def rows_of(vectors: torch.Tensor, label: torch.Tensor, near: torch.Tensor | None = None) -> dict[str, Rows]:
    """Rows of three classes by examples of one sense."""
    count = len(vectors)
    classes = Classes(torch.arange(3), torch.stack([torch.arange(count), label]), near)
    absent = Sense(torch.zeros(3, vectors.shape[1]), torch.zeros(3, dtype=torch.bool))
    senses: Senses = {"image": Sense(vectors, torch.ones(count, dtype=torch.bool))}
    return class_rows(senses, {"image": absent}, classes)


@example(1119)
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_leaving_an_example_out_equals_rows_made_without_it(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    # kin that are hardly near leave little when an example is taken out: the closed form needs its digits
    vectors = unit(torch.randn(9, 4, generator=random, dtype=torch.float64))
    label = torch.randint(3, (9,), generator=random)
    model = Prototypes(("image",)).double()
    for one in range(9):
        rest = torch.arange(9) != one
        mine = {"image": Sense(vectors[one : one + 1], torch.tensor([True]))}
        near = torch.rand(3, 3, generator=random, dtype=torch.float64)
        there = rows_of(vectors, label, near)["image"]
        known = torch.nn.functional.one_hot(label[one : one + 1], 3).double()
        left_out = scored(model, mine, {"image": there}, known)
        # shares and kinship stay: how much classes count is no secret of one example
        fewer = rows_of(vectors[rest], label[rest], near)["image"]
        fewer = replace(fewer, share=there.share, kinship=there.kinship)
        without = scored(model, mine, {"image": fewer})
        torch.testing.assert_close(left_out, without, atol=1e-6, rtol=1e-6)


def test_an_example_of_two_classes_counts_half_in_each_and_is_left_out_of_both() -> None:
    examples = Classes(LITERALS, torch.tensor([[0, 0, 1], [0, 1, 1]]), None)
    assert examples.weight.tolist() == [0.5, 0.5, 1.0]
    rows = class_rows({"image": sense_of(EAST, EAST, NORTH)}, {"image": ABSENT}, examples)["image"]
    assert rows.count.tolist() == [0.5, 1.5]
    model, mine = Prototypes(("image",)), {"image": sense_of(EAST)}
    left_out = scored(model, mine, {"image": rows}, torch.tensor([[0.5, 0.5]]))
    rest = Classes(LITERALS, torch.tensor([[1], [1]]), None)
    fewer = class_rows({"image": sense_of(NORTH)}, {"image": ABSENT}, rest)
    torch.testing.assert_close(left_out, scored(model, mine, fewer))


def test_an_entity_without_the_sense_gets_nothing_from_it() -> None:
    examples = Classes(LITERALS, torch.tensor([[0, 1], [0, 1]]), None)
    rows = class_rows({"image": sense_of(EAST, NORTH)}, {"image": ABSENT}, examples)
    nobody = Sense(torch.zeros(1, 3), torch.tensor([False]))
    assert not scored(Prototypes(("image",)), {"image": nobody}, rows).any()


def test_who_lacks_a_sense_trusts_another_as_was_learned_of_such() -> None:
    model = Prototypes(("text", "image"))
    model.without.data[0, 0, 1] = 1.0  # without a text the picture counts e times as much
    model.without.data[1, 0, 1] = -1.0  # and the lengths of the rows, spread 1 at first, not at all
    product, square = torch.tensor([[2.0, 1.0]]), torch.tensor([[4.0, 0.0]])
    one = Nearness(product, square, torch.ones(1, 2, dtype=torch.bool), torch.tensor([True]))
    gain = math.exp(3)
    torch.testing.assert_close(model({"text": one, "image": one}), 2 * gain * torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(model({"text": one.missing(), "image": one}), math.e * gain * product)
    torch.testing.assert_close(
        model({"text": one, "image": one.missing()}), gain * torch.tensor([[0.0, 1.0]])
    )


def test_by_the_facts_the_nearest_example_of_a_class_stands_for_it() -> None:
    affinity = torch.tensor([[0.2, 0.9, 0.4, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = nearest_example(affinity, torch.tensor([0, 0, 2, 2]), 3)
    torch.testing.assert_close(found.product, torch.tensor([[0.9, 0.0, 0.4], [0.0, 0.0, 0.0]]))
    assert found.inside.tolist() == [[True, False, True]] * 2
    assert found.present.tolist() == [True, False]
