"""What is shown before any question: things with a picture, each far from the others."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("fastapi")

from pipelines import Searcher
from pipelines.page.room import Room
from pipelines.page.samples import SHOWN, far_apart


def test_the_first_is_in_the_middle_and_each_further_one_far_from_all_before() -> None:
    angles = np.deg2rad([0, 80, 10, 85, 170])  # the mean points to about 69 degrees
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert far_apart(vectors, 3) == [1, 4, 0]


def test_equal_things_are_met_once() -> None:
    vectors = np.repeat(np.eye(3), 4, axis=0)
    assert sorted(at // 4 for at in far_apart(vectors, 12)) == [0, 1, 2]
    assert far_apart(np.empty((0, 3)), 12) == []


def test_samples_have_a_picture_and_lead_to_what_is_known_of_them(searcher: Searcher) -> None:
    tiles = Room(searcher, "s 1").samples
    assert 2 <= len(tiles) <= SHOWN
    links = [re.findall(r'href="([^"]+)"', tile) for tile in tiles]
    assert all(len(link) == 1 and link[0].startswith("/page/entity?iri=https") for link in links)
    assert len({link[0] for link in links}) == len(tiles)
    assert all('<img src="/page/picture?' in tile and "state=s+1" in tile for tile in tiles)
