"""Asking: every sense and mix of senses, exact constraints, weights, batches, and reasons that are facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox
import pytest
import torch

from kg.sparql import ConstraintError
from pipelines.search.question import Query, QueryError
from pipelines.search.retrieval import Searcher
from tests.kg.endpoint_server import running

if TYPE_CHECKING:
    import rdflib

    from pipelines.search.retrieval import Answer


@pytest.fixture(scope="module")
def facts(collection: Any) -> rdflib.Graph:
    """The oracle: the same file read by rdflib."""
    from rdflib import Graph

    return Graph().parse(collection.turtle)


def names(answer: Answer) -> list[str]:
    return [hit.entity.rsplit("/", 1)[1] for hit in answer]


@pytest.mark.parametrize(
    ("text", "concept"), [("an apple", "apple"), ("apples", "apple"), ("kitten", "cat"), ("railway", "train")]
)
def test_a_text_finds_the_things_of_its_concept(searcher: Searcher, text: str, concept: str) -> None:
    assert set(names(searcher.search(text, k=3))) == {f"{concept}{number}" for number in range(3)}


def test_a_new_picture_finds_the_things_that_look_alike(
    searcher: Searcher, draw: Callable[..., Path], tmp_path: Path
) -> None:
    picture = draw(tmp_path / "new.png", "triangle", "magenta", 4)
    assert set(names(searcher.search(image=picture, k=3))) == {"tulip0", "tulip1", "tulip2"}


def test_a_new_sound_finds_the_things_that_sound_alike(
    searcher: Searcher, play: Callable[..., Path], tmp_path: Path
) -> None:
    sound = play(tmp_path / "new.wav", 880, 3)
    assert set(names(searcher.search(audio=sound, k=3))) == {"cat0", "cat1", "cat2"}


def test_an_entity_finds_its_like_but_not_itself(searcher: Searcher, collection: Any) -> None:
    answer = searcher.search(entity=collection.iri("boat0"), k=100)
    assert set(names(answer)[:2]) == {"boat1", "boat2"}
    assert len(answer) == answer.candidates == 30


def test_an_entity_may_be_named_by_a_prefix_of_the_data(searcher: Searcher, collection: Any) -> None:
    assert searcher.search(entity="ex:boat0") == searcher.search(entity=collection.iri("boat0"))


def test_a_mix_holds_what_all_of_its_senses_ask_for(searcher: Searcher, collection: Any) -> None:
    mixed = searcher.search("a train", image=collection.picture("boat1"), k=6)
    assert set(names(mixed)) == {"train0", "train1", "train2", "boat0", "boat1", "boat2"}
    assert {"text", "image", "joint", "graph"} == set(mixed[0].modalities)
    steered = searcher.search("asleep", entity=collection.iri("wolf0"), k=3)
    assert {"wolf1", "wolf2"} <= set(names(steered))


def test_everything_finds_itself_first_by_its_own_picture_label_and_sound(
    searcher: Searcher, collection: Any
) -> None:
    asked = [Query(image=collection.picture(iri.rsplit("/", 1)[1])) for iri in collection.items]
    asked += [Query(text=searcher.label(iri)) for iri in collection.items]
    own = [*collection.items, *collection.items]
    for iri in collection.items:
        sound = collection.sound(iri.rsplit("/", 1)[1])
        if sound.exists():
            asked.append(Query(audio=sound))
            own.append(iri)
    assert len(asked) == 30 + 30 + 15
    first = [answer[0].entity for answer in searcher.search_batch(asked, k=1)]
    assert first == own


def test_a_thing_that_has_nothing_but_a_picture_is_found_by_text(searcher: Searcher) -> None:
    # drawn like an apple: only the two concepts that are fruit may come before it
    assert names(searcher.search("apple", k=7))[6] == "bare"
    assert names(searcher.search("apple", weights={"text": 0, "graph": 0}, k=6)).index("bare") <= 5
    last = names(searcher.search("a steam locomotive", k=31))
    assert last.index("bare") > names(searcher.search("apple", k=31)).index("bare")


PATTERNS = {
    "?x schema:about ex:cat": "SELECT ?x { ?x schema:about ex:cat }",
    "?x schema:about/skos:broader ex:animal": "SELECT ?x { ?x schema:about/skos:broader ex:animal }",
    "SELECT ?x { ?x schema:audio ?s . ?x schema:about ?c FILTER (?c != ex:drum) }": (
        "SELECT ?x { ?x schema:audio ?s . ?x schema:about ?c FILTER (?c != ex:drum) }"
    ),
    'PREFIX e: <https://example.org/c/> SELECT ?x WHERE { ?x a e:Card ; schema:name "A rare violin"@en }': (
        'SELECT ?x { ?x a ex:Card ; schema:name "A rare violin"@en }'
    ),
    "?x schema:image ?i FILTER NOT EXISTS { ?x schema:about ?c }": (
        "SELECT ?x { ?x schema:image ?i FILTER NOT EXISTS { ?x schema:about ?c } }"
    ),
    "{ ?x skos:broader ex:fruit } UNION { ?x schema:about ex:wolf }": (
        "SELECT ?x { { ?x skos:broader ex:fruit } UNION { ?x schema:about ex:wolf } }"
    ),
}


@pytest.mark.parametrize("where", PATTERNS)
def test_a_constraint_restricts_exactly(searcher: Searcher, facts: rdflib.Graph, where: str) -> None:
    answer = searcher.search("a wolf", where=where, k=1000)
    expected = {str(row[0]) for row in facts.query(PATTERNS[where])}  # type: ignore[index]
    assert expected
    assert {hit.entity for hit in answer} == expected
    assert answer.candidates == len(expected)


def test_a_constraint_keeps_the_order_and_the_scores_of_the_whole(
    searcher: Searcher, collection: Any
) -> None:
    whole = searcher.search("a drum", k=1000)
    part = searcher.search("a drum", where="?x schema:about/skos:broader ex:instrument", k=1000)
    kept = {hit.entity for hit in part}
    assert len(kept) == 6
    assert list(part) == [hit for hit in whole if hit.entity in kept]


def test_more_than_is_left_gives_all_that_is_left(searcher: Searcher) -> None:
    assert len(searcher.search("a boat", where="?x schema:about ex:boat", k=50)) == 3
    assert len(searcher.search("a boat", k=50)) == 31  # things; concepts and classes are no answers


def test_a_constraint_may_ask_for_terms_of_the_vocabulary(searcher: Searcher) -> None:
    assert names(searcher.search("apple", where="?x a skos:Concept", k=1)) == ["apple"]


def test_a_constraint_that_nothing_meets_gives_an_empty_answer(searcher: Searcher) -> None:
    answer = searcher.search("a boat", where="?x schema:about ex:submarine")
    assert (list(answer), answer.candidates) == ([], 0)


def test_scores_fall_and_are_the_weighted_sum_of_what_is_shown(searcher: Searcher) -> None:
    weights = {"joint": 0.0, "text": 2.0, "graph": 0.5}
    answer = searcher.search("music on a string", weights=weights, k=31)
    assert [hit.score for hit in answer] == sorted((hit.score for hit in answer), reverse=True)
    for hit in answer:
        told = sum(weights[name] * value for name, value in hit.modalities.items())
        assert hit.score == pytest.approx(told, abs=1e-5)


def test_a_weight_decides_which_sense_leads(searcher: Searcher, collection: Any) -> None:
    def first(**weights: float) -> str:
        asked = searcher.search("a train", image=collection.picture("lemon1"), weights=weights, k=1)
        return names(asked)[0]

    assert first(text=5, image=0) in {"train0", "train1", "train2"}
    assert first(text=0, image=5) == "lemon1"


def test_a_weight_of_nothing_at_all_leaves_every_score_at_zero(searcher: Searcher) -> None:
    nothing = dict.fromkeys(("joint", "graph", "text", "image", "audio"), 0.0)
    assert {hit.score for hit in searcher.search("a cat", weights=nothing, k=31)} == {0.0}


def test_a_batch_answers_as_single_questions_do(searcher: Searcher, collection: Any) -> None:
    questions = [
        Query(text="a wolf at night"),
        Query(image=collection.picture("tree1")),
        Query(text="loud", audio=collection.sound("drum0"), weights={"audio": 2}),
        Query(entity=collection.iri("apple1"), text="yellow"),
        Query(entity=collection.iri("violin2")),
    ]
    batch = searcher.search_batch(questions, where="?x a ex:Card", k=8)
    for question, together in zip(questions, batch, strict=True):
        alone = searcher.search(
            question.text,
            image=question.image,
            audio=question.audio,
            entity=question.entity,
            weights=question.weights,
            where="?x a ex:Card",
            k=8,
        )
        assert [hit.entity for hit in alone] == [hit.entity for hit in together]
        assert [hit.score for hit in alone] == pytest.approx([hit.score for hit in together], abs=1e-5)
        assert [hit.path for hit in alone] == [hit.path for hit in together]
    assert searcher.search_batch([]) == []


def test_every_path_is_a_chain_of_real_facts_from_an_anchor_to_the_hit(
    searcher: Searcher, facts: rdflib.Graph, collection: Any
) -> None:
    from rdflib import URIRef

    asked = [Query(text="an apple"), Query(entity=collection.iri("wolf1"))]
    answers = searcher.search_batch([*asked, Query(audio=collection.sound("cat0"))], k=31)
    shown = 0
    for answer in answers:
        for hit in answer:
            assert all(tuple(map(URIRef, step)) in facts for step in hit.path)
            here = hit.entity
            for head, relation, tail in reversed(hit.path):
                assert relation != "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
                assert here in (head, tail)
                here = head if here == tail else tail
            assert not hit.path or here in answer.anchors
            shown += bool(hit.path)
    # the six things of each kind are tied together; anchors themselves need no path
    assert shown == 6 + 5 + 6 - len(answers[2].anchors)


def test_a_hit_that_is_named_has_no_path_and_says_so(searcher: Searcher) -> None:
    answer = searcher.search("A hungry cat", k=31)
    assert [hit.entity for hit in answer if hit.anchor] == answer.anchors
    assert answer[0].anchor
    assert answer[0].path == []


def test_a_question_that_names_nothing_has_no_paths(searcher: Searcher) -> None:
    answer = searcher.search("crescendo")
    assert answer.anchors == []
    assert all(hit.path == [] and not hit.anchor for hit in answer)


def test_a_sense_that_the_store_lacks_is_refused(newcomer: Path, play: Callable[..., Path]) -> None:
    from pipelines import Searcher, Settings, build

    searcher = Searcher(build([newcomer], newcomer.parent / "store", settings=Settings(epochs=1)))
    sound = play(newcomer.parent / "a.wav", 440)
    with pytest.raises(QueryError, match=r"what the store's entities have \(text, image\) \(got audio\)"):
        searcher.search(audio=sound)


def test_a_store_of_another_encoder_is_refused(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import Searcher

    searcher = Searcher.open(store_folder)
    monkeypatch.setitem(searcher.store.manifest, "encoders", {"text": "minilm@0"})
    with pytest.raises(QueryError, match=r"encoder minilm@0 that the store was built with \(got minilm@1\)"):
        searcher.search("a cat")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({}, "by text, image, audio or entity"),
        ({"text": "  "}, "only white space"),
        ({"text": "a", "k": 0}, r"k of at least 1 \(got 0\)"),
        ({"text": "a", "weights": {"smell": 1}}, r"joint, graph, text, image, audio, not \(got 'smell'\)"),
        ({"text": "a", "weights": {"text": -1}}, r"0 or more for text \(got -1\)"),
        ({"text": "a", "weights": {"text": float("nan")}}, "0 or more for text"),
        ({"entity": "ex:aple0"}, "did you mean .*apple0"),
        ({"image": "missing.png"}, "no such file"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(
    searcher: Searcher, question: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(QueryError, match=sentence):
        searcher.search(**question)


def test_asking_leaves_the_vectors_of_the_store_as_they_were(searcher: Searcher, collection: Any) -> None:
    before = searcher.store.tensors["joint"].clone()
    searcher.search("a boat", image=collection.picture("boat0"), entity=collection.iri("boat1"))
    assert torch.equal(before, searcher.store.tensors["joint"])


def test_a_select_over_the_facts_is_a_table_that_knows_the_prefixes_of_the_data(
    searcher: Searcher, facts: rdflib.Graph
) -> None:
    query = "SELECT ?c (COUNT(?x) AS ?cards) { ?x schema:about ?c } GROUP BY ?c ORDER BY ?c"
    table = searcher.sparql(query)
    assert table.column_names == ["c", "cards"]
    assert table.to_pydict() == {
        "c": [str(row[0]) for row in facts.query(query)],  # type: ignore[index]
        "cards": [3] * 10,
    }
    one = searcher.sparql("SELECT ?x { ?x schema:about ex:cat ; schema:audio ?sound }")
    assert len(one) == 3
    with pytest.raises(ConstraintError, match="facts are read-only"):
        searcher.sparql("INSERT DATA { ex:a ex:b ex:c }")


def test_what_a_picture_and_a_sound_name_comes_in_one_order(searcher: Searcher, collection: Any) -> None:
    answer = searcher.search(audio=collection.sound("cat0"), image=collection.picture("wolf0"))
    place = {iri: at for at, iri in enumerate(answer.anchors)}
    assert place[collection.iri("wolf0")] == 0
    # all that the picture names, near twins too, before what the sound names
    assert all("wolf" in iri for iri in answer.anchors[: place[collection.iri("cat0")]])


def test_facts_at_an_endpoint_constrain_as_the_store_s_own_do(searcher: Searcher, store_folder: Path) -> None:
    wheres = ("?x a ex:Card", "?x schema:about/skos:broader ex:animal", "?x schema:about ex:nothing")
    with running() as server:
        server.store.extend(ox.Store.read_only(str(store_folder / "rdf")))
        server.cap = 7
        far = Searcher.open(store_folder, facts=server.url)
        for where in wheres:
            own = searcher.search("a cat", where=where, prefer={"?x schema:about ex:wolf": 0.5})
            found = far.search("a cat", where=where, prefer={"?x schema:about ex:wolf": 0.5})
            assert [hit.as_json() for hit in found] == [hit.as_json() for hit in own]
            assert found.counted() == own.counted()
    with pytest.raises(ConstraintError, match="a search without a constraint needs no endpoint"):
        far.search("a cat", where=wheres[0])
    assert [hit.entity for hit in far.search("a cat")] == [hit.entity for hit in searcher.search("a cat")]
