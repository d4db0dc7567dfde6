"""Missing facts of a small town: rules find them, classes rule out, a person accepts or rejects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.build_kg import build
from pipelines.build_kg import main as build_main
from pipelines.building.review import ACCEPTED, PROPOSED
from pipelines.predict import main
from pipelines.prediction.completion import Completer
from pipelines.settings import Settings
from pipelines.store.store import Store, StoreError

EX = "https://example.org/t/"
HEAD = f"""@prefix ex: <{EX}> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
ex:bornIn rdfs:range ex:Country . ex:Country rdfs:subClassOf ex:Place .
ex:Place owl:disjointWith ex:Person .
"""
SETTINGS = Settings(epochs=4, width=16, structure_width=16, link_share=0.1)


def town() -> str:
    """Forty people live in eight cities of four countries; all but the last were born where they live."""
    lines = [HEAD]
    lines += [f"ex:country{i} a ex:Country ." for i in range(4)]
    lines += [f"ex:city{i} a ex:City ; ex:cityOf ex:country{i // 2} ." for i in range(8)]
    for i in range(40):
        born = f" ; ex:bornIn ex:country{i % 8 // 2}" if i < 39 else ""
        lines.append(
            f'ex:person{i} a ex:Person ; rdfs:label "Person {i}" ; ex:livesIn ex:city{i % 8}{born} .'
        )
    lines.append('ex:nobody rdfs:label "Nobody" .')
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def turtle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("town") / "town.ttl"
    file.write_text(town(), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def folder(turtle: Path, session_folder: Path) -> Path:
    build([turtle], session_folder / "town", settings=SETTINGS, device="cpu")
    return session_folder / "town"


@pytest.fixture(scope="module")
def completer(folder: Path) -> Completer:
    return Completer(Store.open(folder))


def test_the_country_of_birth_follows_from_where_one_lives_and_says_why(completer: Completer) -> None:
    found = completer.find(EX + "bornIn", head=EX + "person39")
    best = found.proposals[0]
    assert best.tail == EX + "country3"
    assert any(reason.startswith("bornIn <- livesIn . cityOf (support ") for reason in best.reasons)
    assert any(reason.endswith("Person 39 -livesIn-> city7 -cityOf-> country3") for reason in best.reasons)
    assert found.candidates == 4  # a country is what the range states
    assert set(best.parts) == {"structure", "rules", "prior", "senses"}
    assert best.parts["rules"] > 0  # more than the average country
    whole = completer.find(EX + "bornIn", head=EX + "person39", k=4).proposals
    for part in best.parts:
        assert sum(one.parts[part] for one in whole) == pytest.approx(0, abs=0.01)
    assert best.score - whole[1].score == pytest.approx(
        sum(best.parts.values()) - sum(whole[1].parts.values()), abs=0.01
    )


def test_heads_are_ranked_for_a_tail_and_known_ones_are_left_out(completer: Completer) -> None:
    found = completer.find(EX + "bornIn", tail=EX + "country3", k=50)
    assert found.proposals[0].head == EX + "person39"
    known = {EX + f"person{i}" for i in range(39) if i % 8 // 2 == 3}
    assert not known & {one.head for one in found.proposals}
    assert found.candidates == 40 - len(known)


def test_one_fact_is_ranked_among_all_that_may_be(completer: Completer) -> None:
    every = completer.find(EX + "bornIn", head=EX + "person39").proposals
    one = completer.find(EX + "bornIn", head=EX + "person39", tail=every[2].tail)
    assert one.proposals == [every[2]]


def test_an_entity_without_facts_is_scored_by_what_is_usual_and_that_is_said(completer: Completer) -> None:
    found = completer.find(EX + "livesIn", head=EX + "nobody")
    assert any("no fact tells of this entity" in remark for remark in found.remarks)
    assert {one.tail for one in found.proposals} == {EX + f"city{i}" for i in range(8)}
    assert not any(one.reasons for one in found.proposals)


def test_probabilities_fall_with_the_score_and_say_what_they_mean(completer: Completer) -> None:
    found = completer.find(EX + "bornIn", head=EX + "person39")
    sure = [one.probability for one in found.proposals]
    assert all(p is not None and 0 < p < 1 for p in sure)
    assert sure == sorted(sure, reverse=True)  # type: ignore[type-var]
    assert any("when one fact of a query was hidden" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--relation {0}bornIn", "expected --head or --tail with --relation (got neither)"),
        ("--relation {0}bornIn --head {0}persom39", "expected entity of this graph (got unknown"),
        ("--relation {0}bornin --head {0}person39", "expected relation of this graph (got unknown"),
        ("--relation {0}bornIn --head {0}person39 -k 0", "expected -k of at least 1 (got 0)"),
        ("--relation {0}bornIn --head {0}person1 --tail {0}country0", "expected a fact that may be missing"),
        ("--head {0}person1", "expected --target, or --relation with --head or --tail (got neither)"),
        (
            "--target {0}x --relation {0}y",
            "expected --target, or --relation with --head or --tail (got both)",
        ),
        ("--target {0}x --head {0}y", "expected --head with --relation only (got it with --target)"),
        ("--target {0}x -k 3", "expected -k with --relation only (got it with --target)"),
        ("--relation {0}x --head {0}y --suggest 3", "expected --suggest with --target only"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_sentence(
    folder: Path, flags: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(folder), *flags.format(EX).split()]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {sentence}")
    assert said.count("\n") == 1


def test_a_store_without_facts_says_that_it_cannot(tmp_path: Path, session_folder: Path) -> None:
    (tmp_path / "bare.ttl").write_text('<urn:a> <http://www.w3.org/2000/01/rdf-schema#label> "A" .')
    store = build([tmp_path / "bare.ttl"], tmp_path / "store", settings=SETTINGS, device="cpu")
    with pytest.raises(StoreError, match="expected a store that learned from facts"):
        _ = store.completion


def test_the_command_prints_json_or_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--store", str(folder), "--relation", EX + "bornIn", "--head", EX + "person39", "-k", "2"]
    assert main([*flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["rank"] for one in found] == [1, 2]
    assert found[0]["tail"] == EX + "country3"
    assert main(flags) == 0
    assert "4 candidates" in capsys.readouterr().out


@pytest.fixture
def review(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "review.nq"
    flags = ["--relation", EX + "bornIn", "--head", EX + "person39", "-k", "1", "--propose", str(file)]
    assert main(["--store", str(folder), *flags]) == 0
    capsys.readouterr()
    return file


def test_an_accepted_proposal_is_a_fact_of_its_own_named_graph(
    review: Path, turtle: Path, tmp_path: Path
) -> None:
    text = review.read_text(encoding="utf-8")
    fact = f"<{EX}person39> <{EX}bornIn> <{EX}country3>"
    assert f"{fact} <{PROPOSED}> ." in text
    assert "<urn:sensegraph:reason>" in text
    store = build([turtle], tmp_path / "store", settings=SETTINGS, device="cpu", accept=[review])
    graph = store.graph
    ids = [
        graph.entity_id(EX + "person39"),
        graph.relation_id(EX + "bornIn"),
        graph.entity_id(EX + "country3"),
    ]
    (place,) = (graph.triples == ids).all(1).nonzero()[0]
    assert graph.graphs[graph.origin[place]] == ACCEPTED
    assert not [iri for iri in graph.entities.to_pylist() if iri.startswith("urn:sensegraph:")]
    assert not list(tmp_path.glob(".*accepted*"))


def test_a_rejected_proposal_is_never_made_again(review: Path, turtle: Path, tmp_path: Path) -> None:
    store = build([turtle], tmp_path / "store", settings=SETTINGS, device="cpu", reject=[review])
    found = Completer(store).find(EX + "bornIn", head=EX + "person39")
    assert {one.tail for one in found.proposals} == {EX + f"country{i}" for i in range(3)}
    assert EX + "person39" not in {
        one.head for one in Completer(store).find(EX + "bornIn", tail=EX + "country3", k=99).proposals
    }


def test_a_fact_cannot_be_accepted_and_rejected(
    review: Path, turtle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["--accept", str(review), "--reject", str(review)]
    assert build_main([str(turtle), "--out", str(tmp_path / "store"), *both]) == 1
    assert "expected each fact in --accept or in --reject (got one in both" in capsys.readouterr().err
