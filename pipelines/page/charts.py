"""Charts as ECharts takes them: the facts around an entity, and the map. It knows no store and no page.

Texts from the data are drawn as text: nothing here is read as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.drawing import graph as graph_drawing

if TYPE_CHECKING:
    import networkx

    from pipelines.page.atlas import Atlas, Grouping

OTHER = graph_drawing.OTHER
COLOURS = (*graph_drawing.COLOURS[:-1], "#9467BD")
"""Those of drawings; black could not be seen on a dark ground."""
SIGNS = dict(zip(COLOURS, "●■◆▲▼✚★✖", strict=True)) | {OTHER: "●"}
"""The marks of the map as characters."""
THINNEST, WIDEST = 1.0, 9.0
"""Pixels of a line that carries no attention, and all of it."""
LONGEST = 28
"""Characters of a label."""
TOOLTIP = {
    "renderMode": "richText", "backgroundColor": "#1d2327", "borderWidth": 0, "textStyle": {"color": "#fff"},
}  # fmt: skip
_SYMBOLS = {
    "o": "circle", "s": "rect", "D": "diamond", "^": "triangle", "v": "path://M0 0L10 0L5 9Z",
    "P": "path://M3 0H7V3H10V7H7V10H3V7H0V3H3Z", "*": "path://M5 0L6 3.5H10L7 6L8 10L5 7.5L2 10L3 6L0 3.5H4Z",
    "X": "path://M2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5L0 2Z",
}  # fmt: skip
"""The marks of drawings, as ECharts calls them."""


def graph_chart(
    graph: networkx.MultiDiGraph, inferred: Callable[[str, str, str], bool], named: Callable[[str], str]
) -> dict[str, Any]:
    """The facts around an entity: the wider a line the more attention it carries, dashed if it was inferred.

    Args:
        graph: what `pipelines.search.neighbourhood` gives.
        inferred: whether the fact of a head, relation and tail was inferred.
        named: what a relation is called.
    """
    centre = graph.graph["centre"]
    nodes = [
        {
            "id": iri,
            "name": told["label"],
            "value": round(told["heard"], 3),
            "symbolSize": 34 if iri == centre else 12 + 22 * told["heard"] ** 0.5,
            "category": 0 if iri == centre else 1,
            "label": {"fontWeight": "bold" if iri == centre else "normal"},
            "cursor": "pointer",
        }
        for iri, told in graph.nodes(data=True)
    ]
    between: dict[frozenset[str], int] = {}
    links = []
    for head, tail, relation, told in graph.edges(keys=True, data=True):
        number = between[frozenset((head, tail))] = between.get(frozenset((head, tail)), -1) + 1
        links.append(
            {
                "source": head,
                "target": tail,
                "value": named(relation),
                "lineStyle": {
                    "width": round(THINNEST + (WIDEST - THINNEST) * told["attention"], 2),
                    "type": "dashed" if inferred(head, relation, tail) else "solid",
                    "curveness": 0.12 * number,
                },
            }
        )
    return {
        "animation": False,
        "series": [
            {
                "type": "graph",
                "layout": "force",
                "roam": True,
                "zoom": 0.75,
                "draggable": True,
                "scaleLimit": {"min": 0.4, "max": 4},
                "categories": [{"itemStyle": {"color": COLOURS[1]}}, {"itemStyle": {"color": COLOURS[0]}}],
                "force": {
                    "repulsion": 380,
                    "edgeLength": [55, 140],
                    "gravity": 0.13,
                    "layoutAnimation": False,
                },
                "label": {
                    "show": True,
                    "position": "right",
                    "width": 120,
                    "overflow": "truncate",
                    "fontSize": 12,
                },
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 8,
                "edgeLabel": {"show": True, "formatter": "{c}", "fontSize": 10},
                "lineStyle": {"color": "#8a939b", "opacity": 0.85},
                "labelLayout": {"hideOverlap": True},
                "emphasis": {"focus": "adjacency", "label": {"show": True, "overflow": "none"}},
                "data": nodes,
                "links": links,
            }
        ],
    }


def map_chart(atlas: Atlas, grouping: Grouping | None, labels: Sequence[str]) -> dict[str, Any]:
    """The map, a colour and mark for each group, what is in none in grey below.

    Args:
        atlas: the map.
        grouping: what is coloured by; None for nothing.
        labels: a label for each entity.
    """
    groups = [] if grouping is None else list(grouping.groups)
    rows: list[list[dict[str, Any]]] = [[] for _ in range(len(groups) + 1)]
    for at, place in enumerate(atlas.things.tolist()):
        number = -1 if grouping is None else int(grouping.group[at])
        x, y = (round(float(value), 4) for value in atlas.places[at])
        rows[number].append({"value": [x, y], "name": labels[place], "place": place})
    series = [_points("others", OTHER, "circle", rows[-1])]
    for number, group in enumerate(groups):
        series.append(
            _points(group.label, COLOURS[number], _SYMBOLS[graph_drawing.MARKS[number]], rows[number])
        )
    axis = {"type": "value", "min": -0.03, "max": 1.03, "show": False}
    inside = {"type": "inside", "filterMode": "none", "minSpan": 1}
    return {
        "animation": False,
        "tooltip": TOOLTIP | {"formatter": "{b}"},
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 8},
        "xAxis": axis,
        "yAxis": axis,
        "dataZoom": [inside | {"xAxisIndex": 0}, inside | {"yAxisIndex": 0}],
        "series": series,
    }


def _points(name: str, colour: str, symbol: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "symbol": symbol,
        "symbolSize": 7 if colour == OTHER else 9,
        "itemStyle": {
            "color": colour,
            "opacity": 0.85,
            "borderColor": "rgba(255,255,255,.6)",
            "borderWidth": 0.5,
        },
        "cursor": "pointer",
        "data": rows,
    }
