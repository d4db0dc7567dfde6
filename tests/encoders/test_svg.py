"""Drawings: honest ones are drawn, hostile ones cost an error and never the process."""

import base64
import contextlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import encoders.svg
from encoders.svg import SvgRenderer

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SIZED = f'<svg {NS} width="10" height="10">'
CLEAR, BLACK, GREEN = (0, 0, 0, 0), (0, 0, 0, 255), (0, 255, 0, 255)


@pytest.fixture(scope="module")
def renderer() -> Iterator[SvgRenderer]:
    renderer = SvgRenderer()
    yield renderer
    del renderer


def colours(png: bytes) -> dict[tuple[int, ...], int]:
    with Image.open(io.BytesIO(png)) as image:
        return {colour: count for count, colour in image.convert("RGBA").getcolors()}  # type: ignore[misc, union-attr]


def test_a_drawing_fills_the_side_and_keeps_its_shape(renderer: SvgRenderer) -> None:
    png = renderer.render(
        f'<svg {NS} width="100" height="50"><rect width="50" height="50"/></svg>'.encode(), 20
    )
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (20, 10)
    assert colours(png) == {CLEAR: 100, BLACK: 100}


@pytest.mark.parametrize(
    "size",
    [
        'width="100pt" height="100pt"',
        'width="3cm" height="3cm"',
        'viewBox="0 0 5 5"',
        'width="100%" viewBox="0 0 5 5"',
    ],
)
def test_sizes_may_have_any_unit_or_be_left_to_the_view_box(renderer: SvgRenderer, size: str) -> None:
    svg = f'<svg {NS} {size}><rect width="1000" height="1000"/></svg>'
    assert colours(renderer.render(svg.encode(), 8)) == {BLACK: 64}


def test_utf_16_and_harmless_entities_are_read(renderer: SvgRenderer) -> None:
    svg = f'<!DOCTYPE svg [<!ENTITY side "10">]>{SIZED}<rect width="&side;" height="&side;"/></svg>'
    assert colours(renderer.render(svg.encode(), 4)) == {BLACK: 16}
    assert colours(renderer.render(f'<?xml version="1.0" encoding="UTF-16"?>{svg}'.encode("utf-16"), 4)) == {
        BLACK: 16
    }


@pytest.mark.parametrize("form", ["{}", " {}", "file://{}", "{}#x"])
@pytest.mark.parametrize("attribute", ["href", "xlink:href"])
@pytest.mark.parametrize("element", ["image", "feImage"])
def test_a_drawing_cannot_show_another_file(
    renderer: SvgRenderer, tmp_path: Path, form: str, attribute: str, element: str
) -> None:
    Image.new("RGB", (10, 10), "#00ff00").save(tmp_path / "secret.png")
    inside = f'<{element} width="10" height="10" {attribute}="{form.format(tmp_path / "secret.png")}"/>'
    if element == "feImage":
        inside = f'<filter id="f">{inside}</filter><rect width="10" height="10" filter="url(#f)"/>'
    assert GREEN not in colours(renderer.render(f"{SIZED}{inside}</svg>".encode(), 10))


def test_a_picture_inside_the_drawing_is_shown(renderer: SvgRenderer, tmp_path: Path) -> None:
    Image.new("RGB", (10, 10), "#00ff00").save(tmp_path / "own.png")
    data = base64.b64encode((tmp_path / "own.png").read_bytes()).decode()
    image = f'<image width="10" height="10" xlink:href="data:image/png;base64,{data}"/>'
    assert colours(renderer.render(f"{SIZED}{image}</svg>".encode(), 10)) == {GREEN: 100}
    nested = base64.b64encode(f'{SIZED}<image href="{tmp_path}/own.png"/></svg>'.encode()).decode()
    image = f'<image width="10" height="10" href="data:image/svg+xml;base64,{nested}"/>'
    assert colours(renderer.render(f"{SIZED}{image}</svg>".encode(), 10)) == {CLEAR: 100}


def _masks(depth: int) -> str:
    """Each mask draws ten things through the mask before it: 10 ** depth drawings."""
    masks = ['<mask id="m0"><rect width="5" height="5"/></mask>']
    for i in range(1, depth):
        masks.append(
            f'<mask id="m{i}">' + f'<rect width="5" height="5" mask="url(#m{i - 1})"/>' * 10 + "</mask>"
        )
    return f'{SIZED}<defs>{"".join(masks)}</defs><rect width="5" height="5" mask="url(#m{depth - 1})"/></svg>'


def _laughs(depth: int) -> str:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, depth))
    return f'<!DOCTYPE svg [<!ENTITY l0 "ha">{entities}]>{SIZED}<text>&l{depth - 1};</text></svg>'


def _bomb() -> str:
    """A drawing that embeds a PNG which claims 50,000 x 50,000 pixels."""
    chunks = [
        b"IHDR" + (50_000).to_bytes(4) * 2 + bytes([8, 6, 0, 0, 0]),
        b"IDAT" + zlib.compress(b""),
        b"IEND",
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) for chunk in chunks
    )
    data = base64.b64encode(png).decode()
    return f'{SIZED}<image width="9" height="9" href="data:image/png;base64,{data}"/></svg>'


@pytest.mark.parametrize(
    ("svg", "sentence"),
    [
        ("<svg", "not well-formed XML"),
        ("<html><body/></html>", "the root element is 'html', not 'svg'"),
        (f'<svg {NS} width="0" height="0"/>', "invalid size"),
        (_laughs(10), "limit on input amplification"),
        (
            f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>{SIZED}<text>&x;</text></svg>',
            "undefined entity",
        ),
        (f"{SIZED}{'<g>' * 50_000}{'</g>' * 50_000}</svg>", "recursion"),
        (_masks(8), "more time, memory or nesting"),
    ],
)
def test_a_hostile_drawing_is_one_error_and_the_next_one_is_drawn(
    renderer: SvgRenderer, monkeypatch: pytest.MonkeyPatch, svg: str, sentence: str
) -> None:
    monkeypatch.setattr(encoders.svg, "MAX_SECONDS", 1.0)
    with pytest.raises(ValueError, match=sentence):
        renderer.render(svg.encode(), 50)
    assert renderer.render(f"{SIZED}</svg>".encode(), 10)


@pytest.mark.parametrize(
    "svg", [_bomb(), f'<svg {NS} width="1" height="1000000"/>', f"{SIZED}{'<g>' * 700}{'</g>' * 700}</svg>"]
)
def test_what_a_drawing_may_or_may_not_survive_leaves_the_renderer_alive(
    renderer: SvgRenderer, svg: str
) -> None:
    with contextlib.suppress(ValueError):
        renderer.render(svg.encode(), 50)
    assert colours(renderer.render(f'{SIZED}<rect width="10" height="10"/></svg>'.encode(), 4)) == {BLACK: 16}
