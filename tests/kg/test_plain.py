"""What is read without a parser is what the parser reads: pyoxigraph is the oracle."""

from __future__ import annotations

import json

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.nquads import Statements, as_lines
from kg.plain import plain_lines, plain_turtle

NAMES = {"ex": "http://example.org/", "": "urn:x:", "cut": "http://example.org:"}
HEADER = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in NAMES.items()).encode()
LINE = b'<urn:a> <urn:p> "x"@en .\n'


def parsed(text: bytes, format_: ox.RdfFormat) -> list[str] | None:
    """The statements as the parser sees them, in its own writing; None where it refuses the text."""
    try:
        return sorted(str(quad) for quad in ox.parse(text, format_))
    except SyntaxError:
        return None


def written(found: Statements) -> list[str]:
    lines = b"".join(map(bytes, as_lines(found)))
    return sorted(str(quad) for quad in ox.parse(lines, ox.RdfFormat.N_QUADS))


def check(text: bytes) -> int:
    """Compare with the parser in each format; in how many the text was plain."""
    readings = [
        (plain_lines(text, graphs=False), ox.RdfFormat.N_TRIPLES, b""),
        (plain_lines(text, graphs=True), ox.RdfFormat.N_QUADS, b""),
        (plain_turtle(text, NAMES), ox.RdfFormat.TURTLE, HEADER),
    ]
    for found, format_, header in readings:
        if found is not None:
            assert written(found) == parsed(header + text, format_)
            json.loads('["' + '","'.join(found.value.to_pylist()) + '"]', strict=False)  # as Assembler does
    return sum(found is not None for found, _, _ in readings)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (LINE, 3),
        (rb'<urn:a> <urn:p> "\\\" <b> . \\" .' + b"\n" + LINE, 3),
        (b'<urn:a> <urn:p> "a\\u00e9\\t"^^<http://x.org/%C3%BC?q=/#f> <urn:g> .\n', 1),
        ("<urn:ü> <urn:p> <http://x.org:80/ü/~a,b;c> .\n".encode(), 3),
        (b'ex:a a ex:B ;\n\t:p ex:a.b-c , "x"@en , -1 , .5 , 1.0 , 1e3 ;\n :q "3"^^:int .\n\n:b a :C .\n', 1),
        (b"ex:a ex:p true .\n", 0),  # these are not plain, though right
        (b"<urn:a> <urn:p> _:b .\n", 0),
        (b"<urn:a> <urn:p> <urn:b> . # and so on\n", 0),
        (b"<urn:a> <urn:p> 'x' .\n", 0),
        (b'<urn:a> <urn:p> """x""" .\n', 0),
        (b'<urn:a> <urn:p> "\\u0027\\\'" .\n', 0),
        (b'<urn:a> <urn:p> "x"^^<http://www.w3.org/2001/XMLSchema#string> .\n', 0),
        (b'<urn:a> <urn:p> "x"@en-GB .\n', 0),
        (b"<urn:a>\n<urn:p> <urn:b> .\n", 1),
        (b"<a> <urn:p> <urn:b> .\n", 0),  # and these are wrong
        (b"cut:a ex:p ex:b .\n", 0),
        (b"none:a ex:p ex:b .\n", 0),
        (b"<http://x:y/> <urn:p> <urn:b> .\n", 0),
        (b'<urn:a> <urn:p> "\xff" .\n', 0),
        (b'<urn:a> <urn:p> "\\ud800" .\n', 0),
        (b'<urn:a> <urn:p> "x\n" .\n', 0),
        (b'<urn:a> <urn:p> "x .\n', 0),
        (b'<urn:a> "p" <urn:b> .\n', 0),
        (b'"a" <urn:p> <urn:b> .\n', 0),
        (b"<urn:a> <urn:p> 1 .\n", 1),
        (b"<urn:a> a <urn:b> .\n", 1),
        (b"a <urn:p> <urn:b> .\n", 0),
        (b"<urn:a> <urn:p> .\n", 0),
        (b"<urn:a> <urn:p> <urn:b> <urn:g> <urn:h> .\n", 0),
        (b"<urn:a> <urn:p> <urn:b>\n", 0),
        (b"<urn:a> <urn:p> <urn:b> . <urn:a> <urn:p> <urn:b> .\n", 1),
        (b"\n", 0),
        (b"", 0),
    ],
)  # fmt: skip
def test_what_is_plain_is_read_as_the_parser_reads_it(text: bytes, plain: int) -> None:
    assert check(text) == plain


_TERMS = r"""<urn:a> <http://x.org/a?b#c> <http://x.org/%> <http://x.org/%20> <a> <urn:é> <urn:a b> < >
    << <<( )>> ex:a :b ex:a.b a ex: ex:a. ex:% _:b true 1 -2.5 1e6 1. +. . ; , [ ] ( ) # " ' @en ^^ @prefix \
    "a b . c"@en "x" "\"" "\\" "x"^^<urn:d> "1"^^ex:d "é" "\n" "\x" "\u00E9" "x"@en--ltr"""
_terms = st.sampled_from(_TERMS.split())
_gaps = st.sampled_from([" "] * 8 + ["\n", "\t", "  ", "\r\n", "", "\x0b"])
_plain = st.sampled_from(["<urn:a>", "ex:a", ":b"])
_objects = st.one_of(_plain, st.sampled_from(['"x"', '"a . b"@en', '"\\"\\\\"', "1", "-2.5", '"1"^^ex:d']))
_statements = st.one_of(
    st.tuples(_plain, _plain, _objects, st.just(".")),
    st.tuples(
        _plain, st.just("a"), _plain, st.just(";"), _plain, _objects, st.just(","), _objects, st.just(".")
    ),
    st.lists(_terms, min_size=1, max_size=5).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_statements, st.lists(_gaps, min_size=9, max_size=9)), min_size=1, max_size=3))
def test_whatever_is_accepted_means_the_same_to_the_parser(
    statements: list[tuple[tuple[str, ...], list[str]]],
) -> None:
    lines = ("".join(t + g for t, g in zip(terms, gaps, strict=False)).strip() for terms, gaps in statements)
    check("\n".join([*lines, ""]).encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3), st.integers(0, 200), st.integers(0, 3))
def test_a_damaged_text_is_refused_or_read_as_the_parser_reads_it(damage: bytes, at: int, lost: int) -> None:
    text = (
        b'ex:a ex:p <urn:b> , "x \\" y"@en ;\n\t:q 1.5 .\n' + LINE + b'<urn:c> <urn:p> "\\u00e9"^^<urn:d> .\n'
    )
    check(text[:at] + damage + text[at + lost :].rstrip(b"\n") + b"\n")
