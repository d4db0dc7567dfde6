"""The figure of benchmarks.priors; it knows its results and nothing of how they came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipelines.drawing.plots import figure_of

RIGHT, WRONG = "https://schema.org/about", "urn:sensegraph:shuffled"
TASKS = ("text to image", "image to text")


def draw(found: dict[str, Any], out: Path) -> None:
    """Three panels: attention by prior, ranks by the prior of the right relation and by that of the wrong."""
    figure = figure_of(12.5, 4.3)
    panels = figure.subplots(1, 3)
    ticks = [f"{prior:g}" for prior in found["priors"]]
    colours = {RIGHT: "#0072B2", WRONG: "#D55E00", TASKS[0]: "#009E73", TASKS[1]: "#555555"}

    def line(axes: Any, curve: dict[str, list[float]], colour: str, label: str) -> None:
        mean, spread = np.array(curve["mean"]), np.array(curve["spread"])
        places = range(len(ticks))
        axes.plot(places, mean, color=colour, marker="o", ms=4, lw=1.8, label=label)
        axes.fill_between(places, mean - spread, mean + spread, color=colour, alpha=0.13, lw=0)

    curves = found["curves"]
    for relation, label in ((RIGHT, "schema:about"), (WRONG, "wrong links")):
        line(panels[0], curves[relation]["attention"], colours[relation], label)
        axes = panels[1 if relation == RIGHT else 2]
        for task in TASKS:
            line(axes, curves[relation][task], colours[task], task)
    titles = (
        "Attention that goes by the relation",
        "Ranks, schema:about beside wrong links",
        "Ranks, wrong links beside schema:about",
    )
    names = ("prior of the relation", "prior of schema:about", "prior of the wrong links")
    low, high = min(axes.get_ylim()[0] for axes in panels[1:]), max(axes.get_ylim()[1] for axes in panels[1:])
    for axes, title, name in zip(panels, titles, names, strict=True):
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(name, fontsize=9)
        axes.set_xticks(range(len(ticks)), ticks)
        axes.tick_params(labelsize=8)
        axes.grid(color="#dddddd", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False, loc="best")
        axes.set_ylabel("share" if axes is panels[0] else "MRR on held-out concepts", fontsize=9)
        if axes is not panels[0]:
            axes.set_ylim(low, high)
    seeds = "1 split" if found["seeds"] == 1 else f"{found['seeds']} splits; bands: a standard deviation"
    figure.suptitle(f"Priors of relations on the demo, {seeds}", fontsize=11, x=0.01, ha="left")
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(out, dpi=110)
