"""Picture files of every kind, good and bad, as PIL writes them."""

import io
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoders import MediaError
from encoders.picture import PictureReader

SIDE = 8
RED, GREEN, WHITE = (255, 0, 0), (0, 128, 0), (255, 255, 255)


@pytest.fixture(scope="module")
def reader() -> PictureReader:
    return PictureReader(SIDE)


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, ...], tolerance: int = 6) -> bool:
    pixel = image.getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    head = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    data = b"IDAT" + zlib.compress(b"")
    chunks = [(len(c) - 4).to_bytes(4) + c + zlib.crc32(c).to_bytes(4) for c in (head, data, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


MODES = ["RGB", "RGBA", "L", "LA", "P", "PA", "1", "I;16", "I", "F", "CMYK", "YCbCr", "LAB", "HSV"]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
def test_every_mode_that_a_format_has_becomes_a_square_of_rgb(
    reader: PictureReader, tmp_path: Path, suffix: str
) -> None:
    read = set()
    for mode in MODES:
        path = tmp_path / f"x.{suffix}"
        try:
            Image.new("RGB", (20, 20), "white").convert(mode).save(path)
        except (OSError, ValueError, KeyError):  # this format has no such mode
            continue
        image = reader.read(path)
        assert (image.mode, image.size) == ("RGB", (SIDE, SIDE))
        # PIL writes the first two wrongly in some formats, and converts to the others without scaling.
        assert mode in ("PA", "HSV", "I;16", "I", "F") or near(image, (4, 4), WHITE), mode
        read.add(mode)
    assert {"RGB", "L", "1"} <= read


@pytest.mark.parametrize("size", [(20, 10), (10, 20), (1, 300), (300, 1), (1, 1), (3000, 2000)])
def test_the_whole_picture_is_kept_and_white_fills_it_up(
    reader: PictureReader, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "x.png")
    image = reader.read(tmp_path / "x.png")
    assert image.size == (SIDE, SIDE)
    red = np.asarray(image)[..., 1] < 6
    assert red[4].any() or red[:, 4].any() or red[3].any()
    if size in ((20, 10), (10, 20)):
        assert red.sum() == SIDE * SIDE // 2
        assert red[2:6].all() or red[:, 2:6].all()


@pytest.mark.parametrize("size", [(500, 400), (90, 131), (50, 40), (64, 64)])
def test_a_picture_is_scaled_as_pillow_scales_it_but_for_rounding(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "x.png")
    square = np.asarray(PictureReader(64).read(tmp_path / "x.png")).astype(int)
    width, height = (round(64 * length / max(size)) for length in size)
    left, top = (64 - width) // 2, (64 - height) // 2
    scaled = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    assert np.abs(square[top : top + height, left : left + width] - np.asarray(scaled)).max() <= 1


def test_transparent_parts_are_white_whatever_colour_they_hide(reader: PictureReader, tmp_path: Path) -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    clear.save(tmp_path / "rgba.png")
    Image.new("LA", (10, 10), (0, 0)).save(tmp_path / "la.png")
    Image.new("L", (10, 10), 0).save(tmp_path / "l.png", transparency=0)
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([255, 0, 0] * 256)
    palette.save(tmp_path / "p.png", transparency=0)
    palette.save(tmp_path / "bytes.png", transparency=bytes([0] * 256))
    for path in tmp_path.iterdir():
        assert near(reader.read(path), (4, 4), WHITE), path.name


def test_sixteen_bits_keep_their_greys(reader: PictureReader, tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 10), 128 * 257, dtype=np.uint16)).save(tmp_path / "x.png")
    assert near(reader.read(tmp_path / "x.png"), (4, 4), (128,) * 3, tolerance=1)
    Image.fromarray(np.linspace(-1, 1, 100, dtype=np.float32).reshape(10, 10)).save(tmp_path / "x.tiff")
    image = np.asarray(reader.read(tmp_path / "x.tiff"))
    assert image.min() < 30
    assert image.max() > 225


def test_of_an_animation_the_first_frame_counts(reader: PictureReader, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green", "blue")]
    for suffix in ("gif", "webp", "png", "tiff"):
        path = tmp_path / f"x.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert near(reader.read(path), (4, 4), RED), suffix


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture_upright(reader: PictureReader, tmp_path: Path, orientation: int) -> None:
    upright = Image.new("RGB", (40, 40), "white")
    upright.paste("red", (0, 0, 20, 20))  # red at the top left
    upright.paste("green", (20, 0, 40, 20))  # green at the top right
    turns = Image.Transpose
    stored = {1: None, 2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM}
    stored |= {5: turns.TRANSPOSE, 6: turns.ROTATE_90, 7: turns.TRANSVERSE, 8: turns.ROTATE_270}
    turn = stored[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    (upright if turn is None else upright.transpose(turn)).save(tmp_path / "x.png", exif=exif)
    image = reader.read(tmp_path / "x.png")
    assert near(image, (1, 1), RED)
    assert near(image, (6, 1), GREEN)
    assert near(image, (1, 6), WHITE)


def test_broken_exif_does_not_spoil_a_good_picture(reader: PictureReader, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), "red").save(
        tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", quality=95
    )
    assert near(reader.read(tmp_path / "x.jpg"), (4, 4), RED)


def test_a_drawing_is_a_picture_whatever_its_name(reader: PictureReader, tmp_path: Path) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt">'
    svg += '<rect width="99" height="99" fill="red"/></svg>'
    for name, start in (("x.svg", ""), ("x.png", "\n"), ("y.svg", "\ufeff")):
        (tmp_path / name).write_text(start + svg, encoding="utf-8")
        image = reader.read(tmp_path / name)
        assert near(image, (4, 4), RED)
        assert near(image, (4, 0), WHITE)


def _content(kind: str) -> bytes:
    good = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(good, "JPEG" if "jpeg" in kind else "GIF" if "gif" in kind else "PNG")
    return {
        "png cut": good.getvalue()[: len(good.getvalue()) // 2],
        "jpeg cut": good.getvalue()[: len(good.getvalue()) // 2],
        "gif cut": good.getvalue()[: len(good.getvalue()) // 2],
        "png head only": good.getvalue()[:20],
        "text": b"this is no picture at all",
        "html": b"<html><body>not found</body></html>",
        "empty": b"",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        "zip": b"PK\x03\x04" + bytes(100),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("png cut", "got a damaged or unknown file: image file is truncated"),
        ("jpeg cut", "got a damaged or unknown file: image file is truncated"),
        ("gif cut", "got a damaged or unknown file"),
        ("png head only", "got a damaged or unknown file"),
        ("text", "got a damaged or unknown file: no known picture format"),
        ("html", "the root element is 'html'"),
        ("empty", "got an empty file"),
        ("postscript", "no known picture format"),
        ("zip", "no known picture format"),
    ],
)
def test_what_is_no_whole_picture_is_one_sentence(
    reader: PictureReader, tmp_path: Path, kind: str, sentence: str
) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(_content(kind))
    with pytest.raises(
        MediaError, match=rf"bad\.png: expected a picture \({sentence}|bad\.png: .*{sentence}"
    ) as caught:
        reader.read(path)
    assert "\n" not in str(caught.value)
    assert "object at" not in str(caught.value)


@pytest.mark.parametrize(
    ("side", "got"), [(50_000, "more than 178 million"), (10_001, "10001 x 10001"), (12_000, "12000 x 12000")]
)
def test_a_bomb_is_refused_by_its_header(reader: PictureReader, tmp_path: Path, side: int, got: str) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(side, side))
    with pytest.raises(
        MediaError, match=rf"bomb\.png: expected a picture of at most 100 million pixels \(got {got}\)"
    ):
        reader.read(tmp_path / "bomb.png")


def test_threads_read_without_a_warning(reader: PictureReader, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(png_header(9_900, 9_900))  # large enough for Pillow to warn
    paths = [tmp_path / "large.png"] * 20
    for i in range(20):
        Image.new("RGB", (30, 30), (10 * i, 0, 0)).save(tmp_path / f"{i}.png")
        paths.append(tmp_path / f"{i}.png")

    def red(path: Path) -> int:
        try:
            return reader.read(path).getpixel((4, 4))[0]  # type: ignore[index, return-value]
        except MediaError:
            return -1

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(red, paths)) == [-1] * 20 + [10 * i for i in range(20)]


@pytest.mark.parametrize(
    ("size", "box", "at", "expected"),
    [
        ((400, 200), (0, 16, 64, 48), (32, 16), (200, 0)),
        ((100, 200), (16, 0, 48, 64), (24, 32), (25, 100)),
        ((30, 30), (0, 0, 64, 64), (64, 32), (30, 15)),
        ((400, 200), (0, 16, 64, 48), (32, 2), (200, 0)),  # in the bar above: the nearest place
    ],
)
def test_a_frame_tells_where_a_place_of_the_square_lies_in_the_picture(
    tmp_path: Path,
    size: tuple[int, int],
    box: tuple[int, ...],
    at: tuple[int, int],
    expected: tuple[int, int],
) -> None:
    Image.new("RGB", size, "black").save(tmp_path / "a.png")
    reader = PictureReader(64)
    frame = reader.frame(tmp_path / "a.png")
    assert frame.box == box
    assert frame.pixel(*at) == expected
    square = np.asarray(reader.read(tmp_path / "a.png"))
    left, top, right, bottom = box
    assert (square[top:bottom, left:right] == 0).all()
    assert (square == 255).all(2).sum() == 64 * 64 - (right - left) * (bottom - top)


def test_the_frame_of_a_turned_photo_is_that_of_what_one_sees(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    Image.new("RGB", (400, 200)).save(tmp_path / "a.jpg", exif=exif)
    frame = PictureReader(64).frame(tmp_path / "a.jpg")
    assert (frame.width, frame.height) == (200, 400)
    with pytest.raises(MediaError, match="expected a picture"):
        PictureReader(64).frame(tmp_path / "none.png")
