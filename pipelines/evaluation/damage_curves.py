"""Accuracy by amount of damage as curves, and what is lost when half of the test entities miss a modality."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from pipelines.training.deviation import deviation

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
HALF = 0.5
LEARNED, ZEROS = "learned absent state", "zeros"

Key = tuple[str, str, str, str, float]
"""Panel, which (a modality, an attack), fusion, absent state, amount of damage."""


def half_missing(curves: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is lost by fusion when half of the entities miss a modality; ``all`` sums over modalities."""
    losses: dict[str, dict[str, float]] = defaultdict(dict)
    for curve in curves:
        if curve["panel"] == "missing" and curve["absent"] == LEARNED:
            at = curve["amount"].index(HALF)
            losses[curve["which"]][curve["fusion"]] = curve["accuracy"][0] - curve["accuracy"][at]
    if losses:
        fusions = next(iter(losses.values()))
        losses["all"] = {fusion: sum(row[fusion] for row in losses.values()) for fusion in fusions}
    return {
        modality: {
            fusion: {"loss": loss, "share of concat's": loss / row["concat"] if row["concat"] > 0 else None}
            for fusion, loss in row.items()
        }
        for modality, row in losses.items()
    }


def half_sentences(result: dict[str, Any]) -> list[str]:
    """A sentence for each modality: what each fusion loses when half of the test entities miss it."""
    out = []
    for modality, row in result["half missing"].items():
        parts = []
        for fusion, one in row.items():
            share = one["share of concat's"]
            bracket = "" if share is None else f" ({share:.2f})"
            parts.append(f"{fusion} loses {one['loss']:.3f}{bracket}")
        what = "summed over all" if modality == "all" else f"{modality} missing for half"
        out.append(f"{what}: {', '.join(parts)}")
    return [*out, "in brackets: as a share of what concat loses"] if out else out


def curves_of(found: dict[Key, list[float]]) -> list[dict[str, Any]]:
    """Points with the same panel, which, fusion and absent state as one curve."""
    lines: dict[tuple[str, str, str, str], list[tuple[float, list[float]]]] = defaultdict(list)
    for (panel, which, fusion, absent, amount), values in found.items():
        lines[panel, which, fusion, absent].append((amount, values))
    return [
        {
            "panel": panel,
            "which": which,
            "fusion": fusion,
            "absent": absent,
            "amount": [amount for amount, _ in points],
            "accuracy": [float(np.mean(values)) for _, values in points],
            "spread": [deviation(values) for _, values in points],
        }
        for (panel, which, fusion, absent), points in lines.items()
    ]
