"""Files in pieces: wherever they are cut, they read as in one go, errors and all."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.nquads import Statements
from kg.pieces import Pieces
from kg.rdf import RdfError, read
from kg.rdf_file import RdfFile, opened

HEAD = "@prefix : <urn:x:> .\n@base <http://example.org/> .\n"
TURTLE = {
    "plain": HEAD + "".join(f':a{i} a :B ;\n\t:p :b , "{i}"@en , {i}.5 .\n' for i in range(40)),
    "blank nodes": HEAD
    + "_:x :p [ :q _:y ] .\n"
    + "".join(f"_:x :p _:y , :b{i} , [] .\n" for i in range(40)),
    "full stops in strings": HEAD + "".join(f':a{i} :p """one .\n:b :p :c .\n""" .\n' for i in range(40)),
    "full stops in comments": HEAD + "".join(f":a{i} :p :b ; # so .\n  :q :c .\n" for i in range(40)),
    "other prefixes later": HEAD + "".join(f"@prefix : <urn:{i}:> .\n:a :p <b> .\n" for i in range(40)),
    "another base later": HEAD + "".join(f"@base <urn:{i}:> .\n:a :p <b> .\n" for i in range(40)),
    "other line ends": HEAD.replace("\n", "\r\n") + ":a :p :b .\r\n" * 40,
    "a long prefix": f"@prefix : <urn:{'x' * 2000}:> .\n" + ":a :p :b .\n" * 40,
    "no line ends": HEAD + " ".join(f":a{i} :p :b ." for i in range(200)),
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.pieces._FIRST", 90)
    monkeypatch.setattr("kg.pieces._SIZE", 70)
    monkeypatch.setattr("kg.pieces._LONGEST", 1000)


def both(path: Path, monkeypatch: pytest.MonkeyPatch, *, lenient: bool = False) -> list[object]:
    """What reading gives in pieces, and what in one go."""
    results: list[object] = []
    for _ in range(2):
        try:
            graph, report = read([path], lenient=lenient)
            results.append((graph, report.quads, report.skipped))
        except RdfError as error:
            results.append(str(error))
        monkeypatch.setattr(RdfFile, "pieces", lambda file: None)
    return results


def same(path: Path, monkeypatch: pytest.MonkeyPatch, *, lenient: bool = False) -> bool:
    first, second = both(path, monkeypatch, lenient=lenient)
    if isinstance(first, tuple) and isinstance(second, tuple):
        return bool(first[0].equals(second[0])) and first[1:] == second[1:]
    return first == second


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", TURTLE)
def test_turtle_in_pieces_is_the_turtle_in_one_go(
    tmp_path: Path, kind: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ("a.ttl.gz" if packed else "a.ttl")
    content = TURTLE[kind].encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    assert same(path, monkeypatch)


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("name", ["a.nt", "a.nq", "a.ttl"])
def test_errors_are_those_of_reading_in_one_go(
    tmp_path: Path, name: str, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"<urn:a{i}> <urn:p> <urn:b> ." for i in range(60)]
    lines[30], lines[50] = "<urn:a> oops .", "_:x <urn:p> 'x' ; ."
    path = tmp_path / name
    path.write_text("\n".join(lines))
    assert same(path, monkeypatch, lenient=lenient)


def test_lines_that_need_the_parser_are_read_between_those_that_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [
        "_:x <urn:p> _:y .",
        '<urn:a><urn:p>"x"@EN.',
        "# nothing",
        "",
        '<urn:a>\t<urn:p> "\\u00FC\\U0001F426" .',
    ]

    path = tmp_path / "a.nt"
    path.write_text("\n".join(f"<urn:a{i}> <urn:p> <urn:b> .\n{odd[i % 5]}" for i in range(60)))
    assert same(path, monkeypatch)


def test_most_pieces_of_a_plain_file_need_no_parser(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_text(TURTLE["plain"])
    pieces = Pieces(lambda: opened(path), ox.RdfFormat.TURTLE, "urn:base")
    found = list(pieces)
    assert pieces.whole
    assert pieces.prefixes == {"": "urn:x:"}
    assert isinstance(found[0], bytes)
    assert all(isinstance(piece, Statements) for piece in found[1:])
    assert len(found) > 10


def test_the_store_holds_the_same_statements_from_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, stores = tmp_path / "a.ttl", []
    path.write_text(TURTLE["plain"] + ':c :p "tab\\t \\"quoted\\""@en\n\t, "x"^^:d .\n')
    for name in ("pieces", "whole"):
        read([path], facts=tmp_path / name)
        stores.append(set(ox.Store.read_only(str(tmp_path / name))))
        monkeypatch.setattr(RdfFile, "pieces", lambda file: None)
    assert stores[0] == stores[1]
    assert len(stores[0]) == 162
