"""Vectors in Milvus (a file of Milvus Lite): the same answers, stored constraints, and what is wrong told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kg.sparql import ConstraintError
from kg.vocabulary import DEFAULT
from pipelines import index as index_command
from pipelines import query
from pipelines.search import narrowing
from pipelines.search.milvus_index import MilvusError, MilvusIndex, fill
from pipelines.search.question import JOINT, Query
from pipelines.search.retrieval import Searcher
from pipelines.store.store import Store

if TYPE_CHECKING:
    from pipelines.search.explain import Answer

CARDS = "?x a ex:Card"


@pytest.fixture(scope="module")
def uri(store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("pymilvus", reason="pymilvus is an extra")
    pytest.importorskip("milvus_lite", reason="Milvus Lite is an extra")
    place = str(tmp_path_factory.mktemp("milvus") / "vectors.db")
    store = Store.open(store_folder)
    rows = sum(len(features) for features in store.observations.features.values())
    assert fill(place, store, DEFAULT, [CARDS]) == store.graph.num_entities + rows
    return place


def same(found: Answer, own: Answer) -> None:
    assert [hit.entity for hit in found] == [hit.entity for hit in own]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in own], abs=1e-5)
    assert found.counted() == own.counted()


def test_answers_are_those_of_comparing_all_and_no_list_of_ids_is_sent(
    uri: str, searcher: Searcher, store_folder: Path, collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "FEW", 0)
    monkeypatch.setattr(narrowing, "FIRST", 4)
    far = Searcher.open(store_folder, index=uri)
    assert isinstance(far.index, MilvusIndex)
    sent: list[str] = []
    ask = far.index._client.search
    monkeypatch.setattr(
        far.index._client, "search", lambda *a, **b: (sent.append(b["filter"]), ask(*a, **b))[1]
    )
    queries = [Query("a cat"), Query(image=collection.picture("drum0")), Query(entity=collection.iri("cat0"))]
    for where in (None, CARDS, "?x schema:about/skos:broader ex:animal"):
        for query_, own in zip(queries, searcher.search_batch(queries, where=where, k=3), strict=True):
            same(far.search_batch([query_], where=where, k=3)[0], own)
    stored = {f"array_contains(constraints, {place})" for place in (0, 1)}
    assert set(sent) == stored | {""}
    stated = far.search("a cat", where=CARDS, inferred=False, k=3)
    same(stated, searcher.search("a cat", where=CARDS, inferred=False, k=3))
    assert sent[-1] == ""


def test_what_is_nearest_is_exact_under_a_stored_constraint(uri: str, searcher: Searcher) -> None:
    store = searcher.store
    index = MilvusIndex(uri, store)
    vectors = store.tensors[JOINT].float()
    allowed = searcher.allowed(CARDS)
    found = index.nearest(JOINT, vectors[:1], 5, CARDS)
    scores = (vectors @ vectors[0])[allowed]
    assert set(found.owners) == set(allowed[scores.topk(5).indices.numpy()])
    assert found.least == pytest.approx(float(scores.topk(5).values[-1]), abs=1e-5)
    assert not found.whole
    assert index.nearest(JOINT, vectors[:1], 1000, CARDS).whole
    others = MilvusIndex(uri, store, constraints=False)  # facts of others decide
    assert len(others.nearest(JOINT, vectors[:1], 1000, CARDS).owners) == store.graph.num_entities


def test_commands_fill_and_ask(
    store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], uri: str
) -> None:
    place = str(tmp_path / "own.db")
    flags = ["--store", str(store_folder), "--index", place]
    assert index_command.main([*flags, "--constraint", CARDS]) == 0
    assert "vectors at" in capsys.readouterr().out
    assert query.main([*flags, "--text", "a cat", "--json", "-k", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert index_command.main([*flags, "--constraint", "?x a"]) == 1
    assert "expected valid SPARQL" in capsys.readouterr().err


def test_an_index_of_another_state_or_half_filled_is_told(
    uri: str, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(store_folder, tmp_path / "store")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"notes": ["another"]}))
    with pytest.raises(MilvusError, match=r"this state of the store at .* \(got: it has none, or"):
        Searcher.open(folder, index=uri)
    place, store = str(tmp_path / "half.db"), Store.open(store_folder)
    fill(place, store, DEFAULT)
    index = MilvusIndex(place, store)
    index._client.delete(index._names[JOINT], ids=[0])
    with pytest.raises(MilvusError, match=r"got: \d+ of \d+ of the sense joint\): fill it"):
        MilvusIndex(place, store)


def test_a_filling_that_is_stopped_leaves_nothing_that_counts_as_filled(
    uri: str, store_folder: Path, tmp_path: Path
) -> None:
    place, store = str(tmp_path / "stopped.db"), Store.open(store_folder)
    fill(place, store, DEFAULT)

    def stop(done: int, total: int) -> None:
        if done > store.graph.num_entities:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(place, store, DEFAULT, progress=stop)
    with pytest.raises(MilvusError, match="not all yet"):
        MilvusIndex(place, store)


def test_a_wrong_constraint_or_too_many_fill_nothing(uri: str, store_folder: Path, tmp_path: Path) -> None:
    store, place = Store.open(store_folder), tmp_path / "none.db"
    with pytest.raises(ConstraintError, match="expected valid SPARQL"):
        fill(str(place), store, DEFAULT, ["?x a"])
    with pytest.raises(MilvusError, match=r"at most 64 stored constraints \(got 65\)"):
        fill(str(place), store, DEFAULT, [CARDS] * 65)
    assert not place.exists()


def test_a_server_that_is_away_is_told(uri: str, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.search.milvus_index._SECONDS", 1.0)
    with pytest.raises(MilvusError, match=r"expected Milvus to answer at http://127\.0\.0\.1:1 \(got: "):
        Searcher.open(store_folder, index="http://127.0.0.1:1")


def test_without_pymilvus_the_line_for_pip_is_named(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(ImportError, match=r"pip install 'sensegraph\[milvus\]'"):
        Searcher.open(store_folder, index="x.db")
