"""Predicting what entities lack, over a store's graph and over new files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.predict import main
from pipelines.prediction.predictor import PredictionError, Predictor
from pipelines.store.store import Store

ABOUT = "https://schema.org/about"
EX = "https://example.org/c/"
HEAD = f"@prefix ex: <{EX}> .\n@prefix schema: <https://schema.org/> .\n"


@pytest.fixture(scope="session")
def predictor(labelled: Path) -> Predictor:
    return Predictor.open(Store.open(labelled), ABOUT)


def test_the_candidates_are_those_of_the_kind_that_lack_a_value(predictor: Predictor) -> None:
    names = [predictor.graph.entities[i].as_py() for i in predictor.candidates().tolist()]
    assert names == [EX + "apple9", EX + "wolf9"]


def test_a_labelled_entity_is_not_its_own_example(predictor: Predictor) -> None:
    labelled, asked = predictor.model.examples[0, :3].numpy(), predictor.candidates()
    naive = Predictor.open(predictor.store, ABOUT)
    naive.model.counted = lambda rows: torch.zeros(len(rows), len(naive.names))  # type: ignore[method-assign]
    told, by_itself = (one.evidence(labelled)[0] for one in (predictor, naive))
    assert (np.abs(np.log(told) - np.log(by_itself)).max(1) > 0.1).all()
    np.testing.assert_array_equal(predictor.evidence(asked)[0], naive.evidence(asked)[0])


def test_a_prediction_names_a_class_and_the_senses_that_are_there(predictor: Predictor) -> None:
    apple, wolf = predictor.predict(predictor.candidates())
    assert apple.prediction == EX + "apple"
    assert wolf.prediction == EX + "wolf"
    assert set(apple.modalities) >= {"text", "image"}
    assert "image" not in wolf.modalities
    assert 0 < wolf.probability <= 1
    assert apple.likeliest_label == "apple"


def test_probabilities_are_whole_and_evidence_is_what_is_lost(predictor: Predictor) -> None:
    entities = predictor.candidates()
    whole, without = predictor.evidence(entities)
    np.testing.assert_allclose(whole.sum(1), 1)
    one = predictor.predict(entities)[0]
    best = whole[0].argmax()
    assert one.modalities["image"] == pytest.approx(whole[0, best] - without["image"][0, best])


def test_a_model_that_is_not_sure_enough_abstains_and_says_what_it_thinks(predictor: Predictor) -> None:
    entities = predictor.candidates()
    sure = [one.probability for one in predictor.predict(entities)]
    assert sure[0] != sure[1]
    found = predictor.predict(entities, abstain=sum(sure) / 2)
    assert [one.prediction is None for one in found] == [sure[0] < sure[1], sure[1] < sure[0]]
    assert [one.likeliest for one in found] == [EX + "apple", EX + "wolf"]


def test_new_entities_join_the_graph_without_training(labelled: Path, tmp_path: Path, collection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    (tmp_path / "drum.png").write_bytes(collection.picture("drum0").read_bytes())
    new = tmp_path / "new.ttl"
    new.write_text(
        HEAD + 'ex:drum9 a ex:Card ; schema:name "A drum from the cellar"@en ; schema:image "drum.png" ;'
        " ex:unheard ex:apple .",
        encoding="utf-8",
    )
    store = Store.open(labelled)
    predictor = Predictor.open(store, ABOUT, [new])
    known = set(store.graph.entities.to_pylist())
    entities = [
        i for i in predictor.candidates().tolist() if predictor.graph.entities[i].as_py() not in known
    ]
    (drum,) = predictor.predict(np.array(entities))
    assert (drum.entity, drum.prediction) == (EX + "drum9", EX + "drum")
    # the old ones are predicted as before
    old = Predictor.open(store, ABOUT)
    before, after = (
        one.predict(one.graph.entity_ids([EX + "wolf9"]))[0].probability for one in (old, predictor)
    )
    assert after == pytest.approx(before, abs=0.02)


def test_a_target_that_the_store_was_not_built_with_is_refused(labelled: Path) -> None:
    with pytest.raises(
        PredictionError, match=r"expected a target .*about.*got urn:x.*build it with --target urn:x"
    ):
        Predictor.open(Store.open(labelled), "urn:x")


def test_the_labels_are_scored_and_the_manifest_says_how(labelled: Path) -> None:
    (one,) = Store.open(labelled).manifest["targets"]
    assert one["target"] == ABOUT
    assert one["scores"]["queries"] > 0
    assert one["scores"]["accuracy"] > 0.5


def test_the_command_prints_json_of_the_documented_shape(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(labelled), "--target", ABOUT, "--json", "--device", "cpu"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["entity"] for one in found] == [EX + "apple9", EX + "wolf9"]
    assert set(found[0]) == {"entity", "prediction", "probability", "modalities"}


def test_the_command_suggests_what_to_label_next(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(labelled), "--target", ABOUT, "--suggest", "1", "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "labels to ask for next" in shown
    assert shown.count(EX) == 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--abstain", "2"], "expected --abstain in [0, 1] (got 2.0)"),
        (["--suggest", "0"], "expected at least 1 suggestion (got 0)"),
        (["--entity", "urn:nobody"], "expected entity of this graph (got unknown 'urn:nobody')"),
        (["--new", "absent.ttl"], "absent.ttl"),
    ],
)
def test_mistakes_are_one_sentence(
    labelled: Path, capsys: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert main(["--store", str(labelled), "--target", ABOUT, "--device", "cpu", *flags]) == 1
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "Traceback" not in shown
    assert shown.count("\n") == 1
