"""Chains of facts: by hand, and against networkx and plain recursion on random graphs."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kg.paths import PathFinder, Step

Ids = NDArray[np.int64]
SIZE = 9
TRIPLES = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, 2), st.integers(0, SIZE - 1)), max_size=25
).map(lambda rows: np.array(rows, dtype=np.int64).reshape(-1, 3))
ENTITIES = st.sets(st.integers(0, SIZE - 1), max_size=4)


def finder_of(facts: list[Step], num_entities: int, ignored: tuple[int, ...] = ()) -> PathFinder:
    return PathFinder(np.array(facts, dtype=np.int64).reshape(-1, 3), num_entities, ignored)


def arrival_costs(triples: Ids) -> NDArray[np.float64]:
    """What it costs to arrive at each entity: 1 + log of the number of its facts."""
    kept = triples[triples[:, 0] != triples[:, 2]]
    degree = np.bincount(kept[:, [0, 2]].reshape(-1), minlength=SIZE)
    return np.asarray(1 + np.log(np.maximum(degree, 1)))


def entities_along(path: list[Step], anchors: set[int]) -> list[int]:
    """The entities a path visits; it must be a chain that starts at an anchor."""
    first = path[0]
    starts = [end for end in (first[0], first[2]) if end in anchors]
    for start in starts:
        visited = [start]
        for head, _, tail in path:
            if visited[-1] not in (head, tail):
                break
            visited.append(tail if visited[-1] == head else head)
        else:
            return visited
    raise AssertionError(f"{path} is no chain from {anchors}")


def cost_of(path: list[Step], anchors: set[int], costs: NDArray[np.float64]) -> float:
    return float(sum(costs[entity] for entity in entities_along(path, anchors)[1:]))


def test_a_chain_is_returned_as_its_facts_stand_whichever_way_they_are_walked() -> None:
    finder = finder_of([(0, 7, 1), (2, 8, 1), (2, 9, 3)], 4)
    assert finder.paths([0], [3]) == {3: [(0, 7, 1), (2, 8, 1), (2, 9, 3)]}
    assert finder.paths([3], [0]) == {0: [(2, 9, 3), (2, 8, 1), (0, 7, 1)]}


def test_a_longer_way_that_avoids_a_hub_is_cheaper() -> None:
    # 0 - 1 - 2 through the hub 1 costs (1 + log 12) + (1 + log 2) = 5.18;
    # 0 - 3 - 4 - 2 costs 3 (1 + log 2) = 5.08
    crowd = [(1, 5, other) for other in range(5, 15)]
    finder = finder_of([(0, 0, 1), (1, 0, 2), (0, 0, 3), (3, 0, 4), (4, 0, 2), *crowd], 15)
    assert finder.paths([0], [2]) == {2: [(0, 0, 3), (3, 0, 4), (4, 0, 2)]}
    # with two members less the hub is the cheaper way: (1 + log 10) + (1 + log 2) = 4.996
    smaller = finder_of([(0, 0, 1), (1, 0, 2), (0, 0, 3), (3, 0, 4), (4, 0, 2), *crowd[:-2]], 15)
    assert smaller.paths([0], [2]) == {2: [(0, 0, 1), (1, 0, 2)]}


def test_a_path_no_longer_than_allowed_is_found_where_the_cheapest_is_too_long() -> None:
    crowd = [(1, 5, other) for other in range(5, 15)]
    finder = finder_of([(0, 0, 1), (1, 0, 2), (0, 0, 3), (3, 0, 4), (4, 0, 2), *crowd], 15)
    assert finder.paths([0], [2], max_length=2) == {2: [(0, 0, 1), (1, 0, 2)]}
    assert finder.paths([0], [2], max_length=1) == {}


def test_a_cheap_long_way_to_an_entity_between_does_not_spoil_a_short_one_through_it() -> None:
    # to 4 the cheapest way is 0 - 2 - 3 - 4, but then 5 is out of reach in three steps
    crowd = [(1, 5, other) for other in range(6, 40)]
    facts = [(0, 0, 1), (1, 0, 4), (0, 0, 2), (2, 0, 3), (3, 0, 4), (4, 0, 5), *crowd]
    finder = finder_of(facts, 40)
    assert finder.paths([0], [4], max_length=3)[4] == [(0, 0, 2), (2, 0, 3), (3, 0, 4)]
    assert finder.paths([0], [5], max_length=3)[5] == [(0, 0, 1), (1, 0, 4), (4, 0, 5)]


def test_the_nearest_anchor_is_where_the_path_begins() -> None:
    finder = finder_of([(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 0, 4)], 5)
    assert finder.paths([0, 4], [3, 1]) == {1: [(0, 0, 1)], 3: [(3, 0, 4)]}


def test_an_anchor_needs_no_path() -> None:
    finder = finder_of([(0, 0, 1), (1, 0, 2)], 3)
    assert finder.paths([0, 1], [0, 1, 2]) == {2: [(1, 0, 2)]}


def test_without_anchors_or_targets_there_are_no_paths() -> None:
    finder = finder_of([(0, 0, 1)], 2)
    assert finder.paths([], [1]) == {}
    assert finder.paths([0], []) == {}
    assert finder_of([], 2).paths([0], [1]) == {}


def test_an_ignored_relation_is_not_walked_and_makes_no_hub() -> None:
    kinds = [(other, 9, 1) for other in range(4, 20)]
    facts = [(0, 9, 2), (0, 0, 1), (1, 0, 2), (0, 0, 3), (3, 1, 2), *kinds]
    assert finder_of(facts, 20).paths([0], [2]) == {2: [(0, 9, 2)]}
    # without relation 9 entity 1 has two facts, as 3 has: equal cost, the smaller id is taken
    assert finder_of(facts, 20, (9,)).paths([0], [2]) == {2: [(0, 0, 1), (1, 0, 2)]}
    assert finder_of(facts, 20, (9, 0)).paths([0], [2]) == {}


def test_a_fact_of_an_entity_with_itself_is_no_step_and_makes_no_hub() -> None:
    loops = [(1, relation, 1) for relation in range(20)]
    facts = [(0, 0, 1), (1, 0, 2), (0, 0, 3), (3, 0, 2), *loops]
    assert finder_of(facts, 4).paths([0], [2]) == {2: [(0, 0, 1), (1, 0, 2)]}


def test_of_two_facts_between_the_same_entities_one_is_shown() -> None:
    assert finder_of([(0, 1, 1), (1, 0, 0)], 2).paths([0], [1]) == {1: [(0, 1, 1)]}


def test_asking_twice_gives_the_same_answer() -> None:
    finder = finder_of([(0, 0, 1), (1, 0, 3), (0, 0, 2), (2, 0, 3)], 4)
    assert finder.paths([0], [3]) == finder.paths([0], [3]) == {3: [(0, 0, 1), (1, 0, 3)]}


@pytest.mark.parametrize("length", [0, -1])
def test_a_path_of_no_steps_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=rf"expected paths of at least 1 step \(got {length}\)"):
        finder_of([(0, 0, 1)], 2).paths([0], [1], max_length=length)


@given(triples=TRIPLES, anchors=ENTITIES, targets=ENTITIES)
def test_paths_of_any_length_cost_what_those_of_networkx_cost(
    triples: Ids, anchors: set[int], targets: set[int]
) -> None:
    costs, graph = arrival_costs(triples), nx.DiGraph()
    graph.add_nodes_from(range(SIZE))
    for head, _, tail in triples.tolist():
        graph.add_edge(head, tail, weight=costs[tail])
        graph.add_edge(tail, head, weight=costs[head])
    expected = nx.multi_source_dijkstra_path_length(graph, anchors) if anchors else {}
    found = PathFinder(triples, SIZE).paths(anchors, targets, max_length=100)
    assert found.keys() == (targets & expected.keys()) - anchors
    facts = set(map(tuple, triples.tolist()))
    for target, path in found.items():
        assert set(path) <= facts
        assert entities_along(path, anchors)[-1] == target
        assert cost_of(path, anchors, costs) == pytest.approx(expected[target])


@given(triples=TRIPLES, anchors=ENTITIES, targets=ENTITIES, longest=st.integers(1, 5))
def test_paths_of_bounded_length_are_the_cheapest_of_that_length(
    triples: Ids, anchors: set[int], targets: set[int], longest: int
) -> None:
    costs = arrival_costs(triples)
    cheapest = np.where(np.isin(np.arange(SIZE), list(anchors)), 0.0, math.inf)
    for _ in range(longest):
        further = cheapest.copy()
        for head, _, tail in triples.tolist():
            further[tail] = min(further[tail], cheapest[head] + costs[tail])
            further[head] = min(further[head], cheapest[tail] + costs[head])
        cheapest = further
    found = PathFinder(triples, SIZE).paths(anchors, targets, max_length=longest)
    assert found.keys() == {target for target in targets - anchors if cheapest[target] < math.inf}
    for target, path in found.items():
        assert len(path) <= longest
        assert cost_of(path, anchors, costs) == pytest.approx(cheapest[target])


@given(triples=TRIPLES, anchors=ENTITIES, targets=ENTITIES, longest=st.integers(1, 5))
def test_a_path_does_not_depend_on_what_else_is_asked_for(
    triples: Ids, anchors: set[int], targets: set[int], longest: int
) -> None:
    # the search ends where the dearest target is reached: the others must not notice
    finder, alone = PathFinder(triples, SIZE), {}
    for target in targets:
        alone |= finder.paths(anchors, [target], max_length=longest)
    assert finder.paths(anchors, targets, max_length=longest) == alone


@given(triples=TRIPLES, anchors=ENTITIES, targets=ENTITIES, seed=st.integers(0, 2**16))
def test_paths_visit_the_same_entities_in_whatever_order_the_facts_come(
    triples: Ids, anchors: set[int], targets: set[int], seed: int
) -> None:
    shuffled = np.random.default_rng(seed).permutation(triples)
    found, again = (PathFinder(rows, SIZE).paths(anchors, targets) for rows in (triples, shuffled))
    assert found.keys() == again.keys()
    for target, path in found.items():
        assert entities_along(path, anchors) == entities_along(again[target], anchors)


def test_of_facts_that_run_both_ways_the_one_that_is_stated_forward_is_shown() -> None:
    finder = finder_of([(1, 0, 0), (0, 5, 1), (0, 6, 1)], 2)
    assert finder.paths([0], [1]) == {1: [(0, 5, 1)]}
    assert finder.paths([1], [0]) == {0: [(1, 0, 0)]}


def test_paths_apart_share_no_fact_and_come_cheapest_first() -> None:
    # 0 to 3 directly, by 1, and by 2 with its many other ties; the two facts 0-1 count one by one
    facts = [
        (0, 0, 3),
        (0, 0, 1),
        (0, 1, 1),
        (1, 0, 3),
        (0, 0, 2),
        (3, 0, 2),
        *((2, 1, n) for n in (4, 5, 6)),
    ]
    finder = finder_of(facts, 7)
    found = finder.apart([0], 3, 9)
    assert found == [[(0, 0, 3)], [(0, 0, 1), (1, 0, 3)], [(0, 0, 2), (3, 0, 2)]]
    assert finder.apart([0], 3, 2) == found[:2]
    assert finder.paths([0], [3])[3] == found[0]  # the finder itself is as it was
    assert finder.apart([3], 3, 2) == []
    assert finder.apart([], 3, 2) == []


@given(TRIPLES, ENTITIES, st.integers(0, SIZE - 1), st.integers(1, 4))
def test_paths_apart_are_found_until_no_path_is_left(
    triples: Ids, anchors: set[int], target: int, count: int
) -> None:
    triples = np.unique(triples, axis=0)
    found = PathFinder(triples, SIZE).apart(anchors, target, count, max_length=4)
    used = [step for path in found for step in path]
    assert len(used) == len(set(used))
    costs = arrival_costs(triples)
    priced = [sum(costs[entity] for entity in entities_along(path, anchors)[1:]) for path in found]
    assert priced == pytest.approx(sorted(priced))
    if len(found) < count and target not in anchors:
        rest = nx.Graph()
        rest.add_nodes_from(range(SIZE))
        rest.add_edges_from((h, t) for h, r, t in triples.tolist() if (h, r, t) not in used)
        reached = {end for a in anchors for end in nx.single_source_shortest_path_length(rest, a, cutoff=4)}
        assert target not in reached


def test_no_paths_apart_are_no_question() -> None:
    with pytest.raises(ValueError, match=r"expected at least 1 path \(got 0\)"):
        finder_of([(0, 0, 1)], 2).apart([0], 1, 0)
