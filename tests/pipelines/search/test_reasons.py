"""Reasons name what carried the answer, and counterfactual ranks are ranks of questions so asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.search.alternative import with_prior
from pipelines.search.question import Query, QueryError, Question
from pipelines.search.reasons import Counterfactual, explain

if TYPE_CHECKING:
    from pipelines.search.reasons import Reasons
    from pipelines.search.retrieval import Searcher

ABOUT = "https://schema.org/about"


@pytest.fixture(scope="module")
def mixed(searcher: Searcher, collection: Any) -> Reasons:
    """Why a picture of a train and the word apple find the first apple."""
    return searcher.explain(collection.iri("apple0"), "apple", image=collection.picture("train0"))


def test_the_shares_sum_to_the_score_and_the_rank_is_that_of_the_answer(
    searcher: Searcher, collection: Any, mixed: Reasons
) -> None:
    answer = searcher.search("apple", image=collection.picture("train0"), k=31)
    place = [hit.entity for hit in answer].index(collection.iri("apple0"))
    assert (mixed.rank, mixed.candidates) == (place + 1, 31)
    assert mixed.score == pytest.approx(answer[place].score, abs=1e-5)
    assert sum(mixed.shares.values()) == pytest.approx(mixed.score, abs=1e-5)
    assert set(mixed.shares) >= {"joint", "text", "image", "graph"}


def test_evidence_is_the_nearest_observation_of_each_sense(searcher: Searcher, collection: Any) -> None:
    found = searcher.explain(
        collection.iri("wolf1"),
        "A wolf in snow",
        image=collection.picture("wolf1"),
        audio=collection.sound("cat0"),
    )
    named = {one.observed.modality: one for one in found.evidence}
    assert set(named) == {"text", "image", "audio"}
    assert named["text"].observed.reference == "A wolf in snow"
    assert named["text"].similarity == pytest.approx(1, abs=1e-4)
    assert named["image"].observed.path == collection.picture("wolf1").resolve()
    assert named["audio"].observed.reference == "media/wolf1.wav"
    assert [one.similarity for one in found.evidence] == sorted(
        (one.similarity for one in found.evidence), reverse=True
    )


def test_a_rank_without_a_sense_is_that_of_the_question_without_it(
    searcher: Searcher, collection: Any
) -> None:
    iri, picture = collection.iri("boat2"), collection.picture("boat2")
    found = searcher.explain(iri, "sour", image=picture)
    without = {one.without: one for one in found.without}
    assert found.rank == 1
    # "sour" names nothing, and what the picture shows stays named: so far it is the plain question by text
    plain = searcher.search("sour", k=31)
    order = [hit.entity for hit in plain]
    assert without["image"].rank <= order.index(iri) + 1
    assert without["text"].rank == 1
    assert without["graph"].rank == 1
    assert without["image"].score < without["text"].score


def test_a_question_of_one_sense_that_names_nothing_has_no_rank_without_it(
    searcher: Searcher, collection: Any
) -> None:
    found = searcher.explain(collection.iri("lemon0"), "sour")
    assert found.without == []
    assert found.paths == []


def test_a_rank_without_a_relation_is_that_of_a_store_without_its_facts(
    searcher: Searcher, collection: Any
) -> None:
    found = searcher.explain(collection.iri("cat2"), "cat")
    (about,) = [one for one in found.without if one.without == ABOUT]
    other = with_prior(searcher, {ABOUT: 0.0}).search("cat", k=31)
    order = [hit.entity for hit in other]
    assert about.rank == order.index(collection.iri("cat2")) + 1
    assert about.score == pytest.approx(other[about.rank - 1].score, abs=1e-5)
    assert about.score < found.score


def test_paths_are_facts_that_lead_from_what_is_named_to_the_hit(searcher: Searcher, collection: Any) -> None:
    found = searcher.explain(collection.iri("cat2"), "cat")
    assert found.paths[0] == [(collection.iri("cat2"), ABOUT, collection.iri("cat"))]
    stated = {tuple(step) for step in searcher.named(searcher.store.graph.triples.tolist())}
    steps = [step for path in found.paths for step in path]
    assert set(steps) <= stated
    assert len(steps) == len(set(steps))


def test_a_constraint_counts_for_ranks_too(searcher: Searcher, collection: Any) -> None:
    found = searcher.explain(collection.iri("wolf0"), "cat", where="?x schema:about ex:wolf")
    assert found.candidates == 3
    assert all(1 <= one.rank <= 3 for one in found.without)


def test_several_entities_are_explained_as_each_alone(searcher: Searcher, collection: Any) -> None:
    question = Question(Query("cat"))
    entities = [collection.iri("cat0"), collection.iri("wolf0")]
    assert explain(searcher, question, entities) == [searcher.explain(iri, "cat") for iri in entities]
    hit = searcher.search("cat", k=1)[0]
    assert searcher.explain(hit, "cat").entity == hit.entity


def test_the_entity_of_a_question_hides_its_senses_one_by_one(searcher: Searcher, collection: Any) -> None:
    found = searcher.explain(collection.iri("wolf1"), entity=collection.iri("wolf0"))
    assert found.candidates == 30
    assert {"text", "image", "audio", "graph"} <= {one.without for one in found.without}


def test_what_cannot_be_explained_is_told(searcher: Searcher, collection: Any) -> None:
    with pytest.raises(ValueError, match=r"expected an entity that may answer the question \(got .*cat\)"):
        searcher.explain(collection.iri("cat"), "cat")
    with pytest.raises(ValueError, match="expected entity of this graph"):
        searcher.explain("urn:nobody", "cat")
    with pytest.raises(QueryError, match="expected a question by text, image, audio or entity"):
        searcher.explain(collection.iri("cat0"))


def test_reasons_are_plain_json(mixed: Reasons) -> None:
    told = json.loads(json.dumps(mixed.as_json()))
    assert told["entity"].endswith("apple0")
    assert set(told) == {
        *("entity", "label", "rank", "score", "candidates", "shares", "evidence", "paths", "without")
    }
    assert all(set(one) == {"modality", "reference", "similarity"} for one in told["evidence"])
    assert all(set(one) == {"without", "rank", "score"} for one in told["without"])


def test_what_is_not_so_is_said_in_words() -> None:
    assert Counterfactual("image", 2, 0.5).words == "without the question's image"
    assert Counterfactual("graph", 2, 0.5).words == "without what the question names"
    assert Counterfactual(ABOUT, 2, 0.5).words == "without the facts of about"


def test_what_is_not_wanted_and_preferred_has_shares_and_ranks_without_it(
    searcher: Searcher, collection: Any
) -> None:
    asked: Any = {
        "image": collection.picture("boat0"),
        "not_text": ["fruit", "a fishing boat in a harbour"],
        "prefer": {"?x schema:about ex:boat": 0.5},
    }
    answer = searcher.search("sour", **asked, k=100)
    place = [hit.entity for hit in answer].index(collection.iri("boat2"))
    found = searcher.explain(answer[place], "sour", **asked)
    assert (found.rank, found.candidates) == (place + 1, 31 - 6)
    assert found.score == pytest.approx(answer[place].score, abs=1e-5)
    assert sum(found.shares.values()) == pytest.approx(found.score, abs=1e-5)
    assert found.shares["prefers"] == 0.5
    assert found.shares["not"] < 0
    without = {one.without: one for one in found.without}
    assert without["prefers"].score == pytest.approx(found.score - 0.5, abs=1e-5)
    assert without["not"].score == pytest.approx(found.score - found.shares["not"], abs=1e-5)
    assert without["prefers"].words == "without the preferences"
    assert without["not"].words == "without what it is not to be like"
    with pytest.raises(ValueError, match="expected an entity that may answer the question"):
        searcher.explain(collection.iri("lemon0"), "sour", **asked)
