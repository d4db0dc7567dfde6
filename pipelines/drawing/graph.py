"""Draw entities: their embeddings as a map, and the facts around one of them. By matplotlib, an extra."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx
import numpy as np

from pipelines.drawing.plots import figure_of

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
        style: dict[str, Any] = {"color": COLOURS[place], "marker": MARKS[place], "label": label}
        axes.scatter(own[:, 0], own[:, 1], s=16, linewidths=0, **style)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#cccccc")


def draw_neighbourhood(graph: networkx.MultiDiGraph) -> Figure:
    """Draw what `pipelines.search.neighbourhood` gives: the centre left, each fact further one column on.

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
    ends = {node: _draw_entity(axes, graph, node, place, reached.get(node)) for node, place in places.items()}
    for head, tail, relation, fact in graph.edges(keys=True, data=True):
        main = fact["path"] or (head, tail, relation) in reached.values()
        left, right = sorted((head, tail), key=lambda node: places[node])
        _draw_fact(axes, places[left], ends[left], places[right], fact, main)
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
    axes: Axes,
    left: tuple[float, float],
    end: float,
    right: tuple[float, float],
    fact: dict[str, Any],
    main: bool,
) -> None:
    """A curve from where the left entity's text ends to the right one; within a column, along its left."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), (to, other) = left, right
    leave = end + 0.02 if to > x else x - 0.03
    bend = (leave + to) / 2 if to > x else x - 0.09
    path = Path(
        [(leave, y), (bend, y), (bend, other), (to - 0.03, other)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    width = 0.6 + 4.4 * fact["attention"]
    colour = ACCENT if fact["path"] else "#7a8aa0"
    style = {"lw": width, "alpha": 0.9} if main else {"lw": 0.7, "alpha": 0.45, "ls": (0, (3, 3))}
    axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, capstyle="round", zorder=1, **style))


def _draw_entity(
    axes: Axes, graph: networkx.MultiDiGraph, node: str, place: tuple[float, float], fact: Edge | None
) -> float:
    """A dot, the entity's name, below it the fact that it is reached by; where the text ends."""
    x, y = place
    ties = (*graph.in_edges(node, data="path"), *graph.out_edges(node, data="path"))
    on_path = any(marked for _, _, marked in ties)
    colour = ACCENT if on_path else "#222222"
    axes.plot([x], [y], "o", ms=7 if fact is None else 4.5, color=colour, zorder=3)
    name = graph.nodes[node]["label"]
    label = textwrap.shorten(name, 24, placeholder=" ...") or name[:22]
    weight = "bold" if fact is None or on_path else "normal"
    if fact is None:
        return _write(axes, x + 0.05, y, label, fontsize=9, weight=weight)
    told = f"{graph.edges[fact]['label'][:20]} {graph.edges[fact]['attention']:.2f}"
    arrow = "←" if node == fact[0] else "→"
    return max(
        _write(axes, x + 0.04, y - 0.13, label, fontsize=8, weight=weight),
        _write(axes, x + 0.04, y + 0.24, f"{arrow} {told}", fontsize=6, color="#666666"),
    )


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> float:
    """Write a text as it is, no mathematics, over a white ground; where it ends."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    written = axes.text(x, y, text, va="center", bbox=box, zorder=4, parse_math=False, **style)
    return float(axes.transData.inverted().transform(written.get_window_extent().p1)[0])
