"""Facts and constraints: what may be asked, what comes back, and that nothing reaches the network."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.rdf import read
from kg.sparql import ConstraintError, Facts

EX = "http://example.org/"
TRIG = f"""@prefix ex: <{EX}> . @prefix schema: <https://schema.org/> .
ex:robin a ex:Bird ; ex:near ex:wren ; schema:name "Robin"@en ; ex:size 14 ; ex:home [ ex:tree ex:oak ] .
ex:g {{ ex:penguin a ex:Bird ; ex:cannot ex:fly ; ex:size 60 . ex:robin a ex:Bird . }}
ex:oak a ex:Tree ; schema:image "oak.png" ; ex:note "SERVICE" .
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    folder = tmp_path_factory.mktemp("facts")
    (folder / "a.trig").write_text(TRIG)
    graph, _ = read([folder / "a.trig"], facts=folder / "rdf")
    yield Facts.open(folder / "rdf", graph.prefixes)
    gc.collect()


def names(facts: Facts, where: str) -> list[str]:
    return sorted(iri.removeprefix(EX) for iri in facts.select_entities(where))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("?x a ex:Bird", ["penguin", "robin"]),
        ("?x a ex:Bird . FILTER NOT EXISTS { ?x ex:cannot ex:fly }", ["robin"]),
        ("{ ?x a ex:Tree } UNION { ?x ex:cannot ex:fly }", ["oak", "penguin"]),
        ("WHERE { ?x ex:size ?n FILTER(?n > 20) }", ["penguin"]),
        ("SELECT ?x WHERE { ?x ex:home/ex:tree ?tree }", ["robin"]),
        ("select * { ?x schema:name ?name }", ["robin"]),
        ("SELECT (?bird AS ?x) { ?bird ex:near ?y }", ["robin"]),
        ("PREFIX mine: <http://example.org/> ?x a mine:Tree", ["oak"]),
        ("PREFIX ex: <http://example.org/>\n# a comment\nSELECT $x { $x a ex:Tree }", ["oak"]),
        ("?x ex:note 'SERVICE' # SERVICE", ["oak"]),
        ("?x rdf:type ex:Tree", ["oak"]),
        ("GRAPH ex:g { ?x a ex:Bird }", ["penguin", "robin"]),
        ("?x a ex:Fish", []),
        ("VALUES ?x { ex:unknown 'text' 5 }", ["unknown"]),
        ("ex:robin ?p ?x FILTER(!isLiteral(?x) && !CONTAINS(STR(?x), 'blank'))", ["Bird", "wren"]),
    ],
)
def test_a_constraint_gives_the_entities_of_x(facts: Facts, where: str, found: list[str]) -> None:
    assert names(facts, where) == found


def test_each_entity_comes_once_and_in_the_order_of_the_query(facts: Facts) -> None:
    where = "SELECT ?x { ?x ex:size ?n . ?x ?p ?o } ORDER BY DESC(?n)"
    assert facts.select_entities(where) == [EX + "penguin", EX + "robin"]


def test_literals_in_x_are_left_out(facts: Facts) -> None:
    assert facts.select_entities("ex:robin schema:name|ex:near ?x") == [EX + "wren"]


def test_blank_nodes_are_the_iris_of_the_graph(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text(TRIG)
    graph, _ = read([tmp_path / "a.trig"])
    (home,) = facts.select_entities("ex:robin ex:home ?x")
    assert home in graph.entities.to_pylist()


def test_the_store_has_media_and_every_graph(facts: Facts) -> None:
    assert len(facts) == 13
    assert facts.query("SELECT ?o { ex:oak schema:image ?o }") == [{"o": "oak.png"}]


def test_query_gives_rows_of_text(facts: Facts) -> None:
    rows = facts.query("SELECT ?n ?near { ?x ex:size ?n OPTIONAL { ?x ex:near ?near } } ORDER BY ?n")
    assert rows == [{"n": "14", "near": EX + "wren"}, {"n": "60", "near": None}]
    with pytest.raises(ConstraintError, match="got a query of form ASK"):
        facts.query("ASK { ?s ?p ?o }")


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (
            "?x a bird:Robin",
            r"expected one of the known prefixes dcterms, ex, .* \(got 'bird' in bird:Robin\)",
        ),
        ("PREFIX a: <urn:a> ?x a:p b:q", r"known prefixes a, dcterms, .* \(got 'b' in b:q\)"),
        ("?x a ex:Bird .\n?x ex:size ) .", r"got an error in line 2, column 12: '\) \.'"),
        ("?x a ex:Bird .\n?x ex:size ex:a ?y", "got an end before the pattern is complete"),
        ("SELECT ?x\n{ ?x a ex:Bird", "in line 2, column 15: 'the end of the line'"),
        ("?x <no iri> ?y", "got an error in line 1, column"),
        ("?x a", "expected valid SPARQL"),
        ("?y a ex:Bird", r"expected a constraint that binds \?x \(got '\?y a ex:Bird'\)"),
        ("", r"expected a constraint that binds \?x \(got ''\)"),
        ("# ?x\n?y ?p ?o", r"expected a constraint that binds \?x"),
        ("SELECT ?y { ?y ex:near ?x }", r"expected a SELECT that gives \?x \(got only \?y\)"),
        ("SELECT ?x { ?y ?p ?o }", "got solutions, but none with a value for"),
        ("ASK { ?x ?p ?o }", "got a query of form ASK"),
        ("PREFIX e: <urn:e> CONSTRUCT WHERE { ?x ?p ?o }", "got a query of form CONSTRUCT"),
        ("describe ?x { ?x ?p ?o }", "got a query of form DESCRIBE"),
        ("INSERT DATA { ex:x ex:p ex:x }", "facts are read-only .got the update INSERT"),
        ("DELETE WHERE { ?x ?p ?o }", "got the update DELETE"),
        ("LOAD <http://127.0.0.1:9/x>", "got the update LOAD"),
        ("?x ?p ?o FILTER(<urn:f>(?x))", "expected a query that can be run .got: The custom function"),
        ("?x ?p ?o } INSERT DATA { ex:a ex:b ex:c", "expected valid SPARQL"),
    ],
)
def test_what_is_no_constraint_is_told_in_one_sentence(facts: Facts, where: str, sentence: str) -> None:
    with pytest.raises(ConstraintError, match=sentence) as caught:
        facts.select_entities(where)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "clause",
    [
        "SERVICE <URL> { ?x ?p ?o }",
        "service silent <URL> { ?x ?p ?o }",
        "SERVICE# comment\n<URL> { ?x ?p ?o }",
        "{ ?x ?p ?o }SERVICE<URL>{?x ?p ?o}",
        "SERVICESILENT<URL>{?x ?p ?o}",
        "VALUES ?s { <URL> } SERVICE ?s { ?x ?p ?o }",
        "VALUES ?s { <URL> } SERVICE?s{?x ?p ?o}",
        "SERVICEremote:sparql { ?x ?p ?o }",
        "SERVICEremote:sparql{ ?x ?p ?o }",
        "\\u0053ERVICE <URL> { ?x ?p ?o }",
        "\\u005Cu0053ERVICE <URL> { ?x ?p ?o }",
        "?x ?p ?o . FILTER(?x != '''it's''' && 1 < 2) SERVICE <URL> { ?x ?p ?o }",
        "?x ex:a\\'b ?o . SERVICE <URL> { ?x ?p ?o } # '",
        "?x ex:a\\#b ?o . SERVICE <URL> { ?x ?p ?o }",
        "?x ?p <urn:it's> SERVICE <URL> { ?x ?p ?o } # '",
        'FILTER EXISTS { SERVICE <URL> { ?x ?p "SERVICE" } }',
        "{ SELECT ?x { SERVICE <URL> { ?x ?p ?o } } }",
    ],
)
def test_no_clause_reaches_the_network(facts: Facts, clause: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        where = clause.replace("URL", f"{url}sparql")
        with pytest.raises(ConstraintError, match="got a SERVICE clause"):
            facts.select_entities(where, {"remote": url})
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_prefix_or_a_variable_named_service_is_allowed(facts: Facts) -> None:
    assert facts.select_entities("?x service:near ?service", {"service": EX}) == [EX + "robin"]


def test_prefixes_of_the_data_win_over_the_usual_ones(tmp_path: Path) -> None:
    (tmp_path / "a.nt").write_text('<urn:a> <http://schema.org/name> "A" .')
    graph, _ = read([tmp_path / "a.nt"], facts=tmp_path / "rdf")
    assert Facts.open(tmp_path / "rdf", graph.prefixes).select_entities("?x schema:name ?n") == ["urn:a"]
    assert Facts.open(tmp_path / "rdf").select_entities("?x schema:name ?n") == []


def test_several_readers_and_threads_ask_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text(TRIG)
    read([tmp_path / "a.trig"], facts=tmp_path / "rdf")
    readers = [Facts.open(tmp_path / "rdf", {"ex": EX}) for _ in range(3)]
    found: list[list[str]] = []

    def ask(facts: Facts) -> None:
        found.extend(names(facts, "?x a ex:Bird") for _ in range(20))

    threads = [threading.Thread(target=ask, args=(facts,)) for facts in readers for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["penguin", "robin"]] * 120


def test_reading_again_replaces_the_store_and_a_failure_keeps_it(tmp_path: Path) -> None:
    source = tmp_path / "a.nt"
    for name in ("one", "two"):
        source.write_text(f"<urn:{name}> <urn:p> <urn:o> .")
        read([source], facts=tmp_path / "rdf")
    old = Facts.open(tmp_path / "rdf")
    source.write_text("<urn:three> <urn:p> <urn:o> .\noops")
    with pytest.raises(ValueError, match=r"a\.nt:2"):
        read([source], facts=tmp_path / "rdf")
    for facts in (old, Facts.open(tmp_path / "rdf")):
        assert facts.select_entities("?x <urn:p> ?o") == ["urn:two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nt", "rdf"]


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"nowhere: expected a store of facts, build it again \(got: no such"
    ):
        Facts.open(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="expected a store of facts"):
        Facts.open(tmp_path)


@pytest.mark.parametrize("small", [0, 100_000])
def test_facts_in_memory_and_on_disk_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr("kg.sparql.SMALL", small)
    (tmp_path / "a.trig").write_text(TRIG)
    graph, _ = read([tmp_path / "a.trig"], facts=tmp_path / "rdf")
    facts = Facts.open(tmp_path / "rdf", graph.prefixes)
    on_disk, size = facts._store, len(facts)
    for where in ("?x a ex:Bird", "?x ex:home/ex:tree ex:oak", "?x ?p ?o", "GRAPH ?g { ?x a ?kind }"):
        fresh = Facts.open(tmp_path / "rdf", graph.prefixes)
        assert sorted(facts.select_entities(where)) == sorted(fresh.select_entities(where))
    assert facts.select_entities("SELECT ?x { ?x ex:size ?n } ORDER BY ?n") == [f"{EX}robin", f"{EX}penguin"]
    assert len(facts) == size
    assert (facts._store is on_disk) == (small == 0)
    del facts, fresh, on_disk
    gc.collect()


def test_facts_that_are_asked_once_stay_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text(TRIG)
    read([tmp_path / "a.trig"], facts=tmp_path / "rdf")
    facts = Facts.open(tmp_path / "rdf")
    on_disk = facts._store
    assert facts.select_entities(f"?x a <{EX}Tree>") == [f"{EX}oak"]
    assert facts._store is on_disk
    del facts, on_disk
    gc.collect()


def test_a_query_that_takes_too_long_is_given_up() -> None:
    store = ox.Store()
    for i in range(100):
        store.add(ox.Quad(ox.NamedNode(f"{EX}{i}"), ox.NamedNode(f"{EX}p"), ox.NamedNode(f"{EX}{i + 1}")))
    # a million rows: as what is given up goes on, it shall end soon
    where = "?x ?p ?y . ?a ?b ?c . ?d ?e ?f . FILTER(STRLEN(CONCAT(STR(?x), STR(?a), STR(?d))) = 1)"
    facts = Facts(store, seconds=0.02)
    sentence = r"expected a query that is answered within 0\.02 seconds \(it was not\): make it narrower"
    with pytest.raises(ConstraintError, match=sentence):
        facts.select_entities(where)
    with pytest.raises(ConstraintError, match=sentence):
        facts.query(f"SELECT ?x {{ {where} }}")
    assert Facts(store).select_entities(f"?x <{EX}p> <{EX}7>") == [f"{EX}6"]  # others are answered meanwhile
