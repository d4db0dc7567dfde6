"""The link objective on a user's own split: the test opens once, after the choice, and changes no weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kg.splits import Seal
from pipelines.evaluation.given import evaluate_given, learned
from pipelines.evaluation.given_split import GivenSplit, read_split
from pipelines.senses.joint import Observations
from pipelines.settings import Settings
from pipelines.training.course import TrainingError

SMALL = Settings(epochs=4, structure_width=8, batch=64)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """A ring of sixteen things: each is next to the following one, and every second fact has its inverse."""
    folder = tmp_path_factory.mktemp("ring")
    names = [f"n{number:02}" for number in range(16)]
    facts = [(one, "next", other) for one, other in zip(names, names[1:] + names[:1], strict=True)]
    facts += [(other, "before", one) for one, _, other in facts[::2]]
    facts += [(one, "over", other) for one, other in zip(names, names[2:] + names[:2], strict=True)]
    parts = {"test": facts[3::7], "valid": facts[5::7]}
    parts["train"] = [fact for fact in facts if fact not in parts["test"] + parts["valid"]]
    for part, rows in parts.items():
        (folder / f"{part}.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return {part: [folder / f"{part}.tsv"] for part in ("train", "valid", "test")}


@pytest.fixture(scope="module")
def split(files: dict[str, list[Path]]) -> GivenSplit:
    return read_split(files)


def weights_of(split: GivenSplit, settings: Settings = SMALL) -> tuple[dict[str, torch.Tensor], Seal]:
    seal = Seal()
    run = learned(split, Observations({}, {}), settings, seal, device="cpu", progress=lambda *_: None)
    chosen, platt = run.chosen
    assert chosen.rows is not None
    numbers = torch.tensor([chosen.blend.evidence, chosen.blend.prior, platt.slope if platt else 0.0])
    return run.model.state_dict() | {"rows": chosen.rows, "chosen": numbers}, seal


def test_other_test_facts_change_nothing_that_is_learned_or_chosen_to_the_bit(split: GivenSplit) -> None:
    plain, _ = weights_of(split)
    # turned round, and as many facts as there could be: nothing of them may be seen
    others = np.concatenate([split.test[:, ::-1], split.test])[:, [0, 1, 2]]
    others[:, 1] = 0
    changed, _ = weights_of(replace(split, test=others))
    assert plain.keys() == changed.keys()
    assert all(torch.equal(plain[name], changed[name]) for name in plain)


def test_the_test_opens_once_after_validation_has_chosen(split: GivenSplit) -> None:
    _, seal = weights_of(split)
    assert seal.record["parts"] == {
        "train": len(split.graph.triples),
        "valid": len(split.valid),
        "test": len(split.test),
    }
    chosen = seal.record["chosen_by_validation"]
    assert chosen.keys() == {"links", "evidence", "prior", "senses"}
    assert chosen["links"]["after"] in (2, 4)
    assert 0 < chosen["links"]["score"] <= 1


def test_a_report_has_a_row_for_each_end_and_each_relation_and_its_interval(
    files: dict[str, list[Path]], split: GivenSplit
) -> None:
    found = evaluate_given(files, SMALL, seeds=2, device="cpu")
    assert list(found["links"]) == [
        scorer + part
        for scorer in ("links", "completion")
        for part in (" (filtered, both directions)", ", tails", ", heads")
    ]
    count = len(split.test)
    both, tails, heads = (found["links"][name] for name in list(found["links"])[:3])
    assert (both["queries"], tails["queries"], heads["queries"]) == (4 * count, 2 * count, 2 * count)
    assert both["MRR"] == pytest.approx((tails["MRR"] + heads["MRR"]) / 2)
    for name, row in found["links"].items():
        low, high = found["intervals"][name]["MRR"]
        assert low <= row["MRR"] <= high
        assert found["spread"][name]["MRR"] >= 0
    by_relation = found["relations"]["completion"]
    assert set(by_relation) == {
        split.graph.relations[number].as_py() for number in np.unique(split.test[:, 1])
    }
    assert sum(row["queries"] for row in by_relation.values()) == 4 * count
    assert len(found["opened"]) == 2
    assert found["leakage"]["reversed pair"] > 0


def test_a_loss_that_is_no_number_at_first_is_an_error_that_names_the_step(split: GivenSplit) -> None:
    wild = replace(SMALL, learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"expected numbers while links are learned \(got .* step \d"):
        weights_of(split, wild)


def test_what_is_told_of_the_entities_is_seen_and_facts_there_are_left_out(
    files: dict[str, list[Path]], tmp_path: Path
) -> None:
    about = tmp_path / "about.nt"
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    lines = [f'<x:/n{number:02}> {label} "number {number}" .' for number in range(16)]
    about.write_text("\n".join([*lines, "<x:/n00> <x:/next> <x:/n05> .", f'<x:/no> {label} "none" .']) + "\n")
    named = {}
    for part, (file,) in files.items():
        facts = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
        named[part] = [tmp_path / f"{part}.tsv"]
        rows = ["\t".join(f"x:/{name}" for name in fact) for fact in facts]
        named[part][0].write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = evaluate_given({**named, "about": [about]}, SMALL, seeds=1, device="cpu")
    assert any(
        one.startswith("--about tells of 16 of 16 entities; 1 fact in it left out")
        for one in found["remarks"]
    )
    assert found["opened"][0]["parts"]["train"] == len(read_split(named).graph.triples)
    split = read_split({**named, "about": [about]})
    assert split.graph.labels()[3] == "number 3"
    with pytest.raises(
        ValueError, match="expected --about to tell of entities of the split by the same names"
    ):
        read_split({**files, "about": [about]})
