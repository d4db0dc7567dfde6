"""Scores of a target's models as a table of at most 100 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.training.deviation import splits

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = {
    "accuracy": "accuracy",
    "F1 macro": "F1 macro",
    "F1 micro": "F1 micro",
    "precision macro": "precision",
    "recall macro": "recall",
    "AUROC": "AUROC",
    "calibration error": "calibr.",
    "rare": "rare",
}
"""Measure to heading; `rare` is the accuracy on the test entities of rare classes."""


def labels_table(result: dict[str, Any]) -> Table:
    """The result as a table of at most 100 columns, mean ± standard deviation over the seeds."""
    from rich.markup import escape
    from rich.table import Table

    out = Table(
        title=f"{escape(result['target'])}: test part of {splits(result['seeds'])}",
        title_justify="left",
        pad_edge=False,
        padding=(0, 1, 0, 0),
        box=None,
        caption=_sure(result),
        caption_justify="left",
    )
    out.add_column("")
    for heading in SHOWN.values():
        out.add_column(heading, justify="right")
    for name, row in result["rows"].items():
        spread = result["spread"][name]
        out.add_row(name, *(_figure(row[measure], spread[measure]) for measure in SHOWN))
    return out


def _sure(result: dict[str, Any]) -> str | None:
    """How sure the accuracy of the last row is, of the others see the JSON."""
    name = list(result["rows"])[-1]
    found = result.get("intervals", {}).get(name, {}).get("accuracy")
    if found is None:
        return None
    return f"95 % of the accuracy of {name}, by bootstrap over the entities: {found[0]:.3f} to {found[1]:.3f}"


def _figure(mean: float | None, spread: float | None) -> str:
    """Such as .912±.013: eight of them fit a line."""
    if mean is None:
        return "-"
    if spread is None:
        return _short(mean)
    return f"{_short(mean)}±{_short(spread)}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1.00"
