"""An RDF file as a stream of statements: format by suffix, gzip, and what is wrong with it where.

It knows one file at a time, and neither graphs nor vocabularies.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

import pyoxigraph as ox

from kg import pieces
from kg.source import RdfError

FORMATS = {
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".ttl": ox.RdfFormat.TURTLE,
    ".trig": ox.RdfFormat.TRIG,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
    ".json": ox.RdfFormat.JSON_LD,
}
"""Formats by suffix; each may be followed by .gz."""

UNREADABLE = (SyntaxError, OSError, EOFError, zlib.error)
"""What parsing a file may raise."""

_BLOCK = 1 << 20  # bytes read at a time
_REMOTE_CONTEXT = "LoadDocumentCallback"  # what the parser says when it would have to fetch one
_PLACE = re.compile(r"^Parser error (?:at|between) line \d+ [a-z0-9 ]*?: ")


class RdfFile:
    """An RDF file."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        if suffix_of(path) not in FORMATS:
            raise RdfError(f"{path}: expected an RDF file {_KNOWN} (got {path.suffix!r})")
        self._base = path.absolute().as_uri()
        self._format = FORMATS[suffix_of(path)]
        self._stream: IO[bytes] | None = None
        self._parser: ox.QuadParser | pieces.Pieces | None = None

    def pieces(self) -> pieces.Pieces | None:
        """Give the file in pieces that can be read at once, if its format allows that."""
        if self._format not in pieces.FORMATS:
            return None
        self._parser = pieces.Pieces(lambda: opened(self._path), self._format, self._base)
        return self._parser

    def quads(self, skip: Callable[[str], None] | None) -> Iterable[ox.Quad]:
        """Stream the statements of the file."""
        try:
            self._stream = opened(self._path)
            if not self._stream.peek(1):  # type: ignore[attr-defined]
                raise EOFError("an empty file")
        except UNREADABLE as error:
            if skip is None:
                raise
            skip(str(self.explained(error)))
            return ()
        if skip is not None and self._format in (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS):
            return self._by_lines(self._stream, skip)
        if isinstance(self._stream.raw, io.FileIO) and self._stream.tell() == 0:  # type: ignore[attr-defined]
            # neither compressed nor after a byte order mark: the parser reads faster by itself
            self._parser = ox.parse(path=self._path, format=self._format, base_iri=self._base)
        else:
            self._parser = ox.parse(self._stream, format=self._format, base_iri=self._base)
        return self._parser if skip is None else self._skipping(self._parser, skip)

    def _skipping(self, parser: ox.QuadParser, skip: Callable[[str], None]) -> Iterator[ox.Quad]:
        """Stream on after errors in Turtle; elsewhere what follows an error might be misread.

        In TriG it would land in the wrong graph, in RDF/XML and JSON-LD at the wrong node.
        """
        while True:
            try:
                yield next(parser)
            except StopIteration:
                return
            except UNREADABLE as error:
                if _REMOTE_CONTEXT in str(error):
                    raise
                sentence = str(self.explained(error))
                if not isinstance(error, SyntaxError) or self._format != ox.RdfFormat.TURTLE:
                    skip(f"{sentence}; the rest of the file is lost")
                    return
                skip(f"{sentence}; what stands before the next full stop after it is lost")

    def _by_lines(self, stream: IO[bytes], skip: Callable[[str], None]) -> Iterator[ox.Quad]:
        """Stream N-Triples or N-Quads in blocks of lines; a block with an error line by line."""
        start = 0
        while True:
            try:
                lines = stream.readlines(_BLOCK)
            except UNREADABLE as error:
                skip(f"{self.explained(error)}; the rest of the file is lost")
                return
            if not lines:
                return
            try:
                yield from list(ox.parse(b"".join(lines), self._format))
            except SyntaxError:
                for number, line in enumerate(lines, start + 1):
                    try:
                        yield from list(ox.parse(line, self._format))
                    except SyntaxError as error:
                        skip(self._sentence(error, number, line))
            start += len(lines)

    def explained(self, error: Exception) -> RdfError:
        """Say what an error met while streaming means."""
        if _REMOTE_CONTEXT in str(error):
            return RdfError(
                f"{self.name}: expected JSON-LD with its context in it (got a remote @context, "
                "which is never fetched: copy the context into the file)"
            )
        if isinstance(error, SyntaxError):
            line = error.lineno or self._xml_line()
            return RdfError(self._sentence(error, line, self._line(line)))
        if isinstance(error, EOFError) and not error.args[0].startswith("Compressed"):
            return RdfError(f"{self.name}: expected RDF (got {error})")
        if isinstance(error, gzip.BadGzipFile | zlib.error | EOFError):
            return RdfError(f"{self.name}: expected a whole gzip file (got: {error})")
        reason = error.strerror if isinstance(error, OSError) else error
        return RdfError(f"{self.name}: expected a file that can be read (got: {reason})")

    def _sentence(self, error: SyntaxError, line: int | None, text: bytes) -> str:
        """Say where a statement is malformed, with a piece of it."""
        what = _PLACE.sub("", error.msg)
        what = re.sub(r" \(line \d+\)$", "", what)
        start = (error.offset or 1) - 1
        piece = text.decode("utf-8", "replace").rstrip()[start : start + 60]
        place = f"{self.name}:{line}" if line else self.name
        got = f"{piece!r}: {what}" if piece else what
        return f"{place}: expected valid {self._format.name} (got {got})"

    def _line(self, number: int | None) -> bytes:
        """Read one line of the file again."""
        if number is None:
            return b""
        with opened(self._path) as stream:
            return next(itertools.islice(stream, number - 1, None), b"")

    def _xml_line(self) -> int | None:
        """Find the line of an error in XML, which the RDF parser does not tell."""
        if self._format != ox.RdfFormat.RDF_XML:
            return None
        with opened(self._path) as stream:
            try:
                expat.ParserCreate().ParseFile(stream)
            except expat.ExpatError as error:
                return error.lineno
        return None

    def prefixes(self) -> dict[str, str]:
        """Give the prefixes that the file has declared."""
        return self._parser.prefixes if self._parser is not None else {}

    def digest(self) -> str:
        """Hash the content, the same whether it is compressed or not."""
        digest = hashlib.sha256()
        with opened(self._path) as stream:
            try:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            except (OSError, EOFError, zlib.error):
                pass  # a lenient reader goes as far as it can, and so does its hash
        return digest.hexdigest()[:12]

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


def files_in(folder: Path) -> list[RdfFile]:
    """Find the RDF files in a folder and below, in the order of their names."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
        and suffix_of(path) in FORMATS
        and _looks_like_rdf(path)
    ]
    if not files:
        raise RdfError(f"{folder}: expected a folder with RDF files {_KNOWN} (got none in it)")
    return [RdfFile(path) for path in files]


def _looks_like_rdf(path: Path) -> bool:
    """Tell whether a file in a folder is meant: XML and JSON are used for many other things."""
    marks = {".xml": b"http://www.w3.org/1999/02/22-rdf-syntax-ns#", ".json": b'"@'}
    mark = marks.get(suffix_of(path), b"")
    try:
        with opened(path) as stream:
            return mark in stream.read(_BLOCK)
    except (OSError, EOFError, zlib.error):
        return True  # reading it will say what is wrong


_KNOWN = f"({', '.join(FORMATS)}, each also with .gz)"


def suffix_of(path: Path) -> str:
    """Give the suffix that tells the format, without .gz."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def opened(path: Path) -> IO[bytes]:
    """Open a file or gzipped file after a byte order mark, if it has one."""
    stream: IO[bytes]
    if path.suffix.lower() == ".gz":
        stream = io.BufferedReader(gzip.GzipFile(path), _BLOCK)
    else:
        stream = path.open("rb", buffering=_BLOCK)
    try:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream
