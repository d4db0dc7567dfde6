"""N-Quads text as columns: cut it by offsets, name its blank nodes, take out what only RDF 1.2 knows.

It works on bytes and knows no RDF library. Canonical means one statement a line, one blank between
terms, IRIs without blanks or quotes, and literals in which quotes and line ends are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLANK = "urn:sensegraph:blank:"
"""Start of the IRIs that stand for blank nodes."""

# A blank node begins the line, or ends it but for " ." and perhaps the graph's name. A literal that
# looks so is no danger: it would have a quote before the end of the line.
_BLANK = re.compile(rb'^_:[^ ]+|(?<= )_:[^ "]+(?= (?:(?:<[^ "]*>|_:[^ "]+) )?\.$)', flags=re.MULTILINE)
_RDF12 = re.compile(rb'^\S+ \S+ (?:<<|".*"@[A-Za-z0-9-]+--(?:ltr|rtl) ).*\n', flags=re.MULTILINE)
# What may follow an IRI or the last quote of a literal, which neither tag, datatype nor graph can hold.
_ENDING = (
    r"^(?:@(?P<language>[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)|\^\^<(?P<datatype>[^ <>\"]*)>)?"
    r"(?: <(?P<graph>[^ <>\"]*)>)? \.\n$"
)


@dataclass(frozen=True)
class Statements:
    """A chunk of statements as columns of numbers into the chunk's own distinct texts.

    Shapes:
        subject, predicate, ending (n,) int32; quoted (n,) bool marks the literals
        object (links,) int32; value (literals,) string, still escaped
        terms, predicates, endings: the distinct texts, subjects and objects in one; see `endings_of`
    """

    terms: pa.StringArray
    predicates: pa.StringArray
    endings: pa.StringArray
    subject: np.ndarray
    predicate: np.ndarray
    ending: np.ndarray
    object: np.ndarray
    value: pa.StringArray
    quoted: np.ndarray

    def __len__(self) -> int:
        return len(self.quoted)


def columns(chunk: bytes) -> Statements | None:
    """Cut canonical N-Quads in columns by computing offsets; None where a node is no plain IRI."""
    octets = np.frombuffer(chunk, dtype=np.uint8)
    end = np.flatnonzero(octets == ord("\n"))
    space = np.flatnonzero(octets == ord(" "))
    start = np.concatenate([[0], end[:-1] + 1])
    first = np.searchsorted(space, start)  # IRIs hold no spaces
    one, two, three = space[first], space[first + 1], space[first + 2]
    quoted = octets[two + 1] == ord('"')
    plain = quoted | ((octets[two + 1] == ord("<")) & (octets[two + 2] != ord("<")))
    if not (plain & (octets[start] == ord("<"))).all():
        return None
    close = three - 1
    if quoted.any():
        quote = np.flatnonzero(octets == ord('"'))
        close = np.where(quoted, quote[np.searchsorted(quote, end) - 1], close)
    # subject, predicate, what stands between the object's marks, what follows them
    starts = (start + 1, one + 2, two + 2, close + 1)
    stops = (one - 1, two - 1, close, end + 1)
    subject, predicate, inner, ending = _pieces(chunk, starts, stops)
    literal = pa.array(quoted)
    ends = ending.dictionary_encode()
    if endings_of(ends.dictionary).null_count:
        return None
    nodes = pa.chunked_array([subject, inner.filter(pc.invert(literal))]).dictionary_encode()
    number = np.concatenate([part.indices.to_numpy() for part in nodes.chunks])
    predicates = predicate.dictionary_encode()
    return Statements(
        terms=nodes.chunk(0).dictionary,
        predicates=predicates.dictionary,
        endings=ends.dictionary,
        subject=number[: len(end)],
        predicate=predicates.indices.to_numpy(),
        ending=ends.indices.to_numpy(),
        object=number[len(end) :],
        value=inner.filter(literal),
        quoted=quoted,
    )


def endings_of(endings: pa.StringArray) -> pa.StructArray:
    """Read what may follow an object: language, datatype and graph, each "" where there is none."""
    return pc.extract_regex(endings, _ENDING)


def _pieces(
    chunk: bytes, starts: tuple[np.ndarray, ...], stops: tuple[np.ndarray, ...]
) -> list[pa.StringArray]:
    """Copy the pieces of each line out of the text; the offsets also name what lies between."""
    step = 2 * len(starts)
    offsets = np.empty(step * len(starts[0]) + 1, dtype=np.int32)
    for place, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        offsets[2 * place : -1 : step] = start
        offsets[2 * place + 1 : -1 : step] = stop
    offsets[-1] = len(chunk)
    every = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(chunk))
    rows = np.arange(0, len(every), step, dtype=np.int32)
    return [every.take(pa.array(rows + 2 * place)) for place in range(len(starts))]


class BlankNames:
    """Names the blank nodes of one source in the order in which they first occur.

    Args:
        digest: Gives a name for the source's content; called only if there are blank nodes.
    """

    def __init__(self, digest: Callable[[], str]) -> None:
        self._digest = digest
        self._names: dict[bytes, bytes] = {}
        self._start = b""

    def applied(self, text: bytes) -> bytes:
        """Put IRIs in place of all blank nodes."""
        return _BLANK.sub(self._name, text)

    def _name(self, match: re.Match[bytes]) -> bytes:
        """Give the IRI of a blank node, the same whenever it occurs."""
        label = match.group()
        name = self._names.get(label)
        if name is None:
            self._start = self._start or f"<{BLANK}{self._digest()}:".encode()
            name = self._names[label] = self._start + b"%d>" % len(self._names)
        return name


def without_rdf12(text: bytes, refuse: Callable[[str], None]) -> bytes:
    """Take out statements with triple terms or directions, calling `refuse` with each of them."""

    def refused(match: re.Match[bytes]) -> bytes:
        """Report a statement and leave nothing of it."""
        refuse(match.group().decode().strip())
        return b""

    return _RDF12.sub(refused, text)
