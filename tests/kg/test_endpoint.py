"""A SPARQL endpoint on loopback that the test starts: paged, capped, busy, broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.endpoint import Endpoint
from kg.rdf import RdfError, read
from kg.rewriting import BLANK
from tests.kg.endpoint_server import RESULTS, Handler, Server, running

EX = "http://example.org/"


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as one:
        yield one


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are written down instead of being slept."""
    pauses: list[float] = []
    monkeypatch.setattr("kg.sparql_client.time.sleep", pauses.append)
    return pauses


TURTLE = f"""@prefix : <{EX}> . @prefix schema: <https://schema.org/> .
:a :p :b , :c ; schema:name "A"@en , "Line\\n two" ; :size 5 ; schema:image "a.png" . :b a :Thing ."""


def test_an_endpoint_gives_what_the_file_gives(server: Server, tmp_path: Path) -> None:
    server.store.load(TURTLE, ox.RdfFormat.TURTLE)
    (tmp_path / "a.ttl").write_text(TURTLE)
    expected, _ = read([tmp_path / "a.ttl"])
    for url in (server.url, f"sparql+{server.url}"):
        graph, report = read([url], allow_remote=True)
        assert replace(graph, prefixes={}).equals(replace(expected, prefixes={}))
        assert (report.files, report.quads) == ([server.url], 7)


def test_a_server_that_caps_pages_is_read_to_the_end(server: Server) -> None:
    lines = (f"<{EX}{i}> <{EX}p> <{EX}{i + 1}> ." for i in range(95))
    server.store.load("\n".join(lines), ox.RdfFormat.N_TRIPLES)
    server.cap = 10
    assert len(read([server.url], allow_remote=True)[0].triples) == 95
    offsets = [query.rsplit(" ", 1)[1] for query in server.queries]
    assert offsets == [*map(str, range(0, 91, 10)), "95"]


def test_a_busy_server_is_asked_again_with_growing_patience(server: Server, waits: list[float]) -> None:
    server.store.load(TURTLE, ox.RdfFormat.TURTLE)
    server.faults = [(code, "text/plain", "") for code in (503, 429, 500)]
    assert len(read([server.url], allow_remote=True)[0].triples) == 3
    assert waits == [1, 2, 4]


def test_a_server_that_stays_busy_is_given_up(server: Server, waits: list[float]) -> None:
    server.faults = [(503, "text/plain", "")] * 9
    with pytest.raises(RdfError, match=r"got HTTP 503 Service Unavailable after 5 attempts\)"):
        read([server.url], allow_remote=True)
    assert len(server.queries) == 5


def test_a_server_that_is_down_is_told(server: Server, waits: list[float]) -> None:
    url = server.url
    server.server_close()
    with pytest.raises(RdfError, match=r"expected SPARQL results in JSON \(got .* after 5 attempts\)"):
        read([url], allow_remote=True)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ((200, "text/html; charset=utf-8", "<html>"), r"\(got an answer of type text/html\)"),
        ((400, "text/plain", "bad"), r"\(got HTTP 400 Bad Request\)"),
        ((404, "text/html", "none"), r"\(got HTTP 404 Not Found\)"),
        ((200, RESULTS, "{"), r"\(got an answer that cannot be read"),
        ((200, RESULTS, '{"head": {}, "boolean": true}'), "another kind of query"),
        ((200, RESULTS, '{"head": {"vars": ["s"]}, "results": {"bindings": [{}]}}'), "a row that is no"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_table_of_statements_is_told(
    server: Server, waits: list[float], fault: tuple[int, str, str], sentence: str
) -> None:
    server.faults = [fault] * 9
    with pytest.raises(RdfError, match=f"{server.url}: expected SPARQL results in JSON .*{sentence}"):
        read([server.url], allow_remote=True)
    assert len(server.queries) == 1
    assert waits == []


def test_an_empty_endpoint_is_an_empty_graph(server: Server) -> None:
    with pytest.raises(RdfError, match=r"expected at least one triple \(got an empty graph\)"):
        read([server.url], allow_remote=True)


def test_blank_nodes_keep_one_name_from_page_to_page(server: Server) -> None:
    server.store.load(f"_:x <{EX}p> _:y . _:y <{EX}p> _:x . _:x <{EX}q> <{EX}a> .", ox.RdfFormat.TURTLE)
    server.cap = 1
    graph, _ = read([server.url], allow_remote=True)
    assert graph.num_entities == 3
    assert sum(iri.startswith(BLANK) for iri in graph.entities.to_pylist()) == 2


def test_a_server_that_asks_for_patience_gets_it_within_limits(server: Server, waits: list[float]) -> None:
    class Answer(Handler):
        def answer(self, code: int, kind: str, text: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            if code == 503:
                self.send_header("Retry-After", kind.rsplit("/", 1)[1])
            self.end_headers()
            self.wfile.write(text.encode())

    server.RequestHandlerClass = Answer
    server.faults = [(503, "text/7", ""), (503, "text/86400", ""), (503, "text/soon", "")]
    assert list(Endpoint(server.url, pause=0.5).quads(None)) == []
    assert waits == [7, 60, 2]
