"""The rivals score as they say, differences are paired, wrong links are as many as the right ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrieval import gain, interval, rows
from benchmarks.retrieval_rivals import Items, Linear, Recipe, both_ways, unit
from benchmarks.retrieval_runs import ABOUT, shuffled
from pipelines.store.store import Store


def test_the_interval_is_students_of_the_paired_differences() -> None:
    low, high = interval([0.1, 0.2, 0.3])
    assert low == pytest.approx(0.2 - 4.302653 * 0.1 / 3**0.5, abs=1e-6)
    assert high == pytest.approx(0.2 + 4.302653 * 0.1 / 3**0.5, abs=1e-6)
    assert interval([0.1]) == (float("-inf"), float("inf"))


def scores(mrr: float, recall: float = 0.8) -> dict[str, dict[str, float]]:
    return {task: {"MRR": mrr, "R@10": recall} for task in ("text to image", "image to text")}


def test_a_gain_holds_only_if_its_interval_is_clear_of_zero() -> None:
    found = {"ours": [scores(0.4), scores(0.5)], "level": [scores(0.39), scores(0.49)]}
    assert gain(found, "ours", "level", "text to image").holds
    found["mixed"] = [scores(0.3), scores(0.51)]
    assert not gain(found, "ours", "mixed", "text to image").holds


def test_the_claims_are_of_the_rows_that_are_there() -> None:
    found = {
        "ours": [scores(0.4), scores(0.42)],
        "ours, no graph": [scores(0.3), scores(0.33)],
        "ours, shuffled links": [scores(0.28), scores(0.28)],
    }
    held = {row.benchmark: row.holds for row in rows(found)}
    targets = [row for row in rows(found) if row.benchmark.startswith("text to image: ours (2 splits")]
    assert [(row.unit, row.rival) for row in targets] == [("MRR", 0.38), ("R@10", 0.72)]
    assert all(row.holds for row in targets)
    assert not held["text to image: ours, links shuffled, against no graph"]
    assert not any("better" in name for name in held)


def items() -> Items:
    """Three texts along the axes; the pictures of the first and the third are swapped."""
    axes = np.eye(3)
    return Items(axes, axes[[2, 1, 0]], axes, axes, np.eye(3))


def test_a_linear_map_that_undoes_the_swap_finds_every_picture() -> None:
    swapped = Linear(np.eye(3), np.eye(3)[[2, 1, 0]])
    rows = np.arange(3)
    np.testing.assert_allclose(swapped.scores(items(), rows, rows), np.eye(3))
    assert both_ways(swapped.scores(items(), rows, rows)) == 1


def test_a_prototype_is_the_mean_of_the_pictures_near_to_a_text_and_never_its_own() -> None:
    known = Items(
        unit(np.array([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]])),
        np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]),
        np.zeros((3, 2)),
        np.zeros((3, 2)),
        np.zeros((3, 3)),
    )
    nothing = Linear(np.zeros((2, 1)), np.zeros((2, 1)))
    recipe = Recipe(sharpness=100.0, caption=1.0, prototype=1.0)
    keys = np.arange(3)
    forth, back = recipe.scores(known, nothing, keys, keys)
    centred = unit(known.image - known.image.mean(0))
    np.testing.assert_allclose(forth[0], centred[1] @ centred.T, atol=1e-6)
    np.testing.assert_allclose(back, forth.T)


def test_shuffled_links_are_the_same_things_and_the_same_concepts_dealt_anew(store_folder: Path) -> None:
    graph = Store.open(store_folder).graph
    made = shuffled(graph, 0)
    about = graph.triples[:, 1] == graph.relation_id(ABOUT)
    wrong = made.triples[made.triples[:, 1] == graph.relation_id(ABOUT)]
    right = graph.triples[about]
    np.testing.assert_array_equal(np.sort(wrong[:, 0]), np.sort(right[:, 0]))
    np.testing.assert_array_equal(np.sort(wrong[:, 2]), np.sort(right[:, 2]))
    assert not np.array_equal(wrong, right)
    others = made.triples[made.triples[:, 1] != graph.relation_id(ABOUT)]
    np.testing.assert_array_equal(others, graph.triples[~about])
