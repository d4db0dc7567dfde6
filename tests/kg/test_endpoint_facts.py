"""Facts at an endpoint answer as the store's own do: paged, patient, within a time; or say why not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from kg.endpoint_facts import EndpointFacts
from kg.sparql import ConstraintError, Facts
from tests.kg.endpoint_server import RESULTS, Server, running

EX = "http://example.org/"
TURTLE = f"""@prefix : <{EX}> . @prefix schema: <https://schema.org/> .
:a a :Cat ; :size 3 ; schema:name "Tom, {{}} # a cat"@en . :b a :Cat ; :size 5 . :c a :Dog ; :size 4 .
:c :likes :a , :b . :Cat :under :Animal . :Dog :under :Animal . _:x a :Cat . :d :says "miau" ; :likes _:x ."""
PATTERNS = [
    "?x a :Cat",
    "?x a/:under* :Animal . # all of them",
    "?x a ?kind FILTER(?kind != :Cat)",
    '?x schema:name "Tom, {} # a cat"@en',
    "{ ?x :size 3 } UNION { ?x :likes ?y MINUS { ?x a :Dog } }",
    "SELECT ?x WHERE { ?x :size ?s } ORDER BY DESC(?s) LIMIT 2",
    f"PREFIX o: <{EX}> SELECT ?x {{ VALUES ?x {{ o:a o:c }} ?x a o:Dog }}",
    "# which\nPREFIX : <http://example.org/>\nWHERE { ?x :likes :a }",
    "?y :says ?x",
    "?x a :Bird",
    "?x a ?k OPTIONAL { ?x :likes ?other }",
    "SELECT ?x { ?y a :Cat BIND(?y AS ?x) } VALUES ?y { :b }",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as one:
        one.store.load(TURTLE, ox.RdfFormat.TURTLE)
        yield one


@pytest.fixture(autouse=True)
def fresh(server: Server) -> None:
    server.faults, server.queries, server.cap, server.delay = [], [], 1000, 0.0


@pytest.mark.parametrize("cap", [1, 2, 1000])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_constraint_allows_what_the_store_s_own_facts_allow(server: Server, pattern: str, cap: int) -> None:
    server.cap = cap
    own = Facts(server.store).select_entities(pattern, {"": EX})
    assert sorted(EndpointFacts(server.url, page=3).select_entities(pattern, {"": EX})) == sorted(own)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?k (COUNT(?y) AS ?n) { ?y a ?k } GROUP BY ?k ORDER BY ?k",
        "SELECT * { ?y :size ?s } ORDER BY ?s",
    ],
)
def test_a_select_answers_as_the_store_s_own_facts_do(server: Server, query: str) -> None:
    own, far = Facts(server.store), EndpointFacts(server.url)
    assert far.table(query, {"": EX}).equals(own.table(query, {"": EX}))
    for most in (1, 9):
        assert far.bindings(query, {"": EX}, most=most) == own.bindings(query, {"": EX}, most=most)


@pytest.mark.parametrize(
    "pattern",
    ["?x a", "?x nobody:knows ?y", "?y a :Cat", "ASK { ?x a :Cat }", "SELECT ?y { ?y :likes ?x }",
     "DELETE WHERE { ?x ?p ?o }", "SERVICE <http://example.org/s> { ?x a :Cat }"],
)  # fmt: skip
def test_what_is_no_constraint_is_told_as_the_store_s_own_facts_do_and_not_sent(
    server: Server, pattern: str
) -> None:
    with pytest.raises(ConstraintError) as own:
        Facts(ox.Store()).select_entities(pattern, {"": EX})
    with pytest.raises(ConstraintError) as far:
        EndpointFacts(server.url).select_entities(pattern, {"": EX})
    assert str(far.value) == str(own.value)
    assert server.queries == []


def test_solutions_without_x_are_told(server: Server) -> None:
    with pytest.raises(ConstraintError, match=r"got solutions, but none with a value for \?x"):
        EndpointFacts(server.url).select_entities("?y a :Cat OPTIONAL { ?y :never ?x }", {"": EX})


def test_a_busy_endpoint_is_asked_again(server: Server) -> None:
    server.faults = [(503, "text/plain", "")] * 2
    assert EndpointFacts(server.url, pause=0).select_entities("?x a :Dog", {"": EX}) == [EX + "c"]


def test_what_a_server_says_besides_is_passed_over(server: Server) -> None:
    found = '{"head": {"vars": ["x"]}, "results": {"bindings": [%s]}, "truncated": false}'
    row = '{"x": {"type": "uri", "value": "http://example.org/z"}}'
    server.faults = [(200, RESULTS, found % row), (200, RESULTS, found % "")]
    assert EndpointFacts(server.url).select_entities("?x a :Dog", {"": EX}) == [EX + "z"]


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        ((503, "text/plain", ""), "HTTP 503 Service Unavailable after 3 attempts"),
        ((400, "text/plain", ""), "HTTP 400 Bad Request"),
        ((200, "text/html", "<html>"), "an answer of type text/html"),
        ((200, RESULTS, '{"head": {"vars": ["x"]}, "results": {"bindings": [{"x"'), "damaged solutions"),
    ],
)  # fmt: skip
def test_an_endpoint_that_does_not_answer_is_one_sentence(
    server: Server, fault: tuple[int, str, str], got: str
) -> None:
    server.faults = [fault] * 3
    with pytest.raises(ConstraintError, match=f"^{server.url}: expected SPARQL results in JSON .got {got}"):
        EndpointFacts(server.url, pause=0).select_entities("?x a :Dog", {"": EX})


def test_an_endpoint_that_is_down_is_one_sentence() -> None:
    with running() as gone:
        url = gone.url
    with pytest.raises(ConstraintError, match=r"refused after 3 attempts.: a search without a constraint"):
        EndpointFacts(url, pause=0).select_entities("?x a :Dog", {"": EX})


def test_a_slow_endpoint_is_given_up_in_time(server: Server) -> None:
    server.delay, start = 1.5, time.monotonic()
    with pytest.raises(ConstraintError, match=r"within 0\.2 seconds"):
        EndpointFacts(server.url, seconds=0.2).select_entities("?x a :Dog", {"": EX})
    assert time.monotonic() - start < 1.0


def test_what_an_endpoint_cannot_tell_is_not_asked_of_it(server: Server) -> None:
    facts = EndpointFacts(server.url)
    with pytest.raises(ConstraintError, match="what was stated alone"):
        facts.select_entities("?x a :Dog", {"": EX}, inferred=False)
    with pytest.raises(ConstraintError, match="without FROM"):
        facts.select_entities("SELECT ?x FROM <http://example.org/g> { ?x a ?k }")
    assert server.queries == []


@pytest.mark.parametrize("url", ["localhost:7200", "file:///etc/hosts", "ftp://example.org/", "http://", ""])
def test_an_address_of_no_endpoint_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected the http\(s\) URL of a SPARQL endpoint"):
        EndpointFacts(url)
