"""Changes of statements: exactly as stated, blank nodes by what is said of them, the SPARQL store beside."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyoxigraph as ox
import pytest

from kg.rdf import read
from kg.statements import Change, ChangeError, change_store, changed, stated_lines, written

HEAD = "@prefix : <http://example.org/> .\n@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
BASE = """
:a :to :b ; :name "caf\\u00E9" ; :high 1.50 , "01.5"^^xsd:decimal .
:a :has [ :part :p ; :size 3 ] , [ :part :q ] .
:b :has [ :part :p ] .
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return stated(tmp_path, "base.ttl", HEAD + BASE)


def stated(folder: Path, name: str, text: str) -> Path:
    """Read a file the way a build does; give its statements, with the SPARQL store beside them."""
    (folder / name).write_text(text, encoding="utf-8")
    out = folder / f"{name}.nq"
    out.unlink(missing_ok=True)
    read([folder / name], facts=folder / f"{name}.rdf", statements=out)
    return out


def change(base: Path, add: str = "", remove: str = "") -> Change:
    folder = base.parent
    files = [
        stated(folder, f"{name}.ttl", HEAD + text) if text else None
        for name, text in (("add", add), ("remove", remove))
    ]
    rdf = base.with_name("base.ttl.rdf")
    return changed(stated_lines(base, rdf), *files, rdf)


def stored(folder: Path) -> set[str]:
    return {str(quad) for quad in ox.Store.read_only(str(folder))}


def test_what_comes_and_goes_is_counted_and_repeats_are_nothing(base: Path) -> None:
    done = change(base, ':a :to :b , :c . :a :name "café" .', ":a :to :b . :b :to :a .")
    assert done.removed == ["<http://example.org/a> <http://example.org/to> <http://example.org/b> ."]
    assert sorted(done.added) == [
        "<http://example.org/a> <http://example.org/to> <http://example.org/b> .",
        "<http://example.org/a> <http://example.org/to> <http://example.org/c> .",
    ]
    assert done.present == 1  # the name, spelt otherwise
    assert done.absent == ["<http://example.org/b> <http://example.org/to> <http://example.org/a> ."]
    assert len(done.lines) == len(stated_lines(base, base)) + 1


def test_a_blank_node_stands_for_the_one_that_fits(base: Path) -> None:
    done = change(base, remove=":a :has [ :part :p ; :size 3 ] .")
    assert (len(done.removed), done.absent) == (3, [])
    left = "\n".join(done.lines.to_pylist())
    assert "size" not in left
    assert left.count("/part>") == 2
    done = change(base, remove=":b :has [ :part :p ] .")
    assert (len(done.removed), done.absent) == (2, [])


def test_several_that_fit_are_refused_and_none_is_told(base: Path) -> None:
    with pytest.raises(ChangeError, match="expected blank nodes that each stand for one node"):
        change(base, remove="[] :part :p .")
    done = change(base, remove=":a :has [ :part :nothing ] .")
    assert (done.removed, len(done.absent)) == ([], 2)


def test_the_file_that_brought_blank_nodes_takes_them_away(base: Path) -> None:
    twins = ":c :has [ :part :p ] , [ :part :p ] .\n"
    there = change(base, twins)
    written(there.lines, base)
    change_store(base.with_name("base.ttl.rdf"), base.with_name("next"), there)
    base.with_name("next").rename(base.with_name("then"))
    (base.parent / "again.ttl").write_text(HEAD + twins)
    again = stated(base.parent, "again.ttl", HEAD + twins)
    back = changed(stated_lines(base, base), None, again, base.with_name("then"))
    assert (len(back.removed), back.absent) == (4, [])


def test_another_spelling_of_a_number_stays_in_the_sparql_store(base: Path, tmp_path: Path) -> None:
    done = change(base, remove=":a :high 1.50 .")
    assert len(done.removed) == 1
    change_store(base.with_name("base.ttl.rdf"), tmp_path / "next", done)
    assert any("/high>" in quad for quad in stored(tmp_path / "next"))
    written(done.lines, base)
    done = changed(
        stated_lines(base, base),
        None,
        stated(tmp_path, "r.ttl", HEAD + ':a :high "01.5"^^xsd:decimal .'),
        base,
    )
    change_store(tmp_path / "next", tmp_path / "after", done)
    assert not any("/high>" in quad for quad in stored(tmp_path / "after"))


def test_the_old_sparql_store_stays_as_it_was(base: Path, tmp_path: Path) -> None:
    old = base.with_name("base.ttl.rdf")
    before, reader = stored(old), ox.Store.read_only(str(old))
    done = change(base, ":x :to :y .", ":a :to :b .")
    change_store(old, tmp_path / "next", done)
    assert stored(old) == before
    assert len(list(reader)) == len(before)
    assert len(stored(tmp_path / "next")) == len(before)
    assert stored(tmp_path / "next") != before


def test_statements_of_a_store_without_its_file_are_all_but_the_inferred(tmp_path: Path) -> None:
    text = "<urn:a> <urn:p> <urn:b> .\n<urn:a> <urn:p> <urn:c> <urn:sensegraph:inferred/owl/1> .\n"
    (tmp_path / "facts.nq").write_text(text)
    read([tmp_path / "facts.nq"], facts=tmp_path / "rdf")
    lines = stated_lines(tmp_path / "none.nq", tmp_path / "rdf")
    assert lines.to_pylist() == ["<urn:a> <urn:p> <urn:b> ."]


def test_written_statements_are_read_back(tmp_path: Path) -> None:
    lines = pa.array(
        ['<urn:a> <urn:p> "a\\nb\u2028c" .', "<urn:a> <urn:p> <urn:b> <urn:g> ."], pa.large_string()
    )
    written(lines, tmp_path / "s.nq")
    assert stated_lines(tmp_path / "s.nq", tmp_path).equals(lines)
