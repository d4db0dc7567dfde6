"""Which text is so plain that it needs no parser: N-Triples, N-Quads and Turtle as most programs write it.

It says yes only to what every parser reads in the same way, so that a no costs time and never a statement.
It knows no RDF library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.nquads import Statements, columns
from kg.vocabulary import PREFIXES, RDF_TYPE

_LETTER = r"\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{2FF}\x{370}-\x{37D}\x{37F}-\x{1FFF}\x{3001}-\x{D7FF}"
_PART = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@{_LETTER}-]|%[0-9A-Fa-f][0-9A-Fa-f])"
# RFC 3987 without user names, addresses in brackets and the rarer characters
_IRI = (
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    rf"(?://[A-Za-z0-9._~-]*(?::[0-9]*)?(?:/(?:{_PART}|/)*)?|{_PART}(?:{_PART}|/)*)"
    rf"(?:\?(?:{_PART}|[/?])*)?(?:#(?:{_PART}|[/?])*)?"
)
_TAG = r"@[a-z]{2,3}(?:-[a-z]{4})?(?:-[a-z]{2})?"
_ENDING = rf"^(?:{_TAG}|\^\^<{_IRI}>)?(?: <{_IRI}>)?[ \t\r\n]*$"
_NAME = rf"^(?P<prefix>[A-Za-z0-9_-]*):(?P<local>[A-Za-z0-9_{_LETTER}]+(?:[.-]+[A-Za-z0-9_{_LETTER}]+)*)$"
# those that JSON has too, and no halves of surrogate pairs
_VALUE = r'^(?:[^\\]|\\[tbnrf"\\]|\\u[0-9A-CEFace-f][0-9A-Fa-f]{3})*$'
_RESERVED = (
    r"\^\^<http://www\.w3\.org/(?:2001/XMLSchema#string|1999/02/22-rdf-syntax-ns#(?:dirL|l)angString)>"
)
_NUMBERS = {
    "integer": r"^[+-]?[0-9]+$",
    "decimal": r"^[+-]?[0-9]*\.[0-9]+$",
    "double": r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+$",
}


def plain_lines(chunk: bytes, *, graphs: bool) -> Statements | None:
    """Cut N-Quads or, without graphs, N-Triples; None where a parser should look at it."""
    found = columns(chunk) if _is_utf8(chunk) else None
    if found is None or not _are_plain(found):
        return None
    named = pc.any(pc.match_substring_regex(found.endings, r" <")).as_py()
    return None if named and not graphs else found


def plain_turtle(chunk: bytes, prefixes: Mapping[str, str]) -> Statements | None:
    """Cut Turtle in which all names are given by these prefixes; None where a parser should look at it."""
    found = columns(chunk, lines=False) if _is_utf8(chunk) else None
    if found is None:
        return None
    type_ = pa.scalar(f"<{RDF_TYPE}>")
    predicates = pc.if_else(pc.equal(found.predicates, "a"), type_, found.predicates)
    terms, relations = _resolved(found.terms, prefixes), _resolved(predicates, prefixes)
    endings = _with_iris(found.endings, prefixes)
    if terms is None or relations is None or endings is None:
        return None
    whole = _typed(replace(found, terms=terms, predicates=relations, endings=endings))
    return whole if whole is not None and _are_plain(whole) else None


def _are_plain(found: Statements) -> bool:
    """Tell whether IRIs, endings and escapes are none that parsers may change or refuse."""
    escaped = found.value.filter(pc.match_substring(found.value, "\\"))
    return (
        _all_match(found.terms, f"^{_IRI}$")
        and _all_match(found.predicates, f"^{_IRI}$")
        and _all_match(found.endings, _ENDING)
        and not pc.any(pc.match_substring_regex(found.endings, _RESERVED)).as_py()
        and _all_match(escaped, _VALUE)
    )


def _all_match(texts: pa.StringArray, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is not False


def _is_utf8(chunk: bytes) -> bool:
    try:
        return chunk.isascii() or bool(chunk.decode())
    except UnicodeDecodeError:
        return False


def _resolved(terms: pa.StringArray, prefixes: Mapping[str, str]) -> pa.StringArray | None:
    """Take IRIs out of their brackets and give names theirs; None where one has none."""
    bracketed = pc.starts_with(terms, "<")
    inner = pc.binary_slice(terms.cast(pa.binary()), 1, -1).view(pa.string())
    if pc.all(bracketed).as_py():
        return inner
    parts = pc.extract_regex(terms, _NAME)
    known = pc.index_in(pc.struct_field(parts, "prefix"), value_set=pa.array(list(prefixes), pa.string()))
    starts = pa.array(list(prefixes.values()), pa.string()).take(known)
    named = pc.binary_join_element_wise(starts, pc.struct_field(parts, "local"), "")
    iris = pc.if_else(bracketed, inner, named)
    return None if iris.null_count else iris


def _with_iris(endings: pa.StringArray, prefixes: Mapping[str, str]) -> pa.StringArray | None:
    """Put IRIs in place of names of datatypes."""
    parts = pc.extract_regex(endings, r"^\^\^(?P<name>[^<\s]\S*)(?P<rest>\s*)$")
    iris = _resolved(pc.struct_field(parts, "name").drop_null(), prefixes)
    if iris is None:
        return None
    typed = pc.binary_join_element_wise("^^<", iris, "> ", "")
    return pc.replace_with_mask(endings, parts.is_valid(), typed)


def _typed(found: Statements) -> Statements | None:
    """Give bare numbers the datatype that they stand for; None where one is no number."""
    bare = found.ending < 0
    values = found.value.filter(pa.array(bare[found.quoted]))
    kinds = np.full(len(values), -1, dtype=np.int32)
    for place, pattern in enumerate(_NUMBERS.values(), len(found.endings)):
        kinds[pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False)] = place
    if (kinds < 0).any():
        return None
    ending = found.ending.copy()
    ending[bare] = kinds
    types = pa.array([f"^^<{PREFIXES['xsd']}{name}> " for name in _NUMBERS])
    return replace(found, ending=ending, endings=pa.concat_arrays([found.endings, types]))
