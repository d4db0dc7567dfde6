"""Words and names as they are recognised, and chains of facts as they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kg.vocabulary import DEFAULT
from pipelines.search.explain import Hit, plain_words, readable_path, recognised_names, singulars

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The old Tower!", ["old", "tower"]),
        ("a", ["a"]),
        ("well-known child's toy, no. 3", ["well-known", "child's", "toy", "no", "3"]),
        ("Ünïcode 日本", ["ünïcode", "日本"]),
        ("...", []),
    ],
)
def test_words_are_lower_case_without_marks_or_a_leading_article(text: str, words: list[str]) -> None:
    assert plain_words(text) == words


def test_a_plural_is_also_its_singular_but_short_words_stay() -> None:
    assert singulars(["wild", "cats"]) == ["wild cats", "wild cat"]
    assert singulars(["bus"]) == ["bus"]
    assert singulars([]) == [""]


def test_names_are_recognised_by_label_and_stop_words_are_no_names(searcher: Searcher) -> None:
    names = recognised_names(searcher.store.graph, DEFAULT)
    graph = searcher.store.graph
    assert [graph.entities[i].as_py() for i in names["ripe apple"]] == ["https://example.org/c/apple0"]
    assert [graph.entities[i].as_py() for i in names["cat"]] == ["https://example.org/c/cat"]
    assert "it" not in names


def test_a_path_is_read_from_the_anchor_to_the_hit_with_each_fact_as_it_is_stated() -> None:
    # penguin broader bird; toucan about bird: from penguin up to bird, then down to the toucan
    path = [("urn:penguin", "urn:x/broader", "urn:bird"), ("urn:toucan", "urn:x#about", "urn:bird")]
    names = {"urn:penguin": "penguin", "urn:bird": "bird", "urn:toucan": "A toucan"}
    told = readable_path(path, "urn:toucan", names)
    assert told == "penguin -broader-> bird <-about- A toucan"
    assert readable_path([], "urn:toucan", names) == ""


def test_an_inferred_fact_is_marked_with_its_rule_and_how_sure_it_is() -> None:
    path = [("urn:penguin", "urn:x/broader", "urn:bird"), ("urn:toucan", "urn:x#about", "urn:bird")]
    told = readable_path(path, "urn:toucan", {}, [("owl", 1.0), None])
    assert told == "urn:penguin -broader (by owl, 1)-> urn:bird <-about- urn:toucan"
    told = readable_path(path, "urn:toucan", {}, [None, ("kin", 0.85)])
    assert told == "urn:penguin -broader-> urn:bird <-about (by kin, 0.85)- urn:toucan"


def test_a_hit_as_json_has_the_documented_keys() -> None:
    hit = Hit("urn:a", "A", 1.23456789, {"text": 0.9999999}, [("urn:b", "urn:r", "urn:a")], anchor=True)
    assert hit.as_json() == {
        "entity": "urn:a",
        "label": "A",
        "score": 1.234568,
        "modalities": {"text": 1.0},
        "path": [["urn:b", "urn:r", "urn:a"]],
    }
