"""What the page asks is what the library answers; what cannot be answered is told in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from pipelines import Searcher
from pipelines.page.answers import answer, counted, reasons
from pipelines.page.chips import chips
from pipelines.page.draft import Draft
from pipelines.page.examples import examples
from pipelines.page.media import Shelf
from pipelines.page.pattern import Literal, Picked
from pipelines.page.room import KEPT_PRIORS, KEPT_STATES, Room, Rooms
from pipelines.service.problems import ProblemError

EX = "https://example.org/c/"
ABOUT = "https://schema.org/about"


class State:
    """Stands for a state of a service."""

    def __init__(self, searcher: Searcher, name: str = "s1") -> None:
        self.searcher, self.name = searcher, name


@pytest.fixture(scope="module")
def room(searcher: Searcher) -> Room:
    return Room(searcher, "1")


def asked(room: Room, draft: Draft, files: dict[str, Path] | None = None) -> list[str]:
    shown = answer(State(room.searcher), room, draft, files or {})  # type: ignore[arg-type]
    return [hit.entity for hit in shown.hits]


def test_an_answer_is_that_of_the_library(room: Room, collection: Any) -> None:
    draft = Draft(
        text=" a pet ", like=EX + "wolf0", picked=(Picked(ABOUT, EX + "animal"),), weights={"text": 2.0}, k=4
    )
    where = f"?x <{ABOUT}>/skos:broader* <{EX}animal>"
    files = {"image": collection.picture("cat1")}
    expected = room.searcher.search(
        "a pet", image=files["image"], entity=EX + "wolf0", where=where, weights={"text": 2.0}, k=4
    )
    assert asked(room, draft, files) == [hit.entity for hit in expected]
    shown = answer(State(room.searcher), room, draft, files)  # type: ignore[arg-type]
    assert shown.counted == expected.counted()
    assert shown.more
    assert shown.state == "s1"
    assert EX + "wolf0" not in dict(shown.anchors)
    assert counted(room, draft) == ("?x schema:about/skos:broader* ex:animal .", 6)
    assert counted(room, Draft()) == (None, 31)


def test_a_prior_is_that_of_the_library_and_the_last_few_are_kept(room: Room) -> None:
    from pipelines.search.alternative import with_prior

    expected = with_prior(room.searcher, {ABOUT: 0.0}).search("a sleeping cat", k=8)
    draft = Draft(text="a sleeping cat", priors={ABOUT: 0.0}, k=8)
    assert asked(room, draft) == [hit.entity for hit in expected]
    assert room.asked_with({ABOUT: 0.0}) is room.asked_with({ABOUT: 0.0})
    assert room.asked_with({ABOUT: 1.0}) is room.searcher  # as the store was built
    for tenth in range(1, 3 + KEPT_PRIORS):
        room.asked_with({ABOUT: tenth / 10})
    assert len(room._others) == KEPT_PRIORS
    assert next(iter(room.priors)).endswith("type")
    assert set(room.senses) == {"joint", "graph", "text", "image", "audio"}


def test_reasons_are_those_of_the_library(room: Room) -> None:
    from pipelines.search.cards import reasons_part

    draft = Draft(text="cat")
    expected = reasons_part(room.searcher.explain(EX + "cat2", "cat"))
    assert reasons(room, draft, {}, EX + "cat2") == expected


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (Draft(), "got none of them"),
        (Draft(text="cat", like="urn:none"), "unknown"),
        (Draft(text="cat", kind="no iri"), "expected an IRI"),
        (Draft(text="cat", weights={"smell": 1.0}), "expected a weight"),
        (Draft(text="cat", priors={"urn:none": 0.5}), "urn:none"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_sentence(room: Room, draft: Draft, words: str) -> None:
    with pytest.raises(ProblemError, match="expected") as told:
        asked(room, draft)
    assert words in told.value.detail
    assert "\n" not in told.value.detail


def test_a_file_that_cannot_be_read_is_told_without_where_it_lies(room: Room, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no picture")
    with pytest.raises(ProblemError) as told:
        asked(room, Draft(picture=1), {"image": tmp_path / "x"})
    assert str(tmp_path) not in told.value.detail


def test_rooms_of_old_states_are_given_up(searcher: Searcher) -> None:
    rooms = Rooms()
    found = [rooms.of(State(searcher, str(number))) for number in range(KEPT_STATES + 1)]  # type: ignore[arg-type]
    assert rooms.of(State(searcher, str(KEPT_STATES))) is found[-1]  # type: ignore[arg-type]
    assert rooms.of(State(searcher, "0")) is not found[0]  # type: ignore[arg-type]


def test_examples_are_questions_that_have_answers(searcher: Searcher, room: Room) -> None:
    found = examples(searcher, room.catalogue)
    titles = [one.title for one in found]
    assert titles[0].startswith("“")
    assert any(title.startswith("What looks like") for title in titles)
    assert any(title.startswith("What sounds like") for title in titles)
    assert "but about not" in titles[-1]
    for one in found:
        assert asked(room, one.draft)
    assert found[-1].draft.like not in asked(room, found[-1].draft)


def test_every_part_of_a_question_but_its_words_is_a_chip_that_takes_it_away(
    room: Room, collection: Any
) -> None:
    shelf = Shelf()
    number = shelf.take("c.png", collection.picture("cat0").read_bytes())
    draft = Draft(
        text="x",
        like=EX + "cat0",
        picture=number,
        sound=9,
        kind=EX + "Card",
        picked=(
            Picked(ABOUT, EX + "animal", wanted=False),
            Picked(ABOUT, EX + "cat", below=False),
            Picked(EX + "note", Literal("so")),
            Picked(EX + "audio", wanted=False),
            Picked(EX + "size", least=1.5, most=3),
        ),
        weights={"text": 2.0},
        priors={ABOUT: 0.5},
    )
    found = chips(room, draft, shelf)
    assert [one.label for one in found] == [
        "like A sleeping cat",
        "looks like c.png",
        "sounds like a sound that is not here any more",
        "only card",
        "about: not animal",
        "about: cat itself",
        "note: so",
        "has no audio",
        "size: from 1.5 to 3",
        "words: 2",
        "trust in about 0.5",
    ]
    assert found[1].picture.startswith("data:image/webp")
    for one in found:
        draft = one.without(draft)
    assert draft == Draft(text="x")
    shelf.close()
