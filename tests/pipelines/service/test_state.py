"""The service's state: read whole, replaced without a gap, kept where the newer one is damaged."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyoxigraph as ox
import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from pipelines.app import make_app
from pipelines.search import narrowing
from pipelines.search.milvus_index import MilvusError
from pipelines.search.retrieval import Searcher
from pipelines.service import state as serving_state
from pipelines.service.endpoints import STATE
from pipelines.service.state import Opening, States, read_state, stamp_of
from pipelines.store.store import StoreError
from tests.kg.endpoint_server import running

HERE = "http://127.0.0.1"
CARDS = "?x a <https://example.org/c/Card>"


@pytest.fixture
def copy(store_folder: Path, tmp_path: Path) -> Path:
    """A store of our own, as others read the shared one."""
    return shutil.copytree(store_folder, tmp_path / "store")


@pytest.fixture
def states(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[States]:
    monkeypatch.setattr(serving_state, "LOOKS", 0.05)
    states = States(copy, Opening())
    yield states
    states.close()


def put_in_place(new: Path, store: Path) -> None:
    """Replace a store's folder as a build does."""
    old = store.with_name(".old")
    store.rename(old)
    new.rename(store)
    shutil.rmtree(old)


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_state_is_read_whole_so_that_nothing_is_missed_when_the_folder_goes(copy: Path) -> None:
    state = read_state(copy, Opening())
    expected = Searcher.open(copy).search("a sleeping cat", where=CARDS, not_text="a wolf", k=5)
    shutil.rmtree(copy)
    found = state.searcher.search("a sleeping cat", where=CARDS, not_text="a wolf", k=5)
    assert [hit.as_json() for hit in found] == [hit.as_json() for hit in expected]
    assert state.searcher.explain(found[0], "a sleeping cat", where=CARDS).rank == 1
    assert state.completer is not None
    state.close()


def test_the_service_moves_to_a_newer_state_without_dropping_a_request(
    states: States, copy: Path, labelled: Path, tmp_path: Path
) -> None:
    new, old = shutil.copytree(labelled, tmp_path / "new"), states.current
    ended, found = threading.Event(), []
    with TestClient(make_app(states), base_url=HERE) as client:

        def ask(number: int) -> None:
            while not ended.is_set():
                answer = client.post("/search", json={"text": "an apple", "where": CARDS, "k": 100})
                if answer.status_code == 200:
                    found.append((200, answer.headers[STATE], answer.json()["candidates"]))
                else:
                    found.append((answer.status_code, "", 0))

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, number) for number in range(4)]
            until(lambda: len(found) >= 8)
            put_in_place(new, copy)
            until(lambda: states.current is not old)
            after = len(found)
            until(lambda: len(found) >= after + 12)
            ended.set()
            for one in asking:
                one.result()
        assert {status for status, _, _ in found} == {200}
        # the newer store has two more cards: each answer is of the state that it names
        assert {(name, count) for _, name, count in found} == {(old.name, 30), (states.current.name, 32)}
        assert old.readers == 0
        assert 'sensegraph_state_moves_total{read="true"} 1.0' in client.get("/metrics").text


def test_a_damaged_newer_state_leaves_the_older_one_answering_until_it_is_whole(
    states: States, copy: Path, store_folder: Path, tmp_path: Path
) -> None:
    new, old = shutil.copytree(store_folder, tmp_path / "new"), states.current
    whole = (new / "embeddings.safetensors").read_bytes()
    (new / "embeddings.safetensors").write_bytes(whole[:1000])
    with TestClient(make_app(states), base_url=HERE) as client:
        put_in_place(new, copy)
        until(lambda: states.problem is not None)
        assert "damaged" in str(states.problem)
        answer = client.post("/search", json={"text": "an apple", "where": CARDS})
        assert (answer.status_code, answer.headers[STATE]) == (200, old.name)
        told = client.get("/health").json()
        assert "cannot be read" in told["newer"]
        (copy / "embeddings.safetensors").write_bytes(whole)
        until(lambda: states.current is not old)
        assert "newer" not in client.get("/health").json()


def test_a_store_that_disappears_leaves_the_state_answering(states: States, copy: Path) -> None:
    old = states.current
    shutil.rmtree(copy)
    assert not states.look()
    assert states.current is old
    assert old.searcher.search("an apple", where=CARDS).candidates == 30


def test_a_borrowed_state_is_closed_by_the_last_who_gives_it_back(
    states: States, copy: Path, store_folder: Path, tmp_path: Path
) -> None:
    old = states.borrow()
    assert states.borrow() is old
    put_in_place(shutil.copytree(store_folder, tmp_path / "new"), copy)
    assert states.look()
    states.give_back(old)
    assert old.searcher.allowed(CARDS).size == 30
    states.give_back(old)
    with pytest.raises(ValueError, match="expected"):
        old.searcher.allowed(CARDS)
    assert states.current.searcher.allowed(CARDS).size == 30


def test_encoders_are_used_again_where_they_are_the_same(
    states: States, copy: Path, store_folder: Path, tmp_path: Path
) -> None:
    text = states.current.searcher.asker.encoders["text"]
    put_in_place(shutil.copytree(store_folder, tmp_path / "new"), copy)
    assert states.look()
    assert states.current.searcher.asker.encoders["text"] is text


def test_no_store_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        States(tmp_path / "none", Opening())
    assert stamp_of(tmp_path / "none") is None


def test_a_damaged_part_is_told_in_one_sentence(copy: Path) -> None:
    (copy / "rules.parquet").write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="expected a whole store"):
        read_state(copy, Opening())
    shutil.rmtree(copy / "rdf")
    (copy / "rdf").mkdir()
    with pytest.raises(StoreError, match="expected a whole store"):
        read_state(copy, Opening())


def test_a_service_asks_an_endpoint_and_outlives_it(copy: Path) -> None:
    with running() as server:
        server.store.extend(ox.Store.read_only(str(copy / "rdf")))
        states = States(copy, Opening(facts=server.url, seconds=20.0))
        asked = {"text": "a cat", "where": CARDS, "k": 3}
        client = TestClient(make_app(states), base_url=HERE)
        own = Searcher.open(copy).search("a cat", where=CARDS, k=3)
        found = client.post("/search", json=asked).json()
        assert [hit["entity"] for hit in found["hits"]] == [hit.entity for hit in own]
        counted = client.post("/sparql", data={"query": "SELECT (COUNT(*) AS ?n) { ?x a ?c }"}).json()
        assert int(counted["results"]["bindings"][0]["n"]["value"]) > 30
    refused = client.post("/search", json=asked)
    assert refused.status_code == 503
    assert "a search without a constraint needs no endpoint" in refused.json()["detail"]
    assert client.post("/search", json={"text": "a cat", "k": 3}).status_code == 200
    states.close()


def test_an_index_that_goes_away_is_told_as_such(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        deepest = 100

        def nearest(self, *_: object) -> None:
            raise MilvusError("expected Milvus to answer at x (got: nothing)")

    monkeypatch.setattr(narrowing, "FEW", 0)
    states.current.searcher.index = Gone()
    answer = TestClient(make_app(states), base_url=HERE).post("/search", json={"text": "a cat"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "expected Milvus to answer" in answer.json()["detail"]
