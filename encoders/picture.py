"""From a picture file of any kind to a square RGB picture: the part that all image models share.

The whole picture is kept: transparency becomes white, and white bars fill it up to a square, so
that nothing is cut off an object that fills its frame. Knows no model.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .base import MediaError, read_bytes
from .medical import ScanError, medical_picture
from .svg import SvgRenderer

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
# No EPS or the like: Pillow would start a program to read it.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "ICO", "PPM", "TGA", "JPEG2000")
_ORIENTATION = 0x0112  # the EXIF tag
_SIDEWAYS = 5  # its values from here on exchange width and height
_HEADERS = threading.Lock()  # catch_warnings is not safe in threads


@dataclass(frozen=True)
class Frame:
    """Where a picture of `width` x `height` pixels lies in its square of `side` pixels."""

    width: int
    height: int
    side: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom edge in the square; outside are white bars."""
        width, height = _fitted(self.width, self.height, self.side)
        left, top = (self.side - width) // 2, (self.side - height) // 2
        return left, top, left + width, top + height

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """A place of the square in pixels of the picture, the nearest one for a place in the bars."""
        left, top, right, bottom = self.box
        across, down = (x - left) / (right - left), (y - top) / (bottom - top)
        return min(max(across, 0.0), 1.0) * self.width, min(max(down, 0.0), 1.0) * self.height


class PictureReader:
    """Reads pictures as squares of `side` pixels; `read` may be called from several threads."""

    def __init__(self, side: int) -> None:
        import torchvision.transforms.v2  # noqa: F401  # here, not in the first thread that reads

        self.side = side
        self._svg = SvgRenderer()

    def blank(self) -> Image:
        """A white picture, to probe a model with."""
        from PIL import Image

        return Image.new("RGB", (self.side, self.side), "white")

    def read(self, reference: str | Path) -> Image:
        """The picture as RGB, `side` x `side`; of an animation the first frame.

        Raises:
            MediaError: missing, empty, damaged, too large, or not a picture.
        """
        with _one_sentence(reference):
            content = self._content(reference)
            scan = medical_picture(content, MAX_PIXELS)
            image = _upright(content, self.side) if scan is None else _scaled(_flat(scan), self.side)
            return _square(image, self.side)

    def frame(self, reference: str | Path) -> Frame:
        """Where the picture lies in what `read` gives; a drawing has the pixels that it is drawn with.

        Raises:
            MediaError: as `read` does.
        """
        with _one_sentence(reference):
            content = self._content(reference)
            scan = medical_picture(content, MAX_PIXELS)
            if scan is not None:
                return Frame(*scan.size, self.side)
            image, orientation = _opened(content)
            width, height = image.size if orientation < _SIDEWAYS else image.size[::-1]
            return Frame(width, height, self.side)

    def _content(self, reference: str | Path) -> bytes:
        content = read_bytes(reference, "a picture")
        return self._svg.render(content, self.side) if _is_xml(content) else content


@contextmanager
def _one_sentence(reference: str | Path) -> Iterator[None]:
    """Turn whatever a bad file makes its reader raise into a MediaError."""
    try:
        yield
    except MediaError:
        raise
    except (_TooLargeError, ScanError) as error:
        raise MediaError(reference, str(error)) from error
    except Exception as error:  # Pillow's decoders raise a dozen kinds on damaged files
        reason = str(error).partition("\n")[0].split(" <_io")[0].rstrip(". ")
        reason = f"a damaged or unknown file: {reason or type(error).__name__}"
        raise MediaError(reference, f"expected a picture (got {reason})") from error


class _TooLargeError(Exception):
    pass


def _is_xml(content: bytes) -> bool:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))


def _upright(content: bytes, side: int) -> Image:
    """Decoded, without transparency, turned as EXIF says, and not much larger than needed."""
    from PIL import Image

    image, orientation = _opened(content)
    image.draft(None, (2 * side, 2 * side))  # lets JPEG decode at a fraction of its size
    image.load()
    image = _scaled(_flat(image), side)
    turns = Image.Transpose
    turn = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_270,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


def _opened(content: bytes) -> tuple[Image, int]:
    """The picture with only its header read, once its size is known to be sane; its orientation."""
    from PIL import Image, UnidentifiedImageError

    with _HEADERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes that are checked here, and about odd metadata
        try:
            Image.init()
            image = Image.open(BytesIO(content), formats=[f for f in FORMATS if f in Image.OPEN])
        except Image.DecompressionBombError as error:
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
            raise _TooLargeError(_too_large(f"more than {limit} million")) from error
        except UnidentifiedImageError as error:
            raise ValueError("no known picture format") from error
        if image.width * image.height > MAX_PIXELS:
            raise _TooLargeError(_too_large(f"{image.width} x {image.height}"))
        try:
            orientation = int(image.getexif().get(_ORIENTATION, 1))
        except Exception:  # broken metadata of a good picture
            orientation = 1
    return image, orientation


def _too_large(got: str) -> str:
    return f"expected a picture of at most {MAX_PIXELS // 10**6} million pixels (got {got})"


def _flat(image: Image) -> Image:
    """As 8-bit RGB on white."""
    from PIL import Image as Pillow

    if image.mode == "F" or image.mode.startswith("I"):
        image = _eight_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Pillow.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _eight_bits(image: Image) -> Image:
    """Grey of 16 bits scaled to 8; other grey numbers from their smallest to their largest."""
    from PIL import Image as Pillow

    values = np.asarray(image, dtype=np.float64)
    low, high = 0.0, 65535.0
    if not image.mode.startswith("I;16"):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return Pillow.fromarray(np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8))


def _scaled(image: Image, side: int) -> Image:
    """The longer edge as long as `side`; torch's kernel for bytes is eight times as fast as Pillow's."""
    from PIL import Image as Pillow
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as transform

    width, height = _fitted(*image.size, side)
    if (width, height) == image.size:
        return image
    pixels = transform.pil_to_tensor(image)
    resized = transform.resize(pixels, [height, width], InterpolationMode.BICUBIC, antialias=True)
    return Pillow.fromarray(resized.permute(1, 2, 0).numpy())


def _fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height with the longer of them as long as `side`."""
    scale = side / max(width, height)
    return max(1, round(scale * width)), max(1, round(scale * height))


def _square(image: Image, side: int) -> Image:
    from torchvision.transforms.v2 import functional as transform

    left, top = (side - image.width) // 2, (side - image.height) // 2
    right, bottom = side - image.width - left, side - image.height - top
    padded: Image = transform.pad(image, [left, top, right, bottom], fill=[255, 255, 255])
    return padded
