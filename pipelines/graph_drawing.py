"""Draw entities: their embeddings as a map, and the facts around one of them. By matplotlib, an extra."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import networkx
import numpy as np

from pipelines.plots import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# Okabe and Ito's colours, told apart by colour-blind readers as well; the last is for what is rare
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8B5A2B", "#000000")
OTHER = "#BBBBBB"
MARKS = "osD^vP*X"
ACCENT = "#D55E00"
ROW, COLUMN = 0.36, 2.7
"""Height of a line of the drawing and width of a column, inches."""
WIDEST_TITLE = 5.6
"""Inches that the line above the drawing takes."""


def draw_map(axes: Axes, points: NDArray[np.float32], classes: Sequence[str], title: str = "") -> None:
    """Draw points in the plane, the most frequent classes by colour and mark, the others in grey.

    Shapes: ``points (n, 2)``.
    """
    counts = Counter(name for name in classes if name)
    shown = [name for name, _ in counts.most_common(len(COLOURS))]
    kinds = np.array([shown.index(name) if name in shown else -1 for name in classes])
    rest = points[kinds < 0]
    if len(rest):
        axes.scatter(rest[:, 0], rest[:, 1], s=7, color=OTHER, linewidths=0, label=f"others ({len(rest)})")
    for place, name in enumerate(shown):
        own = points[kinds == place]
        label = f"{textwrap.shorten(name, 26, placeholder=' ...')} ({len(own)})"
        style = {"color": COLOURS[place], "marker": MARKS[place], "linewidths": 0, "label": label}
        axes.scatter(own[:, 0], own[:, 1], s=16, **style)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#cccccc")


def draw_neighbourhood(graph: networkx.MultiDiGraph) -> Figure:
    """Draw what `pipelines.neighbourhood` gives: the centre at the left, each fact further one column on.

    An edge is the wider, the more attention it carries; paths are in colour. Each entity has a line of its
    column for itself, so no two labels meet; the relation by which it is reached stands below its name.

    Raises:
        ImportError: matplotlib is not installed.
    """
    reached = _reached(graph)
    places = _places(graph, reached)
    columns = 1 + max(x for x, _ in places.values())
    lines = 1 + max(y for _, y in places.values())
    figure = figure_of(max(COLUMN * columns + 0.4, WIDEST_TITLE), ROW * lines + 0.9)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
    axes.set_xlim(-0.1, columns)
    axes.set_ylim(lines - 0.4, -0.6)
    axes.axis("off")
    for head, tail, relation, fact in graph.edges(keys=True, data=True):
        _draw_fact(axes, places[head], places[tail], fact, (head, tail, relation) in reached.values())
    for node, place in places.items():
        _draw_entity(axes, graph, node, place, reached.get(node))
    figure.suptitle(
        "Width: the attention that a fact carries. Colour: the chains of facts to what was asked.",
        fontsize=8.5,
        x=0.03,
        y=1 - 0.18 / figure.get_figheight(),
        ha="left",
        va="top",
        color="#555555",
    )
    return figure


Edge = tuple[str, str, str]


def _reached(graph: networkx.MultiDiGraph) -> dict[str, Edge]:
    """The fact by which each node is reached from the centre: fewest steps, then paths, then attention."""
    found: dict[str, Edge] = {}
    frontier = [graph.graph["centre"]]
    seen = set(frontier)
    while frontier:
        ties = [
            (not fact["path"], -fact["attention"], tail if here == head else head, (head, tail, key))
            for here in frontier
            for head, tail, key, fact in (
                *graph.out_edges(here, keys=True, data=True),
                *graph.in_edges(here, keys=True, data=True),
            )
        ]
        fresh: dict[str, Edge] = {}
        for _, _, other, edge in sorted(ties):
            if other not in seen:
                fresh.setdefault(other, edge)
        found |= fresh
        seen |= fresh.keys()
        frontier = list(fresh)
    return found


def _places(graph: networkx.MultiDiGraph, reached: dict[str, Edge]) -> dict[str, tuple[float, float]]:
    """A tidy tree: column by facts from the centre, a line for each leaf, parents amid theirs."""
    children: dict[str, list[str]] = {}
    for node, (head, tail, _) in reached.items():
        children.setdefault(tail if node == head else head, []).append(node)
    places: dict[str, tuple[float, float]] = {}
    line = 0.0

    def put(node: str, column: int) -> float:
        nonlocal line
        below = [put(child, column + 1) for child in children.get(node, ())]
        if not below:
            below, line = [line], line + 1
        places[node] = (column, (below[0] + below[-1]) / 2)
        return places[node][1]

    put(graph.graph["centre"], 0)
    return places


def _draw_fact(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], fact: dict[str, object], in_tree: bool
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), (right, other) = sorted((start, end))
    leave = x + 0.62 if right > x else x
    bend = (leave + right) / 2 if right > x else x - 0.09
    path = Path(
        [(leave, y), (bend, y), (bend, other), (right - 0.03, other)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    width = 0.6 + 4.4 * float(fact["attention"])  # type: ignore[arg-type]
    colour = ACCENT if fact["path"] else "#7a8aa0"
    style = {"lw": width, "alpha": 0.9} if in_tree else {"lw": 0.7, "alpha": 0.45, "ls": (0, (3, 3))}
    axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, capstyle="round", zorder=1, **style))


def _draw_entity(
    axes: Axes,
    graph: networkx.MultiDiGraph,
    node: str,
    place: tuple[float, float],
    fact: Edge | None,
) -> None:
    x, y = place
    on_path = fact is not None and graph.edges[fact]["path"]
    centre = node == graph.graph["centre"]
    colour = ACCENT if on_path else "#222222"
    axes.plot([x], [y], "o", ms=7 if centre else 4.5, color=colour, zorder=3)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    label = textwrap.shorten(graph.nodes[node]["label"], 24, placeholder=" ...")
    weight = "bold" if centre or on_path else "normal"
    label = label or graph.nodes[node]["label"][:22]
    if fact is None:
        axes.text(x + 0.05, y, label, fontsize=9, va="center", weight=weight, bbox=box, zorder=4)
        return
    head, _, _ = fact
    arrow = "←" if node == head else "→"
    axes.text(x + 0.04, y - 0.13, label, fontsize=8, va="center", weight=weight, bbox=box, zorder=4)
    told = f"{arrow} {graph.edges[fact]['label'][:20]} {graph.edges[fact]['attention']:.2f}"
    axes.text(x + 0.04, y + 0.24, told, fontsize=6, va="center", color="#666666", bbox=box, zorder=4)
