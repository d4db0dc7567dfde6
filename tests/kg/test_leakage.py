"""What training gives away, on facts counted by hand and against a count by loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kg.leakage import NEAR, Leakage, Told, leakage

FACTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 5)), max_size=30).map(
    lambda rows: np.array(rows, dtype=np.int64).reshape(-1, 3)
)
LIKES, LIKED_BY, MARRIED, OTHER = range(4)
TRAIN = np.array(
    [
        *((head, LIKES, head + 10) for head in range(5)),
        *((head + 10, LIKED_BY, head) for head in range(4)),  # four of five: nearly its inverse
        (20, MARRIED, 21),
        (21, MARRIED, 20),
        (22, MARRIED, 23),
        (23, MARRIED, 22),
        (24, MARRIED, 25),
        (1, OTHER, 2),
    ]
)


def test_duplicates_inverses_near_inverses_and_symmetric_relations_are_told() -> None:
    test = np.array(
        [
            (0, LIKES, 10),  # stands in training
            (14, LIKED_BY, 4),  # its reverse does, by the near inverse
            (25, MARRIED, 24),  # its own reverse does
            (2, OTHER, 1),  # its reverse does, but the relation is not symmetric
            (1, LIKES, 2),  # its pair does, by another relation
            (7, OTHER, 8),  # nothing of it does
        ]
    )
    found = leakage(TRAIN, test, 4)
    assert found == Leakage(
        facts=6,
        duplicates=1,
        same_pair=1,
        reversed_pair=4,
        by_relations=3,
        told=(
            Told(LIKES, LIKED_BY, True, 0.8, 1),
            Told(LIKED_BY, LIKES, True, 1.0, 1),
            Told(MARRIED, MARRIED, True, 0.8, 1),
        ),
    )


def test_a_relation_that_repeats_another_the_same_way_round_is_told() -> None:
    train = np.array([(0, 0, 1), (0, 1, 1), (2, 0, 3), (2, 1, 3), (4, 1, 5)])
    found = leakage(train, np.array([(4, 0, 5)]), 2)
    assert (found.duplicates, found.same_pair, found.by_relations) == (0, 1, 1)
    assert found.told == (Told(0, 1, False, 1.0, 1),)


def test_nothing_is_given_away_by_nothing_or_of_nothing() -> None:
    none = np.empty((0, 3), dtype=np.int64)
    assert leakage(none, TRAIN, 4) == Leakage(len(TRAIN), 0, 0, 0, 0, ())
    assert leakage(TRAIN, none, 4) == Leakage(0, 0, 0, 0, 0, ())


@given(train=FACTS, test=FACTS)
def test_it_counts_as_loops_do(train: np.ndarray, test: np.ndarray) -> None:
    found = leakage(train, test, 3)
    known = {tuple(fact) for fact in train.tolist()}
    pairs = {relation: {(h, t) for h, r, t in known if r == relation} for relation in range(3)}
    asked = [tuple(fact) for fact in test.tolist()]
    assert found.duplicates == sum(fact in known for fact in asked)
    assert found.same_pair == sum(any((h, t) in pairs[s] for s in range(3) if s != r) for h, r, t in asked)
    assert found.reversed_pair == sum(any((t, h) in pairs[s] for s in range(3)) for h, r, t in asked)
    near = {
        (relation, by, way)
        for relation in range(3)
        for by in range(3)
        for way in (False, True)
        if (relation != by or way)
        and pairs[relation]
        and len(pairs[relation] & {pair[:: -1 if way else 1] for pair in pairs[by]})
        >= NEAR * len(pairs[relation])
    }
    told = {(one.relation, one.by, one.reverse) for one in found.told}
    assert told == {one for one in near if one[0] in {r for _, r, _ in asked}}
    given_away = sum(
        any((t, h) in pairs[by] if way else (h, t) in pairs[by] for one, by, way in near if one == r)
        for h, r, t in asked
    )
    assert found.by_relations == given_away
