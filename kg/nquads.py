"""N-Quads, and Turtle as plain, as columns: cut by offsets; its blank nodes named, RDF 1.2 taken out.

It works on bytes and knows no RDF library. Text is cut at the blanks outside of quotes; what lies between
them is a full stop, semicolon, comma or term. Whether terms are what they look like is asked in `kg.plain`:
what a parser has written needs no check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# What may follow an IRI or the last quote of a literal, which neither tag, datatype nor graph can hold.
_ENDING = (
    r"^(?:@(?P<language>[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)|\^\^<(?P<datatype>[^ <>\"]*)>)?"
    r"(?: <(?P<graph>[^ <>\"]*)>)?[ \t\r\n]*$"
)
_BARE = np.zeros(256, dtype=bool)
_BARE[list(b"+-.0123456789")] = True  # how a number begins
_TERMS = np.zeros(256, dtype=np.int64)  # how many terms follow a mark: all, all but the subject, an object
_TERMS[list(b".;,")] = 3, 2, 1


@dataclass(frozen=True)
class Statements:
    """A chunk of statements as columns of numbers into the chunk's own distinct texts.

    Shapes:
        subject, predicate, ending (n,) int32, -1 for the ending of a bare number
        quoted (n,) bool marks the literals
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


def columns(chunk: bytes, *, lines: bool = True) -> Statements | None:
    """Cut text in columns by computing offsets; None where something else than terms and marks is in it.

    Args:
        chunk: Whole statements and a line end.
        lines: Each statement is a line, all nodes are IRIs, and their brackets are left out; else terms
            are given as they stand.
    """
    octets = np.frombuffer(chunk, dtype=np.uint8)
    cut = _cut(octets) if chunk.endswith(b"\n") else None
    if cut is None:
        return None
    start, stop, opening, closing = cut
    mark = np.flatnonzero(stop - start == 1)
    mark = mark[_TERMS[octets[start[mark]]] > 0]
    if not len(mark) or mark[-1] != len(start) - 1:
        return None
    terms = _TERMS[np.concatenate([[ord(".")], octets[start[mark[:-1]]]])]
    graph = np.diff(mark, prepend=-1) - 1 - terms  # 1 where there is one
    if graph.min() < 0 or graph.max() > lines:
        return None
    object_ = mark - 1 - graph
    subject, predicate = (object_ - 2)[terms == 3], (object_ - 1)[terms >= 2]
    first = octets[start[object_]]
    quoted, bare = first == ord('"'), _BARE[first]
    if not np.array_equal(start[object_[quoted]], opening):
        return None
    node, value, close, after = object_[~(quoted | bare)], start[object_], stop[object_], stop[object_]
    value[quoted], close[quoted], after[quoted] = opening + 1, closing, closing + 1
    if lines:
        if bare.any() or not _one_a_line(octets, start, stop, mark):
            return None
        iris = np.concatenate([subject, predicate, node])
        if not ((octets[start[iris]] == ord("<")) & (octets[stop[iris] - 1] == ord(">"))).all():
            return None
    bracket = int(lines)
    subjects, predicates, nodes = (
        _texts(chunk, start[rows] + bracket, stop[rows] - bracket) for rows in (subject, predicate, node)
    )
    tagged = np.flatnonzero(quoted | (graph > 0))
    ends = _texts(chunk, after[tagged], start[mark[tagged]]).dictionary_encode()
    ending = np.where(bare, np.int32(-1), np.int32(0))
    ending[tagged] = ends.indices.to_numpy() + 1
    if lines and endings_of(ends.dictionary).null_count:
        return None
    numbered = pa.chunked_array([subjects, nodes]).dictionary_encode()
    number = np.concatenate([part.indices.to_numpy() for part in numbered.chunks])
    relations = predicates.dictionary_encode()
    return Statements(
        terms=numbered.chunk(0).dictionary,
        predicates=relations.dictionary,
        endings=pa.concat_arrays([pa.array([""]), ends.dictionary]),
        subject=number[np.cumsum(terms == 3) - 1],
        predicate=relations.indices.to_numpy()[np.cumsum(terms >= 2) - 1],
        ending=ending,
        object=number[len(subject) :],
        value=_texts(chunk, value[quoted | bare], close[quoted | bare]),
        quoted=quoted | bare,
    )


def as_lines(found: Statements) -> Iterator[pa.Buffer]:
    """Write statements as N-Quads, facts before literals."""
    link = ~found.quoted
    nodes = ("<", found.terms.take(pa.array(found.object)), ">")
    for rows, objects in ((link, nodes), (found.quoted, ('"', found.value, '"'))):
        if rows.any():
            heads = found.terms.take(pa.array(found.subject[rows]))
            relations = found.predicates.take(pa.array(found.predicate[rows]))
            ends = pc.utf8_rtrim_whitespace(found.endings).take(pa.array(found.ending[rows]))
            lines = ("<", heads, "> <", relations, "> ", *objects, ends, " .\n", "")
            yield pc.binary_join_element_wise(*lines).buffers()[2]


def endings_of(endings: pa.StringArray) -> pa.StructArray:
    """Read what may follow an object: language, datatype and graph, each "" where there is none."""
    return pc.extract_regex(endings, _ENDING)


def _cut(octets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Find where the terms and marks start and stop, and the quotes that open and close literals."""
    place = np.flatnonzero(octets <= ord('"'))  # blanks, quotes and a few others
    kind = octets[place]
    quote = kind == ord('"')
    quote[np.searchsorted(place, _escaped_quotes(octets))] = False
    inside = np.logical_xor.accumulate(quote)
    end = (kind == ord("\n")) | (kind == ord("\r"))
    blank = end | (kind == ord(" ")) | (kind == ord("\t"))
    outside = (kind <= ord(" ")) & ~inside
    if inside[-1] or (outside & ~blank).any() or (inside & end).any():
        return None
    gap = place[outside]
    start, stop = np.concatenate([[0], gap[:-1] + 1]), gap
    filled = stop > start
    if not filled.all():
        start, stop = start[filled], stop[filled]
    quotes = place[quote]
    return start, stop, quotes[::2], quotes[1::2]


def _escaped_quotes(octets: np.ndarray) -> np.ndarray:
    """Find the quotes after a backslash that is not itself after one."""
    slash = np.flatnonzero(octets == ord("\\"))
    row = np.arange(len(slash))
    first = np.where(np.diff(slash, prepend=-2) > 1, row, 0)
    after = slash[(row - np.maximum.accumulate(first)) % 2 == 0] + 1
    quotes: np.ndarray = after[octets[after] == ord('"')]
    return quotes


def _one_a_line(octets: np.ndarray, start: np.ndarray, stop: np.ndarray, mark: np.ndarray) -> bool:
    """Tell whether full stops, and they alone, are each followed by a line feed."""
    ends = octets[stop] != ord(" ")
    return bool(
        np.count_nonzero(ends) == len(mark)
        and (octets[stop[mark]] == ord("\n")).all()
        and (octets[start[mark]] == ord(".")).all()
    )


def _texts(chunk: bytes, starts: np.ndarray, stops: np.ndarray) -> pa.StringArray:
    """Copy pieces out of the text; the offsets also name what lies between."""
    offsets = np.empty(2 * len(starts) + 1, dtype=np.int32)
    offsets[:-1:2], offsets[1::2], offsets[-1] = starts, stops, len(chunk)
    every = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(chunk))
    return every.take(pa.array(np.arange(0, 2 * len(starts), 2, dtype=np.int32)))
