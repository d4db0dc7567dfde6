"""Walks against paths written down by hand and against networkx's simple paths."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.walks import Steps, parts_by_cost

NUM_ENTITIES, NUM_RELATIONS = 6, 2
FACTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 5)), min_size=0, max_size=12, unique=True
)


def steps_of(facts: list[tuple[int, int, int]]) -> Steps:
    return Steps(np.array(facts, dtype=np.int64).reshape(-1, 3), NUM_ENTITIES, NUM_RELATIONS)


def walked(steps: Steps, start: int, hub_degree: int = 99) -> set[tuple[int, ...]]:
    """Entity, directed relation, entity, relation, entity ... of each path."""
    found = []
    for paths in steps.walk(np.array([start]), 3, hub_degree):
        digits = steps.digits(paths.code)
        for place in range(len(paths.row)):
            nodes = [start, *(int(via[place]) for via in paths.via), int(paths.end[place])]
            names = [int(digit) for digit in digits[place] if digit >= 0]
            found.append(tuple(x for pair in zip(nodes, [*names, -1], strict=True) for x in pair)[:-1])
    assert len(found) == len(set(found))
    return set(found)


def simple_paths(facts: list[tuple[int, int, int]], start: int, hub_degree: int = 99) -> set[tuple[int, ...]]:
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from(range(NUM_ENTITIES))
    for head, relation, tail in facts:
        if head != tail:
            graph.add_edge(head, tail, key=relation)
            graph.add_edge(tail, head, key=relation + NUM_RELATIONS)
    found = set()
    for end in range(NUM_ENTITIES):
        if end == start:
            continue
        for path in networkx.all_simple_edge_paths(graph, start, end, cutoff=3):
            if all(graph.out_degree(step[1]) <= hub_degree for step in path[:-1]):
                found.add((start, *(x for step in path for x in (step[2], step[1]))))
    return found


def test_paths_go_either_way_and_never_twice_through_an_entity() -> None:
    # 0 -0-> 1 -1-> 2, and 3 -0-> 1
    steps = steps_of([(0, 0, 1), (1, 1, 2), (3, 0, 1)])
    assert walked(steps, 0) == {(0, 0, 1), (0, 0, 1, 1, 2), (0, 0, 1, 2, 3)}
    assert walked(steps, 2) == {(2, 3, 1), (2, 3, 1, 2, 0), (2, 3, 1, 2, 3)}


def test_a_hub_is_reached_but_not_walked_through() -> None:
    steps = steps_of([(0, 0, 1), (1, 1, 2), (3, 0, 1)])
    assert walked(steps, 0, hub_degree=2) == {(0, 0, 1)}


def test_loops_and_repeats_lead_nowhere() -> None:
    steps = steps_of([(0, 0, 0), (0, 0, 1), (0, 0, 1)])
    assert walked(steps, 0) == {(0, 0, 1)}


@settings(max_examples=60, deadline=None)
@given(FACTS, st.integers(0, 5), st.integers(1, 6))
def test_walks_are_the_simple_paths_of_networkx(
    facts: list[tuple[int, int, int]], start: int, hub_degree: int
) -> None:
    assert walked(steps_of(facts), start, hub_degree) == simple_paths(facts, start, hub_degree)


def test_a_fact_that_is_not_there_is_no_first_step_but_its_twin_is() -> None:
    steps = steps_of([(0, 0, 1), (0, 1, 1), (1, 0, 2)])
    without = np.array([0]), np.array([1])
    first, second = list(steps.walk(np.array([0]), 2, 99, without=without))
    assert steps.digits(first.code).tolist() == [[1, -1, -1]]
    assert steps.digits(second.code).tolist() == [[1, 0, -1]]


def test_what_is_not_kept_is_not_gone_on_from() -> None:
    steps = steps_of([(0, 0, 1), (0, 1, 2), (1, 0, 3), (2, 0, 4)])
    first, second = list(steps.walk(np.array([0]), 2, 99, keep=lambda row, code: code != 2))
    assert (first.end.tolist(), second.end.tolist()) == ([1], [3])


def test_numbers_are_walks_that_may_turn_back() -> None:
    steps = steps_of([(0, 0, 1), (1, 1, 2)])
    one, two = steps.numbers(2, 99)
    assert one.tolist() == [1, 2, 1, 0, 0, 0]
    assert two.tolist() == [2, 2, 2, 0, 0, 0]
    assert steps.numbers(2, 1)[1].tolist() == [0, 2, 0, 0, 0, 0]  # 1 is a hub: only its own walks go on


def test_facts_of_a_directed_relation() -> None:
    steps = steps_of([(3, 0, 1), (0, 0, 1), (1, 1, 2)])
    assert [ids.tolist() for ids in steps.facts_of(0)] == [[0, 3], [1, 1]]
    assert [ids.tolist() for ids in steps.facts_of(2)] == [[1, 1], [0, 3]]


def test_codes_and_digits_are_inverse() -> None:
    bodies = np.array([[0, -1, -1], [3, 2, -1], [1, 0, 3]])
    steps = steps_of([(0, 0, 1)])
    np.testing.assert_array_equal(steps.digits(steps.codes(bodies)), bodies)


def test_too_many_relations_for_one_integer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fit one integer with a path of three steps \(got 1000000 and 9\)"):
        Steps(np.array([[0, 0, 1]]), 9, 1_000_000)


def test_parts_cost_at_most_so_much_unless_they_are_alone() -> None:
    parts = parts_by_cost(np.array([1.0, 2.0, 9.0, 1.0, 1.0]), 3)
    assert [(part.start, part.stop) for part in parts] == [(0, 2), (2, 3), (3, 5)]
    assert parts_by_cost(np.empty(0), 3) == []
