"""The phantom's pictures: the lesion is where it is said to be, and looks as its shape says."""

import numpy as np
import pytest

from data.medicine.phantom_image import _MASKS, SIDE, draw

SHAPES = tuple(_MASKS)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_picture_is_brighter_at_the_place_of_the_lesion(shape: str) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    for seed in range(5):
        picture, place = draw(shape, np.random.default_rng(seed))
        pixels = np.asarray(picture, dtype=float)
        distance = np.hypot(x - place.x, y - place.y)
        assert pixels[distance < place.radius].mean() > pixels[distance > 1.2 * place.radius].mean() + 20


def test_the_middle_is_bright_in_a_disc_and_dark_in_a_ring() -> None:
    y, x = np.mgrid[-50:51, -50:51].astype(float)
    middle, rim = np.hypot(x, y) < 12, np.abs(np.hypot(x, y) - 28.8) < 1
    random = np.random.default_rng(0)
    disc, ring = (_MASKS[shape](x, y, 40.0, random) for shape in ("disc", "ring"))
    assert disc[middle].min() == 1
    assert ring[middle].max() < 0.01
    assert ring[rim].min() > 0.9


@pytest.mark.parametrize("shape", SHAPES)
def test_no_lesion_reaches_beyond_its_radius(shape: str) -> None:
    y, x = np.mgrid[-60:61, -60:61].astype(float)
    for seed in range(5):
        mask = _MASKS[shape](x, y, 40.0, np.random.default_rng(seed))
        assert mask[np.hypot(x, y) > 44].max(initial=0) < 0.05
        assert 0.05 < mask[np.hypot(x, y) <= 40].mean() < 1


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a shape of disc, ring, star, cluster \(got 'cube'\)"):
        draw("cube", np.random.default_rng(0))
