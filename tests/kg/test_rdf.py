"""Reading files and folders, and rdflib: every format, every fault, and rdflib itself as the oracle."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.compare import isomorphic

from kg.graph import KnowledgeGraph
from kg.rdf import RdfError, from_rdflib, read
from kg.rewriting import BLANK
from kg.vocabulary import PREFIXES, RDF_TYPE

EX = "http://example.org/"
TURTLE = f"""@prefix ex: <{EX}> . @prefix schema: <https://schema.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:robin a ex:Bird ; rdfs:label "Robin"@en , "Rotkehlchen"@de , "robin" ; ex:near ex:wren , ex:oak ;
    ex:weight "18.5"^^xsd:decimal ; schema:image "robin.png" , <http://example.org/robin2.png> .
ex:wren a ex:Bird ; rdfs:comment "Line\\none \\"two\\" \\\\ \\t Ünï 🐦" .
"""


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def load(path: Path) -> KnowledgeGraph:
    return read([path])[0]


def without_prefixes(graph: KnowledgeGraph) -> KnowledgeGraph:
    return replace(graph, prefixes={})


def test_a_small_graph_is_read_as_written(tmp_path: Path) -> None:
    graph, report = read([write(tmp_path / "a.ttl", TURTLE)])
    assert graph.entities.to_pylist() == [EX + name for name in ("Bird", "oak", "robin", "wren")]
    assert graph.relations.to_pylist() == [EX + "near", RDF_TYPE]
    assert graph.triples.tolist() == [[2, 0, 1], [2, 0, 3], [2, 1, 0], [3, 1, 0]]
    assert graph.weights.tolist() == [1, 1, 1, 1]
    assert (graph.origin.tolist(), graph.graphs) == ([0, 0, 0, 0], ("",))
    assert [tuple(row.values())[2:] for row in graph.literals.to_pylist()] == [
        ("18.5", None, "http://www.w3.org/2001/XMLSchema#decimal", 0),
        ("Robin", "en", None, 0),
        ("Rotkehlchen", "de", None, 0),
        ("robin", None, None, 0),
        ('Line\none "two" \\ \t Ünï 🐦', None, None, 0),
    ]
    assert graph.media["reference"].to_pylist() == [EX + "robin2.png", "robin.png"]
    assert graph.prefixes["ex"] == EX
    assert (report.files, report.quads, report.skipped) == ([str(tmp_path / "a.ttl")], 11, [])


@pytest.mark.parametrize("suffix", ["nt", "nq", "ttl", "trig", "rdf", "owl", "xml", "jsonld", "json"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_gives_the_same_graph(tmp_path: Path, suffix: str, packed: bool) -> None:
    kinds = {"nq": "nquads", "ttl": "turtle", "jsonld": "json-ld", "json": "json-ld"}
    kinds |= dict.fromkeys(["rdf", "owl", "xml"], "xml")
    source = rdflib.Dataset() if suffix in ("nq", "trig") else rdflib.Graph()
    source.parse(data=TURTLE, format="turtle")
    content = source.serialize(format=kinds.get(suffix, suffix), encoding="utf-8")
    path = tmp_path / f"a.{suffix}"
    if packed:
        content, path = gzip.compress(content), path.with_name(path.name + ".gz")
    expected = load(write(tmp_path / "plain.ttl", TURTLE))
    assert without_prefixes(load(write(path, content))).equals(without_prefixes(expected))


def test_named_graphs_are_kept_apart(tmp_path: Path) -> None:
    text = """@prefix : <http://example.org/> . :a :p :b , "x" .
    :g { :a :p :b , :c . :a :p "x" } :h { :a <https://schema.org/image> "a.png" }"""
    graph = load(write(tmp_path / "a.trig", text))
    assert graph.graphs == ("", EX + "g", EX + "h")
    assert graph.triples.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 2]]
    assert graph.origin.tolist() == [0, 1, 1]
    assert graph.literals["origin"].to_pylist() == [0, 1]
    assert graph.media["origin"].to_pylist() == [2]


def test_ids_do_not_depend_on_the_order_of_the_lines(tmp_path: Path) -> None:
    lines = [f"<{EX}{a}> <{EX}{p}> <{EX}{b}> ." for a in "dacb" for p in "qp" for b in "xyz"]
    lines += [f'<{EX}{a}> <{EX}label> "{a}"@en .' for a in "dacb"]
    lines += [f'<{EX}{a}> <https://schema.org/image> "{a}.png" .' for a in "dacb"]
    first = load(write(tmp_path / "a.nt", "\n".join(lines)))
    random.Random(0).shuffle(lines)
    assert load(write(tmp_path / "b.nt", "\n".join(lines + lines[:9]))).equals(first)


def test_entities_are_what_is_subject_or_object_of_links(tmp_path: Path) -> None:
    text = """@prefix : <http://example.org/> . :a :p :b . :c :q "x" . :p :r :d .
    :e <https://schema.org/image> "e.png" ."""
    names = [iri.removeprefix(EX) for iri in load(write(tmp_path / "a.ttl", text)).entities.to_pylist()]
    assert names == ["a", "b", "c", "d", "e", "p"]  # p as a subject; q only as a predicate is none


def test_language_tags_are_kept_in_lower_case(tmp_path: Path) -> None:
    graph = load(write(tmp_path / "a.ttl", f'<{EX}a> <{EX}p> "colour"@en-GB .'))
    assert graph.literals["language"].to_pylist() == ["en-gb"]


def test_schema_org_by_http_gives_media_and_the_prefix_that_finds_them(tmp_path: Path) -> None:
    graph = load(write(tmp_path / "a.nt", f'<{EX}a> <http://schema.org/image> "a.png" .'))
    assert graph.media["predicate"].to_pylist() == ["http://schema.org/image"]
    assert graph.prefixes == {"schema": "http://schema.org/"}


def test_many_chunks_give_what_one_chunk_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"<{EX}{i % 7}> <{EX}p{i % 3}> {f'<{EX}{i % 11}>' if i % 2 else chr(34) * 2} ." for i in range(500)
    ]
    lines += [f"_:b{i % 5} <{EX}p> <{EX}{i}> ." for i in range(50)]
    path = write(tmp_path / "a.nt", "\n".join(lines))
    whole = load(path)
    monkeypatch.setattr("kg.pieces._SIZE", 300)
    monkeypatch.setattr("kg.rdf._FIRST", 3)
    monkeypatch.setattr("kg.rdf._MOST", 7)
    seen: list[int] = []
    graph, report = read([path], progress=seen.append)
    assert graph.equals(whole)
    assert len(seen) > 70
    assert seen == sorted(seen)
    assert seen[-1] == report.quads == 550


# ---- blank nodes ----


def test_blank_nodes_are_named_by_content_and_order(tmp_path: Path) -> None:
    text = '@prefix : <http://example.org/> . :a :p [ :q "x" ] , _:b , [] . _:b :q "y" .'
    graph = load(write(tmp_path / "a.ttl", text))
    names = graph.entities.to_pylist()[1:]
    assert [name.rsplit(":", 1)[1] for name in names] == ["0", "1", "2"]
    assert len({name.rsplit(":", 1)[0] for name in names}) == 1
    assert all(len(name.removeprefix(BLANK)) == 14 for name in names)
    packed = write(tmp_path / "b.ttl.gz", gzip.compress(text.encode()))
    assert load(packed).equals(graph)
    both, _ = read([tmp_path / "a.ttl", packed])
    assert both.equals(graph)


def test_blank_nodes_of_two_files_are_two(tmp_path: Path) -> None:
    for name in "cd":
        write(tmp_path / f"{name}.nt", f"_:b <{EX}p> <{EX}{name}> .")
    assert load(tmp_path).num_entities == 4


@pytest.mark.parametrize("suffix", ["jsonld", "rdf", "ttl", "trig"])
def test_blank_names_are_the_same_in_another_process(tmp_path: Path, suffix: str) -> None:
    source = rdflib.Dataset() if suffix == "trig" else rdflib.Graph()
    turtle = "".join(f"<urn:s{i}> <urn:p{i % 3}> [ <urn:q> [ <urn:r> {i} ] ] , [] ." for i in range(9))
    source.parse(data=turtle, format="turtle")
    kind = {"jsonld": "json-ld", "rdf": "xml", "ttl": "turtle"}.get(suffix, suffix)
    path = write(tmp_path / f"a.{suffix}", source.serialize(format=kind))
    graph = load(path)
    code = "import sys; from kg.rdf import read; read(sys.argv[1:2])[0].save(sys.argv[2])"
    for run in range(2):
        subprocess.run([sys.executable, "-c", code, str(path), str(tmp_path / str(run))], check=True)
        assert KnowledgeGraph.load(tmp_path / str(run)).equals(graph)


def test_a_blank_graph_name_is_named_too(tmp_path: Path) -> None:
    graph = load(write(tmp_path / "a.nq", "<urn:a> <urn:p> _:x _:x .\n"))
    assert graph.graphs[0] == graph.entities[1].as_py()
    assert graph.graphs[0].startswith(BLANK)


# ---- bad input ----


def fails(inputs: list[Path] | Path | list[str], sentence: str, **options: bool) -> None:
    with pytest.raises(RdfError, match=sentence) as caught:
        read(inputs if isinstance(inputs, list) else [inputs], **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


GOOD = "<urn:a> <urn:p> <urn:b> .\n"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.nt", GOOD + "<urn:a> oops .\n", r"a\.nt:2: expected valid N-Triples \(got 'oops \.': The"),
        ("a.nq", GOOD * 3 + "<urn:a> <urn:p> <b c> .", r"a\.nq:4: expected valid N-Quads \(got '<b c>"),
        ("a.ttl", GOOD + "<urn:a> <urn:p> x:y .", r"a\.ttl:2: expected valid Turtle \(got 'x:y \.': The"),
        ("a.trig", "\n<urn:g> { <urn:a> }", r"a\.trig:2: expected valid TriG"),
        ("a.rdf", "<?xml version='1.0'?>\n<a><b></a>", r"a\.rdf:2: expected valid RDF/XML"),
        ("a.xml", "<a/>", r"a\.xml: expected valid RDF/XML \(got XML namespaces are required"),
        ("a.jsonld", '{"@id":\n "urn:a",,}', r"a\.jsonld:2: expected valid JSON-LD"),
        ("a.nt", b"<urn:a> <urn:p> \"\xff\" .", r"a\.nt:1: expected valid N-Triples \(got .*Invalid UTF-8"),
        ("a.nt", GOOD.encode("utf-16"), r"a\.nt:1: expected valid N-Triples \(got .*Invalid UTF-8"),
        ("a.nt", "", r"a\.nt: expected RDF \(got an empty file\)"),
        ("a.ttl", "# nothing\n", r"a\.ttl: expected at least one triple \(got an empty graph\)"),
        ("a.txt", GOOD, r"a\.txt: expected an RDF file \(\.nt, .*\.gz\) \(got '\.txt'\)"),
        ("a.gz", b"", r"a\.gz: expected an RDF file"),
        ("a.nt.gz", GOOD, r"a\.nt\.gz: expected a whole gzip file \(got: Not a gzipped file"),
        ("a.nt.gz", b"", r"a\.nt\.gz: expected RDF \(got an empty file\)"),
        ("a.nt.gz", gzip.compress(GOOD.encode())[:-9], r"a\.nt\.gz: expected a whole gzip file \(got: Com"),
        ("a.ttl", "<urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> .", r"a\.ttl: expected IRIs, .*triple"),
        ("a.ttl", '<urn:a> <urn:p> "x"@en--ltr .', r"a\.ttl: expected IRIs, .*a direction"),
    ],
)  # fmt: skip
def test_bad_content_is_told_in_one_sentence_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    fails(write(tmp_path / name, content), sentence)


def test_a_missing_path_an_empty_folder_and_no_input_are_told(tmp_path: Path) -> None:
    fails(tmp_path / "none.ttl", r"none\.ttl: expected a file or folder \(got a path that is not there\)")
    write(tmp_path / "notes.txt", "")
    fails(tmp_path, r"expected a folder with RDF files \(\.nt, .* \(got none in it\)")
    fails([], "expected files, folders or endpoints to read")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/sparql", "sparql+https://example.org/sparql"])
def test_an_endpoint_is_not_asked_unless_allowed(url: str) -> None:
    fails([url], "got a remote endpoint: pass --allow-remote")


@pytest.mark.parametrize("options", [{}, {"allow_remote": True}, {"lenient": True}])
def test_a_remote_context_is_never_fetched(tmp_path: Path, options: dict[str, bool]) -> None:
    text = '{"@context": "http://127.0.0.1:9/context", "@id": "urn:a", "name": "x"}'
    fails(
        write(tmp_path / "a.jsonld", text), r"a\.jsonld: expected JSON-LD with its context in it", **options
    )


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    for name in ("a.nt", "b.ttl"):
        assert len(load(write(tmp_path / name, b"\xef\xbb\xbf" + GOOD.encode())).triples) == 1
    packed = gzip.compress(b"\xef\xbb\xbf" + GOOD.encode())
    assert len(load(write(tmp_path / "c.nt.gz", packed)).triples) == 1


# ---- lenient ----


@pytest.mark.parametrize("suffix", ["nt", "nq", "nt.gz"])
def test_lenient_lines_lose_only_what_is_malformed(tmp_path: Path, suffix: str) -> None:
    lines = [f"<urn:{i}> <urn:p> <urn:o> ." for i in range(9)]
    lines[2], lines[4], lines[7] = "garbage", '<urn:4> <urn:p> "open .', "<urn:7> <urn:p> <urn:o>"
    content = "\n".join(lines).encode()
    path = write(tmp_path / f"a.{suffix}", gzip.compress(content) if suffix.endswith("gz") else content)
    graph, report = read([path], lenient=True)
    assert [iri for iri in graph.entities.to_pylist() if iri != "urn:o"] == [
        f"urn:{i}" for i in (0, 1, 3, 5, 6, 8)
    ]
    assert [sentence.removeprefix(f"{path}:")[:1] for sentence in report.skipped] == ["3", "5", "8"]
    assert report.num_skipped == 3
    assert "expected valid N-" in report.skipped[0]
    assert "'garbage'" in report.skipped[0]


def test_lenient_turtle_goes_on_after_the_next_full_stop(tmp_path: Path) -> None:
    text = "<urn:a> <urn:p> <urn:b> .\n<urn:c> <urn:p> x:y ;\n <urn:q> <urn:d> .\n<urn:e> <urn:p> <urn:f> .\n"
    graph, report = read([write(tmp_path / "a.ttl", text)], lenient=True)
    assert graph.entities.to_pylist() == ["urn:a", "urn:b", "urn:e", "urn:f"]
    assert len(report.skipped) == 1
    assert report.skipped[0].startswith(f"{tmp_path}/a.ttl:2: expected valid Turtle (got 'x:y ;': The prefix")
    assert report.skipped[0].endswith("; what stands before the next full stop after it is lost")


def test_lenient_elsewhere_never_reads_a_wrong_fact_after_an_error(tmp_path: Path) -> None:
    text = "<urn:g> { <urn:a> <urn:p> <urn:b> . <urn:c> <urn:p> x:y . <urn:d> <urn:p> <urn:e> . }"
    graph, report = read([write(tmp_path / "a.trig", text)], lenient=True)
    assert graph.entities.to_pylist() == ["urn:a", "urn:b"]
    assert graph.graphs == ("urn:g",)
    assert report.skipped[0].endswith("; the rest of the file is lost")


def test_lenient_reading_skips_whole_files_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "a.nt.gz", gzip.compress(GOOD.encode())[:-9])
    write(tmp_path / "b.nt", GOOD)
    write(tmp_path / "c.ttl", "")
    write(tmp_path / "d.ttl.gz", "no gzip")
    write(tmp_path / "e.ttl", "<urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> . <urn:x> <urn:p> <urn:y> .")
    graph, report = read([tmp_path], lenient=True)
    assert graph.entities.to_pylist() == ["urn:a", "urn:b", "urn:x", "urn:y"]
    assert [sentence.removeprefix(f"{tmp_path}/")[:1] for sentence in report.skipped] == list("acde")
    assert report.quads == 2


def test_lenient_reading_of_nothing_but_garbage_is_an_empty_graph(tmp_path: Path) -> None:
    fails(
        write(tmp_path / "a.nt", "x\ny\n"),
        r"expected at least one triple \(got an empty graph\)",
        lenient=True,
    )


def test_many_skips_are_counted_and_only_the_first_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nt", GOOD + "x\n" * 10_050)
    _, report = read([path], lenient=True)
    assert (report.num_skipped, len(report.skipped)) == (10_050, 10_000)


# ---- folders ----


def test_a_folder_is_read_whole_and_in_order_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.nt", "a/c.ttl", ".hidden.nt", ".git/d.nt", "a/picture.png", "a/readme.txt"):
        write(tmp_path / name, f"<urn:{name}> <urn:p> <urn:o> .")
    write(tmp_path / "package.json", '{"name": "something else"}')
    write(tmp_path / "layout.xml", "<layout/>")
    write(tmp_path / "facts.json", '{"@id": "urn:facts.json", "urn:p": {"@id": "urn:o"}}')
    graph, report = read([tmp_path])
    assert graph.entities.to_pylist() == ["urn:a/c.ttl", "urn:b.nt", "urn:facts.json", "urn:o"]
    assert report.files == [str(tmp_path / name) for name in ("a/c.ttl", "b.nt", "facts.json")]


def test_prefixes_of_all_files_are_known_and_the_first_wins(tmp_path: Path) -> None:
    write(tmp_path / "a.ttl", "@prefix x: <urn:x1:> . @prefix y: <urn:y:> . x:a x:p x:b .")
    write(tmp_path / "b.ttl", "@prefix x: <urn:x2:> . @prefix z: <urn:z:> . x:a x:p x:b .")
    assert load(tmp_path).prefixes == {"x": "urn:x1:", "y": "urn:y:", "z": "urn:z:"}


# ---- rdflib ----


def with_blank_nodes(graph: rdflib.Graph) -> rdflib.Graph:
    """Turn the IRIs that stand for blank nodes back into blank nodes."""
    result = rdflib.Graph()
    for triple in graph:
        result.add(tuple(rdflib.BNode(str(t)) if t.startswith(BLANK) else t for t in triple))  # type: ignore[arg-type]
    return result


def test_reading_and_exporting_equals_rdflibs_own_reading(tmp_path: Path) -> None:
    text = TURTLE + "ex:oak ex:has [ ex:size 5 ; ex:parts ( ex:root ex:leaf 'x'@en-gb ) ] . [] a ex:Thing ."
    graph = load(write(tmp_path / "a.ttl", text))
    expected = rdflib.Graph().parse(data=text, format="turtle")
    assert isomorphic(with_blank_nodes(graph.to_rdflib()), expected)
    assert dict(graph.to_rdflib().namespaces())["ex"] == rdflib.URIRef(EX)


def test_from_rdflib_equals_reading_the_file(tmp_path: Path) -> None:
    graph = load(write(tmp_path / "a.ttl", TURTLE))
    taken = KnowledgeGraph.from_rdflib(rdflib.Graph().parse(data=TURTLE, format="turtle"))
    assert without_prefixes(taken).equals(without_prefixes(graph))


def test_blank_nodes_from_rdflib_do_not_depend_on_its_labels() -> None:
    text = f"@prefix : <{EX}> . :a :p [ :q [ :r 1 ] ] , [] . [] :p :a ."
    first, second = (from_rdflib(rdflib.Graph().parse(data=text, format="turtle")) for _ in range(2))
    assert first.equals(second)
    assert first.num_entities == 5


def test_rdflib_terms_that_rdf_does_not_allow_are_told() -> None:
    graph = rdflib.Graph()
    with pytest.raises(RdfError, match=r"rdflib graph: expected at least one triple \(got an empty graph\)"):
        from_rdflib(graph)
    graph.add((rdflib.URIRef("urn:a"), rdflib.URIRef("urn:p"), rdflib.Variable("x")))
    with pytest.raises(RdfError, match="rdflib graph: expected IRIs, blank nodes and literals"):
        from_rdflib(graph)
    graph = rdflib.Graph()
    graph.add((rdflib.URIRef("urn:a"), rdflib.URIRef("urn:p"), rdflib.URIRef("no scheme")))
    with pytest.raises(RdfError, match="rdflib graph: expected a valid term"):
        from_rdflib(graph)


_iris = st.sampled_from([f"{EX}{name}" for name in "abcde"]).map(rdflib.URIRef)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_literals = st.one_of(
    _texts.map(rdflib.Literal),
    st.builds(lambda text, tag: rdflib.Literal(text, lang=tag), _texts, st.sampled_from(["en", "de-at"])),
    st.builds(
        lambda text, kind: rdflib.Literal(text, datatype=rdflib.XSD[kind], normalize=False),
        *(_texts, st.sampled_from(["integer", "date", "boolean", "anyURI"])),
    ),
)
_labels = st.sampled_from([EX + "p", EX + "q", RDF_TYPE, PREFIXES["rdfs"] + "label"]).map(rdflib.URIRef)
_image = st.just(rdflib.URIRef("https://schema.org/image"))
_references = st.sampled_from(["a b.png", "dir/ü.svg", ""]).map(rdflib.Literal)
_pictures = st.just(rdflib.URIRef("http://x.org/a.png"))
_statements = st.one_of(
    st.tuples(_iris, _labels, st.one_of(_iris, _literals)),
    st.tuples(_iris, _image, st.one_of(_references, _pictures)),
)
_graphs = st.sampled_from([None, rdflib.URIRef(EX + "g"), rdflib.URIRef(EX + "a")])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_statements, _graphs), min_size=1, max_size=12))
def test_rdflib_there_and_back_loses_nothing(
    statements: list[tuple[tuple[rdflib.term.Node, ...], rdflib.URIRef]],
) -> None:
    source = rdflib.Dataset()
    for statement, name in statements:
        source.graph(name if name is not None else source.default_graph).add(statement)  # type: ignore[arg-type]
    graph = KnowledgeGraph.from_rdflib(source)
    exported = graph.to_rdflib()
    if not isinstance(exported, rdflib.Dataset):
        assert set(exported) == {quad[:3] for quad in source.quads()}
    else:
        assert set(exported.quads()) == set(source.quads())
    assert without_prefixes(KnowledgeGraph.from_rdflib(exported)).equals(without_prefixes(graph))
