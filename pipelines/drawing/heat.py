"""Draw a heat map over its picture, beside the plain picture, as one PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from pipelines.prediction.heat_map import HeatMap

MARGIN = 12
LINE = 24
HEAT = (255, 80, 30)
"""Red, at most this opaque:"""
OPAQUE = 0.65
RING = 9


def draw(found: HeatMap, title: str, subtitle: str, path: Path) -> None:
    """Write the plain picture and the one under its map, side by side below two lines of text.

    Raises:
        ValueError: the file is not named as a PNG.
        OSError: it cannot be written.
    """
    check_name(path)
    width, height = found.picture.size
    top = MARGIN + 2 * LINE
    size = (max(2 * width + 3 * MARGIN, 480), top + height + MARGIN)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for number, (text, points) in enumerate(((title, 17), (subtitle, 13))):
        font = ImageFont.load_default(points)
        shown = _cut(text, font, size[0] - 2 * MARGIN)
        pen.text((MARGIN, MARGIN // 2 + number * LINE), shown, fill="black", font=font)
    sheet.paste(found.picture, (MARGIN, top))
    sheet.paste(_heated(found), (2 * MARGIN + width, top))
    sheet.save(path, format="PNG")


def check_name(path: Path) -> None:
    """Tell before any work that a map is a PNG.

    Raises:
        ValueError: the file is not named as one.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"expected a file name that ends in .png for the map (got {path})")


def _heated(found: HeatMap) -> Image.Image:
    """The picture in grey, the redder the more a place speaks for the class; a ring at the peak.

    Red begins above the median place: what all places share, the plain background too, shows none of them.
    """
    heat = found.heat.numpy().astype(np.float64)
    heat = np.clip(heat - max(float(np.median(heat)), 0.0), 0, None)
    opacity = (OPAQUE * heat / max(float(heat.max()), 1e-12))[..., None]
    grey = np.asarray(found.picture.convert("L").convert("RGB"), dtype=np.float64)
    mixed = (1 - opacity) * grey + opacity * np.array(HEAT, dtype=np.float64)
    picture = Image.fromarray(mixed.round().astype(np.uint8))
    x, y = found.peak
    pen = ImageDraw.Draw(picture)
    for radius, colour in ((RING + 1, "black"), (RING, "white")):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=2)
    return picture


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The text, cut to what fits a line."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
