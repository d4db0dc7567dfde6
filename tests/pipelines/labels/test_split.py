"""Splits of labels: classes in proportion, none without an example to learn from, groups whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.splits import Split
from pipelines.labels.split import FOLDS, fewer_labels, folds, label_split
from pipelines.labels.target import Target, find_target
from tests.pipelines.fruits import EX, fruit, graph_of


def target_of(values: list[list[int]], groups: list[int] | None = None) -> Target:
    """Each entity's values, the first the rarest; the groups as dense numbers."""
    size = 1 + max(max(own) for own in values)
    more = [(place, label) for place, own in enumerate(values) for label in own[1:]]
    nobody = np.zeros(0, dtype=np.int64)
    return Target(
        "urn:t",
        np.arange(len(values)),
        np.array([own[0] for own in values]),
        tuple(map(str, range(size))),
        np.full(size, -1),
        nobody,
        np.array(more, dtype=np.int64).reshape(-1, 2).T,
        None if groups is None else np.unique(groups, return_inverse=True)[1],
    )


def whole(split: Split, count: int) -> bool:
    """Whether every entity is in one part and in no other."""
    return np.array_equal(np.sort(np.concatenate([split.train, split.valid, split.test])), np.arange(count))


def test_each_class_is_split_in_proportion_and_keeps_an_example(tmp_path: Path) -> None:
    target = find_target(graph_of(fruit(40, "\n:q a :Fruit ; :kind :quince ."), tmp_path), EX + "kind")
    split = label_split(target, valid=0.1, test=0.3, seed=0)
    for part, count in ((split.train, 12), (split.valid, 2), (split.test, 6)):
        assert np.bincount(target.classes[part], minlength=3)[:2].tolist() == [count, count]
    quince = int(np.flatnonzero(np.bincount(target.classes) == 1)[0])
    assert quince in target.classes[split.train]
    assert whole(split, 41)


ENTITIES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),  # values
        st.integers(0, 9),  # group
    ),
    min_size=2,
    max_size=40,
)


@given(ENTITIES, st.booleans(), st.integers(0, 5))
def test_no_group_is_split_and_every_class_can_be_learned(
    entities: list[tuple[list[int], int]], grouped: bool, seed: int
) -> None:
    values, groups = map(list, zip(*entities, strict=True))
    target = target_of(values, groups if grouped else None)  # type: ignore[arg-type]
    split = label_split(target, valid=0.2, test=0.4, seed=seed)
    assert whole(split, len(values))
    assert np.array_equal(target.counts(split.train) > 0, target.counts(np.arange(len(values))) > 0)
    if grouped:
        number = np.array(groups)
        parts = [set(number[part].tolist()) for part in (split.train, split.valid, split.test)]
        assert sum(map(len, parts)) == len(set(groups))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=10, max_size=60), st.integers(0, 5))
def test_of_groups_of_one_class_each_a_share_is_met_within_half_a_group(
    sizes: list[tuple[int, int]], seed: int
) -> None:
    values = [[label] for label, size in sizes for _ in range(size)]
    groups = [number for number, (_, size) in enumerate(sizes) for _ in range(size)]
    target = target_of(values, groups)
    count = np.bincount(target.classes, minlength=3)
    split = label_split(target, valid=0.1, test=0.3, seed=seed)
    held = np.bincount(target.classes[split.test], minlength=3)
    largest = np.array([max((size for one, size in sizes if one == label), default=0) for label in range(3)])
    # a class may not give away its last group, so one of few groups falls short; one of many does not
    many = count >= 6 * largest
    assert (held <= 0.3 * count + 1 + largest / 2).all()
    assert (held >= 0.3 * count - 1 - largest / 2)[many].all()


def test_groups_are_held_out_at_about_the_asked_share_whatever_classes_they_mix() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), random.integers(1, 4, 400))
    target = target_of([[label] for label in random.integers(0, 6, len(groups)).tolist()], groups.tolist())
    tested = np.zeros(400)
    for seed in range(20):
        split = label_split(target, valid=0.1, test=0.3, seed=seed)
        assert len(split.test) / len(groups) == pytest.approx(0.3, abs=0.015)
        assert len(split.valid) / len(groups) == pytest.approx(0.1, abs=0.015)
        tested[np.unique(groups[split.test])] += 1
    # small and large groups are drawn alike: no part of the entities is always in the test or never
    share = [tested[np.bincount(groups) == size].mean() / 20 for size in (1, 2, 3)]
    assert share == pytest.approx([0.3, 0.3, 0.3], abs=0.05)


def test_the_only_further_example_of_a_class_is_not_given_away() -> None:
    # class 1 is the commoner value of two entities, and nobody's rarest
    target = target_of([[0, 1], [2, 1], *([0], [2]) * 4])
    for seed in range(20):
        split = label_split(target, valid=0.3, test=0.4, seed=seed)
        assert target.counts(split.train)[1] >= 1
        assert whole(split, 10)


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_of_fewer_labels_every_class_keeps_one_and_the_test_part_stays(share: float) -> None:
    target = target_of([[0, 1], [2, 1], *([0], [2]) * 20])
    split = Split(np.arange(20), np.arange(20, 34), np.arange(34, 42))
    for seed in range(10):
        fewer = fewer_labels(split, target, share, seed)
        assert np.isin(fewer.train, split.train).all()
        assert np.isin(fewer.valid, split.valid).all()
        # at least one a class: two, where one of the first two stands for class 1 and one of its own
        assert len(fewer.train) in ({10} if share == 0.5 else {2, 3})
        assert len(fewer.valid) == round(share * 14)
        assert (target.counts(fewer.train) >= 1).all()
        assert fewer.test is split.test
    assert fewer_labels(split, target, 1, 0) is split


def test_folds_spread_each_class_and_leave_single_examples_alone() -> None:
    target = target_of([[0]] * 10 + [[1]] * 5 + [[2]])
    fold = folds(target, np.arange(16), seed=3)
    assert np.bincount(fold[:10]).tolist() == [2] * 5
    assert np.bincount(fold[10:15]).tolist() == [1] * 5
    assert fold[15] == -1
    assert np.array_equal(fold, folds(target, np.arange(16), seed=3))


@given(ENTITIES, st.booleans(), st.integers(0, 5))
def test_no_class_lies_in_one_fold_and_no_group_in_two(
    entities: list[tuple[list[int], int]], grouped: bool, seed: int
) -> None:
    values, groups = map(list, zip(*entities, strict=True))
    target = target_of(values, groups if grouped else None)  # type: ignore[arg-type]
    part = np.arange(0, len(values), 2)
    fold = folds(target, part, seed)
    assert ((fold >= -1) & (fold < FOLDS)).all()
    place, label = target.pairs(part)
    for number in np.unique(label):
        held = fold[np.searchsorted(part, place[label == number])]
        assert (held == -1).any() or len(np.unique(held)) > 1
    if grouped:
        number = np.array(groups)[part]
        assert all(len(np.unique(fold[number == one])) == 1 for one in number)


def test_with_groups_of_one_the_folds_are_those_without_groups() -> None:
    target = target_of([[0]] * 10 + [[1]] * 5 + [[2]])
    alone = replace(target, groups=np.arange(16)[::-1].copy())
    assert np.array_equal(folds(alone, np.arange(16), seed=1), folds(target, np.arange(16), seed=1))
