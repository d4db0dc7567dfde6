"""Splits hold what they promise for whatever they are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kg.splits import Seal, Split, grouped_split, triple_split

Ids = NDArray[np.int64]
SHARES = st.tuples(st.floats(0, 0.49), st.floats(0, 0.49))
SEEDS = st.integers(0, 2**32 - 1)
GROUPS = st.lists(st.integers(0, 12), max_size=40).map(lambda rows: np.array(rows, dtype=np.int64))
TRIPLES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 9)), max_size=60, unique=True
).map(lambda rows: np.array(rows, dtype=np.int64).reshape(-1, 3))


def parts(split: Split) -> tuple[Ids, Ids, Ids]:
    return split.train, split.valid, split.test


def assert_partition(split: Split, size: int) -> None:
    together = np.concatenate(parts(split))
    assert sorted(together.tolist()) == list(range(size))
    assert all((np.diff(part) > 0).all() for part in parts(split))


@given(groups=GROUPS, shares=SHARES, seed=SEEDS)
def test_groups_are_split_whole_into_disjoint_parts_that_cover_everything(
    groups: Ids, shares: tuple[float, float], seed: int
) -> None:
    split = grouped_split(groups, valid=shares[0], test=shares[1], seed=seed)
    assert_partition(split, len(groups))
    names = [set(groups[part].tolist()) for part in parts(split)]
    assert sum(map(len, names)) == len(set().union(*names))
    assert len(split.train) > 0 or not len(groups)


@given(triples=TRIPLES, shares=SHARES, seed=SEEDS)
def test_every_entity_and_relation_keeps_a_fact_in_training(
    triples: Ids, shares: tuple[float, float], seed: int
) -> None:
    split = triple_split(triples, valid=shares[0], test=shares[1], seed=seed)
    assert_partition(split, len(triples))
    kept = triples[split.train]
    assert set(triples[:, [0, 2]].flat) == set(kept[:, [0, 2]].flat)
    assert set(triples[:, 1]) == set(kept[:, 1])


@given(triples=TRIPLES, shares=SHARES, seed=SEEDS)
def test_facts_between_the_same_two_entities_stay_in_one_part(
    triples: Ids, shares: tuple[float, float], seed: int
) -> None:
    split = triple_split(triples, valid=shares[0], test=shares[1], seed=seed)
    pairs = [{frozenset((head, tail)) for head, _, tail in triples[part].tolist()} for part in parts(split)]
    assert sum(map(len, pairs)) == len(set().union(*pairs))


@given(triples=TRIPLES, shares=SHARES, seed=SEEDS)
def test_no_more_facts_are_held_out_than_asked(triples: Ids, shares: tuple[float, float], seed: int) -> None:
    split = triple_split(triples, valid=shares[0], test=shares[1], seed=seed)
    assert len(split.valid) + len(split.test) <= round(sum(shares) * len(triples))


def test_groups_come_in_the_shares_that_were_asked_for() -> None:
    groups = np.repeat(np.arange(20), 3)
    split = grouped_split(groups, valid=0.1, test=0.25, seed=0)
    assert [len(part) for part in parts(split)] == [3 * 13, 3 * 2, 3 * 5]


def test_facts_of_a_dense_graph_come_in_the_shares_that_were_asked_for() -> None:
    pairs = [(head, (head + tail) % 2, tail) for head in range(15) for tail in range(head)]
    split = triple_split(np.array(pairs), valid=0.1, test=0.2, seed=0)
    # 105 facts, 32 held out (31.5 rounded to even), a third of them for validation
    assert [len(part) for part in parts(split)] == [73, 11, 21]


def test_the_only_fact_of_an_entity_or_a_relation_stays_in_training() -> None:
    # entity 3 has but the fourth fact, and relation 1 the second: of the triangle the others may be asked
    triples = np.array([[0, 0, 1], [1, 1, 2], [2, 0, 0], [2, 0, 3]])
    held = {tuple(triple_split(triples, valid=0, test=0.9, seed=seed).test) for seed in range(20)}
    assert held == {(0,), (2,)}


def test_of_a_relation_with_two_facts_one_may_be_asked_and_one_stays() -> None:
    # every entity has eleven facts, so it is the relation alone that is short of them
    pairs = [(head, tail) for head in range(12) for tail in range(head)]
    triples = np.array([(head, int((head, tail) in ((1, 0), (3, 2))), tail) for head, tail in pairs])
    held = [(triples[triple_split(triples, valid=0, test=0.8, seed=s).test, 1] == 1).sum() for s in range(20)]
    assert set(held) == {0, 1}


def test_a_fact_and_its_inverse_by_another_relation_are_not_told_apart_by_a_split() -> None:
    # 0-1 is said twice; it would be given away by its twin, so only the others may be asked
    triples = np.array([[0, 0, 1], [1, 1, 0], [0, 0, 2], [1, 0, 2], [2, 1, 3], [0, 1, 3], [1, 1, 3]])
    for seed in range(20):
        split = triple_split(triples, valid=0.2, test=0.2, seed=seed)
        assert {0, 1} <= set(split.train.tolist())


def test_the_last_group_is_kept_for_training() -> None:
    split = grouped_split(np.array([5, 5]), valid=0.4, test=0.5, seed=0)
    assert [part.tolist() for part in parts(split)] == [[0, 1], [], []]


def test_nothing_is_split_into_nothing() -> None:
    assert_partition(grouped_split(np.empty(0, dtype=np.int64), valid=0.1, test=0.1, seed=0), 0)
    assert_partition(triple_split(np.empty((0, 3), dtype=np.int64), valid=0.1, test=0.1, seed=0), 0)


def by_group(valid: float, test: float, seed: int) -> Split:
    return grouped_split(np.arange(40), valid=valid, test=test, seed=seed)


def by_fact(valid: float, test: float, seed: int) -> Split:
    pairs = [(head, 0, tail) for head in range(9) for tail in range(head)]
    return triple_split(np.array(pairs), valid=valid, test=test, seed=seed)


@pytest.mark.parametrize("split", [by_group, by_fact])
def test_the_seed_alone_decides(split: Callable[[float, float, int], Split]) -> None:
    first, again, other = (split(0.2, 0.2, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(*pair) for pair in zip(parts(first), parts(again), strict=True))
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize("split", [by_group, by_fact])
@pytest.mark.parametrize(
    ("valid", "test"), [(0.5, 0.5), (1.0, 0.0), (-0.1, 0.2), (0.2, -0.1), (float("nan"), 0.1)]
)
def test_shares_that_leave_no_training_part_are_refused(
    split: Callable[[float, float, int], Split], valid: float, test: float
) -> None:
    with pytest.raises(ValueError, match="expected shares that leave a training part"):
        split(valid, test, 0)


def test_what_training_is_given_has_no_test_part() -> None:
    learning = Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)).learning()
    assert {name: part.tolist() for name, part in vars(learning).items()} == {
        "train": [0, 1, 2],
        "valid": [3, 4],
    }


def test_the_test_opens_once_and_the_record_says_when_and_after_what_choice() -> None:
    split, seal = Split(np.arange(3), np.arange(3, 5), np.arange(5, 9)), Seal()
    before = datetime.now(UTC)
    assert seal.open(split, {"epoch": 4}).tolist() == [5, 6, 7, 8]
    assert seal.record["parts"] == {"train": 3, "valid": 2, "test": 4}
    assert seal.record["chosen_by_validation"] == {"epoch": 4}
    opened = datetime.fromisoformat(seal.record["opened"])
    assert before.replace(microsecond=0) <= opened <= datetime.now(UTC)
    with pytest.raises(RuntimeError, match="expected a test that is opened once"):
        seal.open(split, {})
