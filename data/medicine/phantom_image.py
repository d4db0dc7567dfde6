"""The phantom's grey pictures: a body, its organs, noise, and one lesion of a given shape.

Synthetic throughout, and each picture says so in its lower edge. Values are in 0 to 1 until the end.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIDE = 256
SMALLEST, LARGEST = 34.0, 46.0  # radius of a lesion: it must cover a cell of a 7 x 7 grid
_MARK = "SYNTHETIC"
_CENTRE = np.array([128.0, 124.0])
_BODY = np.array([104.0, 112.0])

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Place:
    """Where the lesion is, in pixels of the picture: `x` to the right, `y` downwards."""

    x: float
    y: float
    radius: float


def draw(shape: str, random: np.random.Generator) -> tuple[Image.Image, Place]:
    """A picture of one lesion and the place where it is.

    Raises:
        ValueError: an unknown shape.
    """
    if shape not in _MASKS:
        raise ValueError(f"expected a shape of {', '.join(_MASKS)} (got {shape!r})")
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    pixels = _body(x, y, random)
    place = _place(random)
    mask = _MASKS[shape](x - place.x, y - place.y, place.radius, random)
    pixels = pixels + mask * (1 - pixels) * random.uniform(0.5, 0.85)
    gamma, noise = random.uniform(0.8, 1.3), random.uniform(0.02, 0.06)
    low, high = random.uniform(0.0, 0.08), random.uniform(0.85, 1.0)
    pixels = low + (high - low) * np.clip(pixels, 0, 1) ** gamma
    pixels = pixels + noise * random.standard_normal(pixels.shape)
    picture = Image.fromarray((255 * np.clip(pixels, 0, 1)).round().astype(np.uint8))
    ImageDraw.Draw(picture).text((4, SIDE - 14), _MARK, fill=150)
    return picture, place


def _body(x: Array, y: Array, random: np.random.Generator) -> Array:
    """Outline, two lungs, spine, heart and ribs, each moved a little."""
    centre = _CENTRE + random.uniform(-4, 4, 2)
    size = _BODY * random.uniform(0.95, 1.04, 2)
    pixels = 0.06 + 0.36 * _soft(_ellipse(x, y, centre, size))
    for side in (-1, 1):
        lung = centre + np.array([side * random.uniform(42, 48), random.uniform(-10, 0)])
        pixels -= 0.2 * _soft(_ellipse(x, y, lung, random.uniform(0.92, 1.08) * np.array([32, 66])))
    spine = np.exp(-(((x - centre[0]) / random.uniform(8, 12)) ** 2))
    inside = _soft(_ellipse(x, y, centre, size))
    pixels += 0.16 * spine * inside
    heart = centre + np.array([random.uniform(10, 20), random.uniform(20, 32)])
    pixels += 0.12 * _soft(_ellipse(x, y, heart, np.array([30, 26])), 0.3)
    ribs = np.sin((y + 0.002 * (x - centre[0]) ** 2) / random.uniform(5.0, 6.0))
    pixels += 0.03 * ribs * inside
    return pixels


def _place(random: np.random.Generator) -> Place:
    """Anywhere in the body, the lesion whole."""
    radius = random.uniform(SMALLEST, LARGEST)
    angle, distance = random.uniform(0, 2 * np.pi), np.sqrt(random.uniform(0, 1))
    x, y = _CENTRE + (_BODY * 0.95 - radius) * distance * np.array([np.cos(angle), np.sin(angle)])
    return Place(round(float(x), 1), round(float(y), 1), round(float(radius), 1))


def _disc(x: Array, y: Array, radius: float, random: np.random.Generator) -> Array:
    """Filled, slightly oval, with a soft edge."""
    oval = random.uniform(0.88, 1.0)
    return _soft(1 - np.hypot(x, y / oval) / radius, 0.12)


def _ring(x: Array, y: Array, radius: float, random: np.random.Generator) -> Array:
    """A rim around a middle that is like the surroundings; the rim lies inside the radius as a whole."""
    width = random.uniform(0.1, 0.14)
    return np.exp(-(((np.hypot(x, y) / radius - 0.72) / width) ** 2))


def _star(x: Array, y: Array, radius: float, random: np.random.Generator) -> Array:
    """Spikes around a small core."""
    spikes, turn = random.integers(6, 10), random.uniform(0, 2 * np.pi)
    wave = np.abs(np.cos(spikes * (np.arctan2(y, x) + turn) / 2)) ** 3
    return _soft(0.28 + 0.72 * wave - np.hypot(x, y) / radius, 0.06)


def _cluster(x: Array, y: Array, radius: float, random: np.random.Generator) -> Array:
    """Small dots on a sunflower's spiral, each shaken."""
    dots = int(random.integers(14, 20))
    mask = np.zeros_like(x)
    turn = random.uniform(0, 2 * np.pi)
    for dot in range(dots):
        distance = 0.88 * radius * np.sqrt((dot + 0.5) / dots)
        angle = turn + 2.39996 * dot  # the golden angle: no two dots lie behind each other
        at = distance * np.array([np.cos(angle), np.sin(angle)]) + random.normal(0, 0.03 * radius, 2)
        mask = np.maximum(mask, _soft(1 - np.hypot(x - at[0], y - at[1]) / (0.13 * radius), 0.4))
    return mask


_MASKS = {"disc": _disc, "ring": _ring, "star": _star, "cluster": _cluster}


def _ellipse(x: Array, y: Array, centre: Array, size: Array) -> Array:
    """1 in the centre, 0 on the edge, negative outside."""
    depth: Array = 1 - np.hypot((x - centre[0]) / size[0], (y - centre[1]) / size[1])
    return depth


def _soft(depth: Array, edge: float = 0.06) -> Array:
    """1 inside and 0 outside, with an edge of that depth between."""
    return np.clip(depth / edge, 0, 1)
