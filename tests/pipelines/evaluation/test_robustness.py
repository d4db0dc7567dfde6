"""Curves of damage: they start at the undamaged accuracy, and say what each fusion loses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fusion import FUSIONS
from pipelines.drawing.plots import draw_robustness, write_result
from pipelines.evaluation import robustness as module
from pipelines.evaluation.damage_curves import LEARNED, SHARES, ZEROS, half_missing, half_sentences
from pipelines.evaluation.robustness import robustness
from pipelines.store.store import Store


@pytest.fixture(scope="module")
def result(store_folder: Path) -> dict[str, Any]:
    store = Store.open(store_folder)
    store.__dict__["settings"] = replace(store.settings, epochs=2, label_width=16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WRONG", (1.0,))
        return robustness(store, "https://schema.org/about", seeds=1, device="cpu")


def test_every_panel_has_a_curve_for_every_fusion(result: dict[str, Any]) -> None:
    found = {(c["panel"], c["which"], c["fusion"], c["absent"]) for c in result["curves"]}
    missing = [
        ("missing", name, absent) for name in ("text", "image", "audio") for absent in (LEARNED, ZEROS)
    ]
    rest = [("noise", "all senses"), ("attack", "FGSM"), ("attack", "PGD"), ("wrong links", "retrained")]
    assert found == {
        (panel, which, fusion, absent)
        for fusion in FUSIONS
        for panel, which, absent in [*missing, *((*one, LEARNED) for one in rest)]
    }


def test_without_damage_all_curves_of_a_model_start_at_the_same_accuracy(result: dict[str, Any]) -> None:
    for fusion in FUSIONS:
        starts = {
            curve["accuracy"][0]
            for curve in result["curves"]
            if curve["fusion"] == fusion and curve["absent"] == LEARNED
        }
        assert len(starts) == 1, fusion
        assert all(curve["amount"][0] == 0 for curve in result["curves"])


def test_the_picture_and_all_numbers_are_written(result: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "curves.png"
    draw_robustness(result, out)
    assert out.read_bytes().startswith(b"\x89PNG")
    assert write_result(result, out) == tmp_path / "curves.json"
    assert '"half missing"' in (tmp_path / "curves.json").read_text()


def test_of_two_halves_each_loses_its_modality_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    joint = SimpleNamespace(features={"image": None}, owners={"image": torch.arange(6)})
    tried = SimpleNamespace(
        lesson=SimpleNamespace(joint=joint),
        entities=torch.arange(4),
        right=lambda gone: 0.0 if {0, 1} <= set(gone.tolist()) else 0.5 if 0 in gone else 1.0,
    )
    monkeypatch.setattr(module, "_logits", lambda tried, modality, gone: gone)
    found = {amount: accuracy for _, _, amount, accuracy in module._missing(tried)}  # type: ignore[arg-type]
    # 0 is in one half, so this costs a half of the time, unless 1 is in the same: then all of it
    assert found[0.0] == 1.0
    assert found[0.5] in (0.5, 0.75)
    assert found[1.0] == 0.0


def curve(which: str, fusion: str, accuracy: list[float]) -> dict[str, Any]:
    return {
        "panel": "missing",
        "which": which,
        "fusion": fusion,
        "absent": LEARNED,
        "amount": list(SHARES),
        "accuracy": accuracy,
    }


def test_what_is_lost_at_a_half_is_given_as_a_share_of_what_concat_loses() -> None:
    curves = [
        curve("image", "concat", [0.75, 0.7, 0.25, 0.1, 0.0]),
        curve("image", "attention", [1.0, 0.9, 0.875, 0.5, 0.0]),
        curve("text", "concat", [0.75, 0.75, 0.75, 0.75, 0.75]),
        curve("text", "attention", [1.0, 1.0, 1.0, 1.0, 1.0]),
    ]
    half = half_missing(curves)
    assert half["image"]["attention"] == {"loss": 0.125, "share of concat's": 0.25}
    assert half["text"]["attention"] == {"loss": 0, "share of concat's": None}
    assert half["all"]["attention"] == {"loss": 0.125, "share of concat's": 0.25}
    assert half_sentences({"half missing": half})[0] == (
        "image missing for half: concat loses 0.500 (1.00), attention loses 0.125 (0.25)"
    )
