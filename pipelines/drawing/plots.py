"""Pictures of measurements, by matplotlib, which is an extra. Data comes in as the measurements leave it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.store.store import write_json
from pipelines.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pipelines.evaluation.reconstructions import Example

# Okabe and Ito's colours, told apart by colour-blind readers as well
COLOURS = {"attention": "#0072B2", "concat": "#D55E00", "autoencoder": "#009E73"}
LABELS = {
    "missing": "share of test entities without {which}",
    "noise": "noise on each sense, by its length",
    "attack": "{which}: features moved, by their length",
    "wrong links": "share of wrong links, model trained anew",
}


def check_plots(out: Path) -> None:
    """Make sure that a picture can be drawn and written, before anything is measured.

    Raises:
        ImportError: matplotlib is not installed; the sentence says how to.
        ValueError: the file is no PNG, or its folder is not there.
    """
    figure_of(1, 1)
    if out.suffix.lower() != ".png":
        raise ValueError(f"expected the name of a PNG file (got {out})")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"expected a file in a folder that is there (got {out})")


def write_result(result: dict[str, Any], out: Path) -> Path:
    """Write all numbers as JSON beside the picture; the path of that file."""
    json.dumps(result, allow_nan=False)
    path = out.with_suffix(".json")
    write_json(path, result)
    return path


def draw_robustness(result: dict[str, Any], out: Path) -> None:
    """Four panels: what is missing (a part for each modality), noise, attacks, wrong links."""
    curves = result["curves"]
    modalities = list(dict.fromkeys(c["which"] for c in curves if c["panel"] == "missing"))
    attacks = list(dict.fromkeys(c["which"] for c in curves if c["panel"] == "attack"))
    below = [("noise", "all senses"), *(("attack", name) for name in attacks), ("wrong links", "retrained")]
    figure = figure_of(12.5, 7.5)
    rows = figure.add_gridspec(2, 1, hspace=0.42, top=0.88, bottom=0.08, left=0.06, right=0.985)
    for row, parts in enumerate(([("missing", name) for name in modalities], below)):
        grid = rows[row].subgridspec(1, len(parts), wspace=0.12)
        for place, (panel, which) in enumerate(parts):
            axes = figure.add_subplot(grid[place])
            _draw_curves(axes, [c for c in curves if (c["panel"], c["which"]) == (panel, which)])
            axes.set_xlabel(LABELS[panel].format(which=which), fontsize=9)
            if place == 0:
                axes.set_ylabel("accuracy", fontsize=9)
            else:
                axes.tick_params(labelleft=False)
    _legend(figure)
    seeds = "1 split" if result["seeds"] == 1 else f"{result['seeds']} splits (wrong links: the first)"
    figure.text(0.06, 0.965, f"Robustness of {result['target']}", fontsize=12)
    figure.text(0.06, 0.935, f"accuracy on the test part, {seeds}; bands: a standard deviation", fontsize=9)
    figure.savefig(out, dpi=110)


def draw_reconstructions(result: dict[str, Any], examples: Sequence[Example], out: Path) -> None:
    """A row for each entity: what it is, and what comes back of it before and after training."""
    ways = [(stage, shown) for stage in ("before", "after") for shown in result["shown"]]
    figure = figure_of(2.1 * (len(ways) + 1), 2.75 * len(examples) + 0.9)
    grid = figure.subplots(len(examples), len(ways) + 1, squeeze=False)
    for row, example in zip(grid, examples, strict=True):
        _draw_thing(row[0], example.picture, example.caption)
        for axes, way in zip(row[1:], ways, strict=True):
            back = example.back[way]
            errors = f"picture off by {back.image_error:.2f}, text {back.text_error:.2f}"
            _draw_thing(axes, back.picture, f"{_wrapped(back.caption)}\n{errors}")
    grid[0][0].set_title("original", fontsize=9, loc="left")
    for axes, (stage, shown) in zip(grid[0][1:], ways, strict=True):
        axes.set_title(f"{stage} training,\nfrom {shown}", fontsize=9, loc="left")
    figure.suptitle(
        f"Held-out entities through the autoencoder; off by: 1 - cosine in feature space "
        f"(means over {counted(result['entities'], 'entity', 'entities')} in the JSON)",
        fontsize=10,
        x=0.01,
        y=1 - 0.1 / figure.get_figheight(),
        ha="left",
        va="top",
    )
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
    figure.savefig(out, dpi=100)


def _draw_curves(axes: Axes, curves: Sequence[dict[str, Any]]) -> None:
    for curve in curves:
        learned = curve["absent"] != "zeros"
        colour = COLOURS.get(curve["fusion"], "#555555")
        amount, mean, spread = curve["amount"], curve["accuracy"], curve["spread"]
        axes.plot(amount, mean, color=colour, ls="-" if learned else (0, (2, 2)), marker="o", ms=3, lw=1.6)
        if learned and None not in spread:
            low = [value - width for value, width in zip(mean, spread, strict=True)]
            high = [value + width for value, width in zip(mean, spread, strict=True)]
            axes.fill_between(amount, low, high, color=colour, alpha=0.12, lw=0)
    axes.set_ylim(-0.02, 1.03)
    axes.grid(color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, lw=2) for colour in COLOURS.values()]
    lines += [Line2D([], [], color="#555555", ls=style) for style in ("-", (0, (2, 2)))]
    names = [*COLOURS, "learned absent state", "zeros in its place"]
    figure.legend(lines, names, loc="upper right", ncols=5, fontsize=9, frameon=False)


def _draw_thing(axes: Axes, picture: Any, caption: str) -> None:
    axes.imshow(picture.permute(1, 2, 0).clamp(0, 1).numpy())
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(_wrapped(caption) if "\n" not in caption else caption, fontsize=7.5, loc="left")


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(text, 32)
    return "\n".join([*lines[:2], "..."] if len(lines) > 3 else lines)


def figure_of(width: float, height: float) -> Figure:
    """A figure without a window.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "expected matplotlib, to draw (it is not installed): pip install '.[plots]'"
        ) from error
    return Figure(figsize=(width, height))
