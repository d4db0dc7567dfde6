"""What is not wanted: a kind by the facts, or what is like it; and how that was understood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.search.negation import named
from pipelines.search.question import NOT, Query, QueryError

if TYPE_CHECKING:
    from pipelines.search.retrieval import Answer, Searcher

NAMES = {"bird": [1, 7], "cat": [2], "salt and pepper": [3], "salt": [4], "fox": [5], "berry": [6]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a bird", [1, 7]),
        ("any birds", [1, 7]),
        ("The bird!", [1, 7]),
        ("a bird or a cat", [1, 7, 2]),
        ("foxes, berries, and cats", [5, 6, 2]),
        ("salt and pepper", [3]),
        ("salt", [4]),
        ("a bird that cannot fly", []),
        ("a bird or a dog", []),
        ("a red bird", []),
        ("", []),
    ],
)
def test_a_text_names_only_what_it_is_wholly_the_name_of(text: str, found: list[int]) -> None:
    assert named(text, NAMES) == found


def items(answer: Answer) -> set[str]:
    return {hit.entity.rsplit("/", 1)[1][:-1] for hit in answer}


@pytest.mark.parametrize(
    ("unwanted", "gone", "line"),
    [
        ({"not_text": "a cat"}, {"cat"}, "not: cat (by the facts, 3 entities left out)"),
        ({"not_text": "animals"}, {"cat", "wolf"}, "not: animal (by the facts, 6 entities left out)"),
        ({"not_entity": "ex:animal"}, {"cat", "wolf"}, "not: animal (by the facts, 6 entities left out)"),
        (
            {"not_text": "a cat or fruit"},
            {"cat", "apple", "lemon"},
            "not: cat, fruit (by the facts, 9 entities left out)",
        ),
    ],
)
def test_the_name_of_a_kind_leaves_out_all_that_is_of_it_and_changes_no_other_score(
    searcher: Searcher, collection: Any, unwanted: dict[str, str], gone: set[str], line: str
) -> None:
    picture = collection.picture("cat0")
    whole = searcher.search(image=picture, k=100)
    answer = searcher.search(image=picture, **unwanted, k=100)
    assert gone <= items(whole)
    assert list(answer) == [hit for hit in whole if hit.entity.rsplit("/", 1)[1][:-1] not in gone]
    assert answer.understood == [line]
    assert answer.candidates == len(answer)


def test_several_things_that_are_not_wanted_are_each_left_out(searcher: Searcher) -> None:
    answer = searcher.search("a wild animal", not_text=["a cat", "fruit"], not_entity="ex:drum", k=100)
    assert items(answer) & {"cat", "apple", "lemon", "drum"} == set()
    assert len(answer) == 31 - 3 * 4
    assert len(answer.understood) == 3


def test_words_that_name_no_kind_push_away_what_is_like_them(searcher: Searcher) -> None:
    words = "a howling wolf in snow at night"
    plain = {hit.entity: hit for hit in searcher.search("a wild animal", k=100)}
    answer = searcher.search("a wild animal", not_text=words, k=100)
    assert answer.understood == [f"not: {words} (by likeness; it is the name of nothing in the graph)"]
    assert len(answer) == len(plain)
    lost = {hit.entity.rsplit("/", 1)[1]: -hit.modalities.get(NOT, 0.0) for hit in answer}
    assert all(value >= 0 for value in lost.values())
    assert sorted(lost, key=lost.__getitem__)[-3:] == sorted(
        ("wolf0", "wolf1", "wolf2"), key=lost.__getitem__
    )
    for hit in answer:
        gained = hit.modalities.get(NOT, 0.0)
        assert hit.score == pytest.approx(plain[hit.entity].score + gained, abs=1e-5)


def test_a_picture_of_a_known_thing_leaves_that_out_and_moves_down_what_looks_like_it(
    searcher: Searcher, collection: Any
) -> None:
    plain = searcher.search("an animal", k=100)
    answer = searcher.search("an animal", not_image=collection.picture("wolf0"), k=100)
    assert "by likeness" in answer.understood[0]
    assert collection.iri("wolf0") not in {hit.entity for hit in answer}
    score = {hit.entity: hit.score for hit in answer}
    before = {hit.entity: hit.score for hit in plain}
    lost = {iri: before[iri] - value for iri, value in score.items()}
    assert max(lost, key=lost.__getitem__) in {collection.iri("wolf1"), collection.iri("wolf2")}
    assert min(lost.values()) >= -1e-5


def test_a_new_picture_a_sound_and_a_thing_are_each_to_be_unlike(
    searcher: Searcher, draw: Callable[..., Path], play: Callable[..., Path], tmp_path: Path
) -> None:
    for unwanted, most in (
        ({"not_image": draw(tmp_path / "new.png", "triangle", "magenta", 4)}, "tulip"),
        ({"not_audio": play(tmp_path / "new.wav", 800, 3)}, "cat"),
        ({"not_entity": "ex:boat0"}, "boat"),
    ):
        answer = searcher.search("a thing", **unwanted, k=100)  # type: ignore[arg-type]
        lost = min(answer, key=lambda hit: hit.modalities.get(NOT, 0.0))
        assert lost.modalities[NOT] < -0.1
        assert lost.entity.rsplit("/", 1)[1].startswith(most)


def test_a_weight_of_nothing_makes_likeness_to_what_is_not_wanted_welcome(searcher: Searcher) -> None:
    plain = searcher.search("a drum", k=100)
    answer = searcher.search("a drum", not_text="a loud marching drum", weights={"not": 0}, k=100)
    assert [hit.entity for hit in answer] == [hit.entity for hit in plain]
    assert [hit.score for hit in answer] == pytest.approx([hit.score for hit in plain], abs=1e-5)


def test_a_batch_with_nots_and_preferences_answers_as_single_questions_do(
    searcher: Searcher, collection: Any
) -> None:
    soft = {"?x schema:audio ?s": 0.25}
    queries = [
        Query("an animal", not_text="a howling wolf"),
        Query(image=collection.picture("cat1"), not_text=["cats", "something blue"], prefer=soft),
        Query("music", prefer={"?x schema:about ex:drum": -1.0, **soft}),
        Query("a boat"),
        Query(entity="ex:apple0", not_image=[collection.picture("apple1")], not_entity="ex:lemon"),
    ]
    for query, together in zip(queries, searcher.search_batch(queries, k=9), strict=True):
        alone = searcher.search_batch([query], k=9)[0]
        assert [hit.entity for hit in alone] == [hit.entity for hit in together]
        assert [hit.score for hit in alone] == pytest.approx([hit.score for hit in together], abs=1e-5)
        assert alone.understood == together.understood


@pytest.mark.parametrize(
    ("unwanted", "sentence"),
    [
        ({"not_entity": "ex:aple0"}, "did you mean .*apple0"),
        ({"not_image": "missing.png"}, "missing.png: expected a picture"),
        ({"not_text": " "}, "only white space"),
    ],
)
def test_what_cannot_be_excluded_is_told(searcher: Searcher, unwanted: dict[str, str], sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        searcher.search("a cat", **unwanted)  # type: ignore[arg-type]


def test_to_say_only_what_is_not_wanted_is_no_question(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="by text, image, audio or entity"):
        searcher.search(not_text="a cat")
