"""The service: the library's answers over HTTP, one sentence for each mistake, nothing beyond the limits."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from pipelines import Query, Searcher
from pipelines.app import make_app
from pipelines.search.exhibit import Exhibit
from pipelines.service import answers as service_answers
from pipelines.service.endpoints import STATE
from pipelines.service.problems import MEDIA_TYPE
from pipelines.service.requests import MOST_BATCH, MOST_HITS
from pipelines.service.state import Opening, State, States

if TYPE_CHECKING:
    from httpx2 import Response


HERE = "http://127.0.0.1"
ABOUT = "https://schema.org/about"
EX = "https://example.org/c/"
CARDS = f"?x a <{EX}Card>"


@pytest.fixture(scope="module")
def states(labelled: Path) -> Iterator[States]:
    states = States(labelled, Opening(seconds=5))
    yield states
    states.close()


@pytest.fixture(scope="module")
def client(states: States) -> TestClient:
    return TestClient(make_app(states), base_url=HERE)


@pytest.fixture(scope="module")
def library(labelled: Path) -> Searcher:
    return Searcher.open(labelled)


def plain(value: Any) -> Any:
    """A value as it is after JSON, without what is null."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one is not None}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def refused(answer: Response, status: int, words: str) -> None:
    """It is a problem of one sentence that says so, and tells nothing of the inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    told = answer.json()
    assert told["status"] == status
    assert words in told["detail"]
    assert "\n" not in told["detail"]
    assert "Traceback" not in answer.text
    assert "/tmp" not in answer.text


def png(size: tuple[int, int]) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("1", size).save(content, "PNG")
    return content.getvalue()


QUESTIONS: list[dict[str, Any]] = [
    {"text": "a sleeping cat", "k": 3},
    {"text": "something to eat", "where": CARDS, "weights": {"graph": 0}},
    {"entity": EX + "apple0", "not_text": ["a lemon"], "k": 4},
    {"text": "an apple", "prefer": {f"?x <{ABOUT}> <{EX}lemon>": 0.7}, "inferred": False},
]


@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_search_gives_what_the_library_gives(
    client: TestClient, library: Searcher, asked: dict[str, Any]
) -> None:
    expected = library.search(**asked)
    answer = client.post("/search", json=asked)
    assert answer.status_code == 200
    told = answer.json()
    assert told["hits"] == [plain(hit.as_json()) for hit in expected]
    assert told["candidates"] == expected.candidates
    assert [one["entity"] for one in told["anchors"]] == expected.anchors
    assert told["understood"] == expected.understood
    assert answer.headers[STATE]


def test_an_address_asks_the_same_as_a_body(client: TestClient) -> None:
    asked = {"text": "a sleeping cat", "where": CARDS, "k": 2, "not_text": ["a wolf", "a lemon"]}
    assert client.get("/search", params=asked).json() == client.post("/search", json=asked).json()


def test_a_batch_gives_what_the_library_gives(client: TestClient, library: Searcher) -> None:
    texts = ["a sleeping cat", "a boat", "music"]
    found = client.post("/search/batch", json={"queries": [{"text": one} for one in texts], "k": 2})
    assert [one["hits"] for one in found.json()["answers"]] == [
        plain([hit.as_json() for hit in answer])
        for answer in library.search_batch([Query(one) for one in texts], k=2)
    ]


def test_files_ask_as_they_do_in_the_library(client: TestClient, library: Searcher, collection: Any) -> None:
    picture, sound, other = (
        collection.picture("cat1"), collection.sound("wolf1"), collection.picture("apple1"),
    )  # fmt: skip
    expected = library.search("a pet", image=picture, audio=sound, not_image=other, where=CARDS, k=4)
    sent = {
        "image": ("../../etc/passwd", picture.read_bytes()),
        "audio": sound.read_bytes(),
        "not_image": other.read_bytes(),
    }
    query = json.dumps({"text": "a pet", "where": CARDS, "k": 4})
    answer = client.post("/search/upload", files=sent, data={"query": query})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["hits"] == [plain(hit.as_json()) for hit in expected]


def test_reasons_are_those_of_the_library(client: TestClient, library: Searcher) -> None:
    hit = library.search("a sleeping cat")[0]
    answer = client.post("/explain", json={"text": "a sleeping cat", "entities": [hit.entity]})
    assert answer.json() == {"reasons": [plain(library.explain(hit, "a sleeping cat").as_json())]}
    refused(client.post("/explain", json={"text": "a cat", "entities": [EX + "none"]}), 422, "unknown")


def test_an_entity_comes_with_values_facts_and_media(client: TestClient, collection: Any) -> None:
    told = client.get("/entity", params={"entity": EX + "cat0"}).json()
    assert told["label"] == "A sleeping cat"
    assert {"predicate": "https://schema.org/name", "value": "A sleeping cat", "language": "en"} in [
        {name: one[name] for name in ("predicate", "value", "language")} for one in told["literals"]
    ]
    facts = {(one["head"]["entity"], one["relation"], one["tail"]["label"]) for one in told["facts"]}
    assert (EX + "cat0", ABOUT, "cat") in facts
    assert told["fact_count"] == len(told["facts"])
    media = {one["modality"]: one for one in told["media"]}
    picture = client.get(media["image"]["href"])
    assert picture.content == collection.picture("cat0").read_bytes()
    assert picture.headers["content-type"] == "image/png"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert client.get(media["audio"]["href"]).content == collection.sound("cat0").read_bytes()
    assert len(client.get("/entity", params={"entity": EX + "cat", "facts": 2}).json()["facts"]) == 2


def test_hits_tell_where_their_media_are_if_that_is_wanted(client: TestClient) -> None:
    (hit,) = client.post("/search", json={"text": "a sleeping cat", "k": 1, "media": True}).json()["hits"]
    assert client.get(hit["media"][0]["href"]).status_code == 200


def test_labels_are_predicted_as_the_library_does(client: TestClient, states: States) -> None:
    told = client.post("/predict/label", json={"target": ABOUT, "k": 5}).json()
    assert {one["entity"] for one in told["predictions"]} == {EX + "apple9", EX + "wolf9"}
    assert told["candidates"] == 2
    predictor = states.current.predictors[ABOUT]
    (expected,) = predictor.predict(np.array([predictor.graph.entity_id(EX + "apple9")]))
    assert told["predictions"][0]["likeliest"] == expected.likeliest
    assert told["predictions"][0]["probability"] == pytest.approx(expected.probability, abs=1e-6)
    known = client.post("/predict/label", json={"target": ABOUT, "entities": [EX + "cat0"], "abstain": 1})
    assert known.json()["predictions"][0]["prediction"] is None
    refused(client.post("/predict/label", json={"target": EX + "none"}), 422, ABOUT)
    asked = {"target": ABOUT, "entities": [EX + "none"]}
    refused(client.post("/predict/label", json=asked), 422, "unknown")


def test_facts_are_proposed_as_the_library_does(client: TestClient, states: States) -> None:
    asked = {"relation": ABOUT, "head": EX + "apple9", "k": 3}
    told = client.post("/predict/fact", json=asked).json()
    assert states.current.completer is not None
    expected = states.current.completer.find(ABOUT, head=EX + "apple9", k=3)
    assert [one["tail"] for one in told["proposals"]] == [one.tail for one in expected.proposals]
    assert told["candidates"] == expected.candidates
    refused(client.post("/predict/fact", json={"relation": ABOUT}), 422, "head or a tail")
    refused(client.post("/predict/fact", json={"relation": EX + "none", "head": EX + "cat0"}), 422, "unknown")


def test_sparql_answers_as_the_protocol_has_it(client: TestClient) -> None:
    query = f"SELECT ?x ?n {{ ?x <{ABOUT}> <{EX}cat> ; schema:name ?n }} ORDER BY ?x LIMIT 1"
    for answer in (
        client.get("/sparql", params={"query": query}),
        client.post("/sparql", data={"query": query}),
    ):
        assert answer.headers["content-type"] == "application/sparql-results+json"
        told = answer.json()
        assert sorted(told["head"]["vars"]) == ["n", "x"]
        assert told["results"]["bindings"] == [
            {
                "x": {"type": "uri", "value": EX + "cat0"},
                "n": {"type": "literal", "value": "A sleeping cat", "xml:lang": "en"},
            }
        ]
        assert told["truncated"] is False


def test_no_more_solutions_than_the_limit_are_sent(states: States) -> None:
    found = service_answers.sparql(states.current, "SELECT * { ?s ?p ?o }", inferred=True, most=3)
    assert len(found.results.bindings) == 3
    assert found.truncated


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("INSERT DATA { <urn:a> <urn:b> <urn:c> }", "read-only"),
        ("LOAD <file:///etc/passwd>", "read-only"),
        ("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }", "SERVICE"),
        ("SELECT * FROM <file:///etc/passwd> { ?s ?p ?o", "SPARQL"),
        ("ASK { ?s ?p ?o }", "ASK"),
        ("SELECT * {" + "{" * 9000, "expected"),
        ("SELECT (COUNT(*) AS ?n) {" + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(9)) + "}", "5 seconds"),
    ],
)
def test_sparql_that_may_not_be_run_is_refused(client: TestClient, query: str, words: str) -> None:
    refused(client.post("/sparql", data={"query": query}), 422, words)


def test_a_constraint_without_end_is_ended_and_the_next_question_answered(client: TestClient) -> None:
    endless = " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(9)) + " FILTER(?x = ?a0)"
    refused(
        client.post("/search", json={"text": "a cat", "where": f"?x ?p ?o . {endless}"}), 422, "5 seconds"
    )
    assert client.post("/search", json={"text": "a cat", "where": CARDS}).status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "body"),
        ("[" * 100_000, "body"),
        ('{"k": ' + "9" * 5000 + "}", "body"),
        ('{"text": "\\ud800"}', "text"),
        ('{"text": ""}', "text"),
        ('{"text": "a", "image": "/etc/passwd"}', "image"),
        ('{"text": "a", "k": 0}', "k"),
        (f'{{"text": "a", "k": {MOST_HITS + 1}}}', "k"),
        ('{"text": "a", "weights": {"smell": 1}}', "weights"),
        ('{"text": "a", "weights": {"text": NaN}}', "weights"),
        ('{"text": "a", "weights": {"text": 1e999}}', "weights"),
        ("{}", "text, image, audio or entity"),
        ('{"entity": "/etc/passwd"}', "unknown"),
        ('{"text": "a", "where": "?y a ?z"}', "binds ?x"),
        ('{"text": "a", "prefer": {"?x a": 1}}', "preference"),
    ],
)
def test_a_bad_question_is_told_in_one_sentence(client: TestClient, body: str, words: str) -> None:
    answer = client.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    refused(answer, answer.status_code, words)


def test_batches_have_a_limit(client: TestClient) -> None:
    queries = [{"text": "a"}] * (MOST_BATCH + 1)
    refused(client.post("/search/batch", json={"queries": queries}), 422, "queries")


def test_bodies_have_a_limit_also_where_they_hide_their_length(client: TestClient) -> None:
    long = b'{"text": "' + b"a" * 2**20 + b'"}'
    kind = {"Content-Type": "application/json"}
    refused(client.post("/search", content=long, headers=kind), 413, "1,048,576")
    refused(client.post("/search", content=iter([long]), headers=kind), 413, "1,048,576")
    refused(client.post("/search/upload", files={"image": bytes(41 * 2**20)}), 413, "octets")
    refused(client.post("/search/upload", files={"image": bytes(21 * 2**20)}), 413, "20 MB")
    packed = kind | {"Content-Encoding": "gzip"}
    refused(client.post("/search", content=b"x", headers=packed), 415, "not packed")


def test_files_that_unpack_to_far_more_or_are_none_are_refused(client: TestClient) -> None:
    import soundfile

    long = io.BytesIO()
    soundfile.write(long, np.zeros(301 * 8000, dtype=np.int16), 8000, format="FLAC")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>"
    for name, content, words in (
        ("image", png((8000, 8000)), "50 million"),
        ("image", png((20_000, 20_000)), "50 million"),
        ("image", svg, "PNG"),
        ("image", png((9, 9))[:40], "PNG"),
        ("image", b"", "PNG"),
        ("not_image", b"PK\x03\x04", "not_image"),
        ("audio", long.getvalue(), "300 s"),
        ("audio", b"RIFF", "WAV"),
        ("image", long.getvalue(), "PNG"),
    ):
        refused(client.post("/search/upload", files={name: content}), 422, words)
    silent = io.BytesIO()
    soundfile.write(silent, np.zeros(8000), 8000, format="WAV")
    refused(client.post("/search/upload", files={"audio": silent.getvalue()}), 422, "the sound in audio")
    refused(client.post("/search/upload", data={"query": "["}), 422, "openapi")
    refused(client.post("/search/upload", data={"query": "{}"}), 422, "text, image, audio or entity")


def test_no_path_from_outside_reaches_a_file(
    client: TestClient, states: States, tmp_path: Path, collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for outside in ("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", EX + "../cat0", "%2e%2e/x"):
        refused(client.get("/entity/media", params={"entity": outside, "number": 0}), 404, "unknown")
    for path in ("/entity/media/../../etc/passwd", "/..%2f..%2fetc/passwd", "/static/x"):
        refused(client.get(path), 404, "paths")
    refused(client.get("/entity/media", params={"entity": EX + "cat0", "number": -1}), 422, "number")
    refused(client.get("/entity/media", params={"entity": EX + "cat0", "number": 99}), 404, "number")
    # what lay in the media root when the store was built may since lead out of it
    (tmp_path / "media").mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    root = tmp_path / "media"
    (root / "media").mkdir()
    (root / "media" / "cat0.png").symlink_to(tmp_path / "secret.png")
    searcher = states.current.searcher
    moved = Exhibit(searcher.store, searcher.labels, root)
    monkeypatch.setitem(vars(searcher), "exhibit", moved)
    told = client.get("/entity", params={"entity": EX + "cat0"}).json()["media"]
    assert [one.get("href") for one in told] == [None, None]
    for number in range(3):
        found = client.get("/entity/media", params={"entity": EX + "cat0", "number": number})
        refused(found, 404, "number")


def test_a_token_is_demanded_of_all_but_health(states: States) -> None:
    app = make_app(states, token="right-and-long-enough")
    client = TestClient(app, base_url="http://anywhere.example")
    assert client.get("/health").status_code == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right-and-long-enough"}):
        for path in ("/search?text=a", "/metrics", "/openapi.json", "/none"):
            answer = client.get(path, headers=headers)
            refused(answer, 401, "Bearer")
            assert "Bearer" in answer.headers["www-authenticate"]
    headers = {"Authorization": "Bearer right-and-long-enough"}
    assert client.get("/search?text=cat", headers=headers).status_code == 200


def test_without_a_token_only_this_machine_s_names_are_answered(client: TestClient) -> None:
    refused(client.get("/search?text=cat", headers={"Host": "evil.example"}), 421, "name of this machine")
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/search?text=cat", headers={"Host": host}).status_code == 200


def test_a_full_line_is_told_with_when_to_try_again(states: States) -> None:
    app = make_app(states, waiting=0)
    client, gate = TestClient(app, base_url=HERE), threading.Event()
    running = app.state.desk.questions.submit(gate.wait)
    answer = client.get("/search?text=cat")
    refused(answer, 503, "line is full")
    assert answer.headers["retry-after"] == "1"
    assert client.get("/health").status_code == 200
    gate.set()
    running.result()
    assert client.get("/search?text=cat").status_code == 200
    assert states.current.readers == 0


def test_many_at_once_are_all_answered_as_one_is(client: TestClient) -> None:
    texts = ["a cat", "a boat", "an apple", "a drum"] * 6
    alone = {text: client.get("/search", params={"text": text}).json() for text in set(texts)}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: client.get("/search", params={"text": text}).json(), texts))
    for text, answer in zip(texts, found, strict=True):
        assert [hit["entity"] for hit in answer["hits"]] == [hit["entity"] for hit in alone[text]["hits"]]
        # those that wait are answered together: other products, other roundings
        scores = [[hit["score"] for hit in one["hits"]] for one in (answer, alone[text])]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_one_that_cannot_be_answered_spoils_none_that_waits_with_it(
    client: TestClient, states: States
) -> None:
    gate = threading.Event()
    busy = client.app.state.desk.questions.submit(gate.wait)  # type: ignore[attr-defined]
    asked = [
        {"text": "a cat"},
        {"text": "a cat", "where": "?x ex:no"},
        {"entity": "x:/nobody"},
        {"text": "a boat"},
    ]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(client.post, "/search", json=one) for one in asked]
        while client.app.state.desk.questions.inside < 5:  # type: ignore[attr-defined]
            time.sleep(0.01)
        gate.set()
        answers = [one.result() for one in waiting]
    assert [answer.status_code for answer in answers] == [200, 422, 422, 200]
    assert "x:/nobody" in answers[2].text
    assert busy.result()
    assert states.current.readers == 0


def test_an_error_of_ours_tells_nothing(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(state: State, asked: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(service_answers, "search_each", broken)
    client = TestClient(make_app(states), base_url=HERE, raise_server_exceptions=False)
    answer = client.get("/search?text=cat")
    refused(answer, 500, "its log tells more")
    assert "secret" not in answer.text


def test_health_and_figures_tell_what_is_served(client: TestClient, states: States) -> None:
    told = client.get("/health").json()
    assert told["status"] == "ok"
    assert told["entities"] == states.current.store.graph.num_entities
    client.get("/none/of/these")
    figures = client.get("/metrics").text
    assert 'sensegraph_requests_total{method="GET",path="/health",status="200"}' in figures
    assert 'path="other",status="404"' in figures
    assert "none/of/these" not in figures
    assert f"sensegraph_entities {float(told['entities'])}" in figures


def test_a_wrong_method_is_told(client: TestClient) -> None:
    refused(client.get("/explain"), 405, "POST")
    refused(client.delete("/search"), 405, "DELETE")


@pytest.mark.slow
def test_no_fuzzed_request_makes_the_service_fail(labelled: Path) -> None:
    pytest.importorskip("schemathesis")
    from benchmarks.serving_fuzz import failures, fuzz
    from benchmarks.serving_load import served

    with served(labelled) as (_, address):
        found = fuzz(address, examples=24)
    assert failures(found) == 0, found
    assert {name.rpartition(" ")[0] for name in found} >= {
        *("GET /search", "POST /search", "POST /search/batch", "POST /search/upload", "POST /explain"),
        *("POST /predict/label", "POST /predict/fact", "GET /entity", "GET /entity/media"),
        *("GET /sparql", "POST /sparql"),
    }
