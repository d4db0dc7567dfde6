"""Without comparing all: the same answers as comparing all, whatever is asked, on an index of brute force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.search import narrowing
from pipelines.search.narrowing import Near
from pipelines.search.question import JOINT, Query
from pipelines.search.retrieval import Searcher

if TYPE_CHECKING:
    from pipelines.store.store import Store


@dataclass
class BruteForce:
    """Compares all observations; what it was asked is written down."""

    store: Store
    deepest: int = 1000
    asked: list[tuple[str, int]] = field(default_factory=list)

    def nearest(self, sense: str, rows: Tensor, depth: int, where: str | None) -> Near:
        self.asked.append((sense, depth))
        vectors = self.store.tensors[JOINT]
        owners = torch.arange(len(vectors))
        if sense != JOINT:
            vectors, owners = self.store.observations.features[sense], self.store.observations.owners[sense]
        found = (rows.float() @ vectors.float().T).topk(min(depth, len(vectors)), dim=1)
        whole = depth > len(vectors)
        least = -1.0 if whole else float(found.values[:, -1].max())
        return Near(np.unique(owners[found.indices].numpy()), least, whole)


@pytest.fixture
def narrow(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> Searcher:
    monkeypatch.setattr(narrowing, "FEW", 0)
    monkeypatch.setattr(narrowing, "FIRST", 2)
    monkeypatch.setattr(narrowing, "GROWTH", 2)
    return Searcher(searcher.store, index=BruteForce(searcher.store))


def same(found: Any, own: Any) -> None:
    assert [hit.entity for hit in found] == [hit.entity for hit in own]
    for one, other in zip(found, own, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
        assert one.modalities == pytest.approx(other.modalities, abs=1e-5)
        assert one.path == other.path
    assert found.counted() == own.counted()


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("where", [None, "?x a ex:Card", "?x schema:about ex:cat"])
def test_answers_are_those_of_comparing_all(
    searcher: Searcher, narrow: Searcher, collection: Any, where: str | None, k: int
) -> None:
    queries = [
        Query("a cat"),
        Query("something round"),
        Query("a wolf", image=collection.picture("cat1"), weights={"image": 2.0, "joint": 0.0}),
        Query(entity=collection.iri("apple0")),
        Query("an instrument", prefer={"?x schema:about ex:drum": 0.4}),
        Query("a vehicle", not_text="a boat"),
        Query("a vehicle", not_text="something that floats"),
        Query(audio=collection.sound("drum1")),
    ]
    pairs = zip(
        narrow.search_batch(queries, where=where, k=k),
        searcher.search_batch(queries, where=where, k=k),
        strict=True,
    )
    for found, own in pairs:
        same(found, own)


def test_a_clear_question_does_not_compare_all(searcher: Searcher, narrow: Searcher) -> None:
    caption = searcher.search("a sleeping cat", k=1)[0].label
    same(narrow.search(caption, k=1), searcher.search(caption, k=1))
    assert isinstance(narrow.index, BruteForce)
    assert {sense for sense, _ in narrow.index.asked} == {JOINT, "text"}
    assert max(depth for _, depth in narrow.index.asked) < len(searcher.store.tensors[JOINT])


def test_few_are_compared_at_once_and_lists_that_would_be_too_long_not_at_all(
    searcher: Searcher, narrow: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = narrow.index
    assert isinstance(index, BruteForce)
    index.deepest = 4
    same(narrow.search("a thing", k=3), searcher.search("a thing", k=3))
    assert index.asked == []  # a list of 2 k is already deeper
    monkeypatch.setattr(narrowing, "FEW", 1000)
    index.deepest = 1000
    same(narrow.search("a thing", k=3), searcher.search("a thing", k=3))
    assert index.asked == []
