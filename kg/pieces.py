"""A file of N-Triples, N-Quads or Turtle in pieces, cut where a statement seems to end, several at once.

Each piece is cut in columns, or parsed if it is not plain. A piece that reads well by itself, with the
prefixes of the file's beginning, was cut at a good place: a statement, a string or a list that goes on
would be an error in it. At the first error the pieces end, and the file must be read on in one go.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

import pyoxigraph as ox

from kg.nquads import Statements
from kg.plain import plain_lines, plain_turtle

FORMATS = (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS, ox.RdfFormat.TURTLE)
"""What can be read in pieces."""

_FIRST, _SIZE = 1 << 16, 3 << 20  # octets of text; the first piece of Turtle is not read at once with others
_LONGEST = 1 << 24
_THREADS = 2
_LONG = 1_000  # a longer prefix might fill the memory once it stands in each statement


class Pieces:
    """Iterates over cut pieces, and the N-Quads of those that had to be parsed.

    Attributes:
        prefixes: What the beginning of the file declares.
        whole: Whether all of the file was read.
    """

    def __init__(self, opened: Callable[[], IO[bytes]], format_: ox.RdfFormat, base: str) -> None:
        self.prefixes: dict[str, str] = {}
        self.whole = False
        self._opened, self._format, self._base = opened, format_, base
        self._turtle = format_ == ox.RdfFormat.TURTLE
        self._header = b""

    def __iter__(self) -> Iterator[Statements | bytes]:
        waiting: deque[Future[Statements | bytes]] = deque()
        try:
            with self._opened() as stream, ThreadPoolExecutor(max_workers=_THREADS) as pool:
                texts = self._texts(stream)
                if self._turtle:
                    yield self._begun(next(texts))
                for text in texts:
                    waiting.append(pool.submit(self._read, text))
                    if len(waiting) > _THREADS:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            self.whole = True
        except (SyntaxError, OSError, EOFError, zlib.error):
            return

    def _texts(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Cut at line ends; of Turtle, at those after a full stop."""
        end = b".\n" if self._turtle else b"\n"
        rest, block = b"", stream.read(_FIRST if self._turtle else _SIZE)
        if not block:
            raise EOFError("expected some text (got an empty file)")
        while len(rest) < _LONGEST:
            cut = block.rfind(end) + len(end)
            if cut >= len(end):
                yield b"".join((rest, memoryview(block)[:cut]))
                rest = block[cut:]
            else:
                rest += block
            block = stream.read(_SIZE)
            if not block:
                if rest:
                    yield rest + b"\n"
                return
        raise SyntaxError(f"expected {end!r} somewhere (got {len(rest)} octets without)")

    def _begun(self, text: bytes) -> bytes:
        """Parse the first piece of Turtle; its prefixes are those of all others."""
        parser = ox.parse(text, self._format, base_iri=self._base)
        quads = ox.serialize(parser, format=ox.RdfFormat.N_QUADS)
        self.prefixes, self._base = parser.prefixes, parser.base_iri or self._base
        if any(len(iri) > _LONG for iri in self.prefixes.values()):
            raise SyntaxError("expected shorter prefixes")
        self._header = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in self.prefixes.items()).encode()
        return quads or b""

    def _read(self, text: bytes) -> Statements | bytes:
        """Cut a piece, or parse it."""
        if self._turtle:
            found = plain_turtle(text, self.prefixes)
        else:
            found = plain_lines(text, graphs=self._format == ox.RdfFormat.N_QUADS)
        if found is not None:
            return found
        base = self._base if self._turtle else None
        parser = ox.parse(self._header + text, self._format, base_iri=base)
        quads = ox.serialize(parser, format=ox.RdfFormat.N_QUADS)
        if self._turtle and (parser.prefixes, parser.base_iri) != (self.prefixes, base):
            raise SyntaxError("expected all prefixes at the beginning")
        return quads or b""
