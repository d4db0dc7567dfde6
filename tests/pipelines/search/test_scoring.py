"""A score is the sum of its terms, and a question can be asked as if it lacked one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from pipelines.search.question import GRAPH, JOINT, NOT, PREFERS, Question
from pipelines.search.reasons import lacking
from pipelines.search.scoring import Terms

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher


def test_a_score_is_the_weighted_sum_of_its_parts_less_the_hub_and_an_exact_match_counts_twice() -> None:
    parts = {
        JOINT: torch.tensor([0.5, 0.1]),
        "text": torch.tensor([1.0, 0.5]),
        "image": torch.tensor([1.0, 0.0]),
    }
    weights = {JOINT: 2.0, "text": 1.0, "image": 3.0}
    terms = Terms(parts, torch.tensor([0.25, 0.0]), frozenset(["text"]), weights)
    # joint 2 * .5, text 1 and once more, image 3 (not shown by the question itself), hub -2 * .25
    assert terms.score().tolist() == pytest.approx([1 + 2 + 3 - 0.5, 0.2 + 0.5])
    assert terms.share("text").tolist() == pytest.approx([2.0, 0.5])
    assert terms.penalty().tolist() == pytest.approx([-0.5, 0.0])


def test_a_question_that_lacks_a_sense_scores_as_if_it_had_never_been_asked_by_it(
    searcher: Searcher, collection: Any
) -> None:
    picture = collection.picture("boat1")
    both, text = searcher.asker.asked([Question.of("sour", image=picture), Question.of("sour")])
    bare = lacking(both, "image")
    bare = type(bare)(bare.features, text.anchors, bare.entity, bare.weights, bare.hidden)
    scored, expected = (searcher.scorer.terms([one])[0].score() for one in (bare, text))
    assert torch.equal(scored, expected)


def test_a_question_that_names_nothing_has_no_graph_term(searcher: Searcher) -> None:
    asked = searcher.asker.asked([Question.of("a cat")])[0]
    assert GRAPH in searcher.scorer.terms([asked])[0].parts
    assert GRAPH not in searcher.scorer.terms([lacking(asked, GRAPH)])[0].parts


def test_an_entity_brings_its_own_senses_but_those_that_are_hidden(
    searcher: Searcher, collection: Any
) -> None:
    asked = searcher.asker.asked([Question.of(entity=collection.iri("wolf0"))])[0]
    assert set(searcher.scorer.shown(asked)) == {"text", "image", "audio"}
    hidden = lacking(lacking(asked, "image"), "audio")
    assert set(searcher.scorer.shown(hidden)) == {"text"}
    assert set(searcher.scorer.terms([hidden])[0].parts) == {JOINT, GRAPH, "text"}


def test_likeness_above_the_mean_counts_part_by_part_and_only_where_there_is_something_to_compare(
    searcher: Searcher,
) -> None:
    pictured = searcher.scorer.memory["image"].present
    size, place = len(pictured), int(torch.nonzero(pictured)[0])
    image = torch.zeros(size)
    image[place] = 1.0
    hub = torch.zeros(size)
    hub[0] = 0.5
    terms = Terms(
        {"image": image, JOINT: torch.full((size,), 0.5)}, hub, frozenset(), {"image": 2.0, JOINT: 1.0}
    )
    above = searcher.scorer.above_usual(terms)
    mean = 1 / int(pictured.sum())
    # the joint part of all but the hub is above its mean by a little, the hub's below
    rest = 0.5 / size
    assert float(above[place]) == pytest.approx(2 * (1 - mean) + (rest if place else 0), abs=1e-5)
    assert float(above[0]) == pytest.approx(2 * (1 - mean) if place == 0 else 0.0, abs=1e-5)
    other = int(torch.nonzero(~pictured)[-1])
    assert float(above[other]) == pytest.approx(rest if other else 0.0, abs=1e-5)


def test_what_is_not_wanted_and_what_is_preferred_are_parts_that_are_told_where_they_count(
    searcher: Searcher, collection: Any
) -> None:
    question = Question.of(
        "sour", not_text="a slice of a yellow lemon", prefer={"?x schema:about ex:boat": 0.75}
    )
    terms = searcher.scorer.terms(searcher.asker.asked([question]))[0]
    boat, lemon, drum = (
        searcher.store.graph.entity_id(collection.iri(name)) for name in ("boat1", "lemon1", "drum1")
    )
    assert terms.parts[PREFERS][[boat, lemon, drum]].tolist() == [0.75, 0.0, 0.0]
    assert PREFERS in searcher.scorer.telling(terms, boat)
    assert PREFERS not in searcher.scorer.telling(terms, lemon)
    assert float(terms.parts[NOT][lemon]) < -0.1
    assert float(terms.parts[NOT].max()) <= 0
    assert terms.share(PREFERS)[boat] == 0.75
