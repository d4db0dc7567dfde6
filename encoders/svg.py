"""Draws SVG in a process of its own, because a hostile drawing can crash or stall the renderer.

resvg overflows its stack on deep nesting, runs for hours on nested masks, and reads any local file
that a drawing names. So the child (this same file, run as a script) strips outside references,
has limits on memory and time, and may die: the caller then gets an error and the next drawing a
new child. Knows nothing of encoders; imports the standard library, the child also resvg.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import weakref
from typing import BinaryIO

MAX_SECONDS = 20.0
_MAX_MEMORY = 2 * 2**30
_STACK = 256 * 2**20  # room for the deepest drawing that resvg accepts
_DPI = 96.0  # CSS pixels an inch; resvg_py's own default of 0 makes every size in points invalid
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_EMBEDDED = tuple(f"data:image/{kind};" for kind in ("png", "jpeg", "jpg", "gif", "webp"))


class SvgRenderer:
    """Renders drawings one at a time; the child starts with the first one and ends with `self`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def render(self, svg: bytes, side: int) -> bytes:
        """A PNG with transparent background that fits into `side` x `side` pixels.

        Raises:
            ValueError: not an SVG drawing, or one that cannot be drawn within the limits.
        """
        with self._lock:
            child = self._child = self._child or self._start()
            clock = threading.Timer(MAX_SECONDS, child.kill)
            clock.start()
            try:
                answer = _ask(child, svg, side)
            finally:
                clock.cancel()
            if answer is None:
                self._child = None
                _stop(child)
                raise ValueError("it needs more time, memory or nesting than a drawing may take")
        drawn, content = answer
        if not drawn:
            raise ValueError(content.decode())
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        weakref.finalize(self, _stop, child)
        return child


def _ask(child: subprocess.Popen[bytes], svg: bytes, side: int) -> tuple[bool, bytes] | None:
    """The child's answer, or None if it died over the question."""
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        return None
    try:
        stdin.write(struct.pack("<II", side, len(svg)) + svg)
        stdin.flush()
        head = stdout.read(5)
        drawn, length = struct.unpack("<?I", head)
        content = stdout.read(length)
    except (OSError, struct.error):
        return None
    return (drawn, content) if len(content) == length else None


def _stop(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            pass
    child.kill()  # it holds nothing that could be lost
    child.wait()


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    while head := questions.read(8):
        side, length = struct.unpack("<II", head)
        try:
            drawn, content = True, _draw(questions.read(length), side)
        except Exception as error:  # whatever is wrong with one drawing, the next one may be right
            drawn, content = False, (str(error) or type(error).__name__).encode()
        answers.write(struct.pack("<?I", drawn, len(content)) + content)
        answers.flush()


def _draw(svg: bytes, side: int) -> bytes:
    import resvg_py

    # System fonts differ between machines, and a feature must depend on the content alone.
    png: bytes = resvg_py.svg_to_bytes(
        svg_string=_closed(svg), width=side, height=side, dpi=_DPI, skip_system_fonts=True
    )
    return png


def _closed(svg: bytes) -> str:
    """The drawing without its references to other files, and with its entities expanded.

    Expat bounds the expansion of entities and opens no external ones.
    """
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise ValueError(f"the root element is {root.tag.rpartition('}')[2]!r}, not 'svg'")
    for element in root.iter():
        for key in _HREF:
            target = element.get(key, "#").strip()
            if not target.startswith(("#", *_EMBEDDED)):
                del element.attrib[key]
    return ElementTree.tostring(root, encoding="unicode")


def _main() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # not every system has such limits
        pass
    threading.stack_size(_STACK)
    server = threading.Thread(target=_serve, args=(sys.stdin.buffer, sys.stdout.buffer))
    server.start()
    server.join()


if __name__ == "__main__":
    _main()
