"""The map: near ones stay near, the same at each run, groups as they are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kg.vocabulary import DEFAULT
from pipelines import Searcher
from pipelines.page import atlas as page_atlas
from pipelines.page.atlas import Grouping, atlas, plane
from pipelines.page.catalogue import Catalogue, Choice


def clusters(each: int = 20) -> np.ndarray:
    """Three tight bundles of directions."""
    random = np.random.default_rng(0)
    rows = np.repeat(np.eye(3, 8), each, axis=0) + 0.05 * random.normal(size=(3 * each, 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def kept_together(places: np.ndarray, each: int) -> float:
    """Share of the points whose nearest other one is of the same bundle."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((apart.argmin(1) // each == np.arange(len(places)) // each).mean())


def test_near_vectors_are_near_in_the_plane_and_the_same_at_each_run() -> None:
    places = plane(clusters(), np.random.default_rng(0))
    assert places.shape == (60, 2)
    assert places.min() == 0
    assert places.max() == 1
    assert kept_together(places, 20) == 1
    assert np.array_equal(places, plane(clusters(), np.random.default_rng(0)))


def test_what_is_not_laid_out_stands_amid_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_atlas, "LAID_OUT", 30)
    assert kept_together(plane(clusters(), np.random.default_rng(0)), 20) > 0.95


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_points_need_no_layout(count: int) -> None:
    places = plane(clusters()[:count], np.random.default_rng(0))
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()
    assert len(np.unique(places, axis=0)) == count


def test_cards_are_grouped_by_kind_of_what_they_are_about(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue(searcher.store.graph, searcher.labels, DEFAULT, (), searcher.allowed(None))
    found = atlas(catalogue, searcher.store.tensors["joint"].numpy())
    assert (len(found.things), found.total) == (31, 31)
    grouping = found.groupings[0]
    assert grouping.name == "about"
    assert sorted(one.label for one in grouping.groups) == [
        "animal",
        "fruit",
        "instrument",
        "plant",
        "vehicle",
    ]
    assert [one.count for one in grouping.groups] == [6] * 5
    assert int((grouping.group < 0).sum()) == 1  # the bare one is about nothing
    for place, number in zip(found.things, grouping.group, strict=True):
        (about,) = catalogue.values_of(int(place), "https://schema.org/about") or (None,)
        assert (about is None) == (number < 0)
    monkeypatch.setattr(page_atlas, "MOST_SHOWN", 10)
    part = atlas(catalogue, searcher.store.tensors["joint"].numpy())
    assert (len(part.things), part.total) == (10, 31)
    assert set(part.things) <= set(found.things)


def test_even_groups_tell_more_than_uneven_ones() -> None:
    groups = [Choice("a", "a", 1), Choice("b", "b", 1)]
    even = Grouping("r", "r", groups, np.array([0, 0, 1, 1]))
    uneven = Grouping("r", "r", groups, np.array([0, 0, 0, 1]))
    none = Grouping("r", "r", groups, np.array([-1, -1, -1, -1]))
    assert even.telling == pytest.approx(np.log(2))
    assert even.telling > uneven.telling > none.telling == 0
