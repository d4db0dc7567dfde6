"""Drawings in which every label can be read: none lies on another, none leaves the sheet."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import networkx
import numpy as np
import pytest

from pipelines.drawing.graph import OTHER, draw_map, draw_neighbourhood
from pipelines.search.neighbourhood import neighbourhood

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from pipelines.search.retrieval import Searcher


def boxes(figure: Figure) -> dict[int, tuple[str, Bbox]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [*figure.axes[0].texts, *figure.texts]
    return {n: (t.get_text(), t.get_window_extent(canvas.get_renderer())) for n, t in enumerate(texts)}


def assert_readable(figure: Figure) -> None:
    found = boxes(figure)
    for (one, first), (other, second) in combinations(found.values(), 2):
        over = first.xmin < second.xmax and second.xmin < first.xmax
        over = over and first.ymin < second.ymax and second.ymin < first.ymax
        assert not over, (one, other)
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in found.values():
        assert box.xmin >= 0, text
        assert box.ymin >= 0, text
        assert box.xmax <= width, text
        assert box.ymax <= height, text


@pytest.mark.parametrize("name", ["cat0", "instrument", "bare", "Card"])
def test_no_label_of_a_neighbourhood_lies_on_another(searcher: Searcher, collection: Any, name: str) -> None:
    figure = draw_neighbourhood(searcher.neighbourhood(collection.iri(name), 25))
    assert_readable(figure)
    assert any(text == searcher.label(collection.iri(name))[:24] for text, _ in boxes(figure).values())


def test_paths_are_drawn_with_all_that_stands_on_them(searcher: Searcher, collection: Any) -> None:
    reasons = searcher.explain(collection.iri("wolf0"), "cat")
    figure = draw_neighbourhood(neighbourhood(searcher, collection.iri("wolf0"), 8, reasons.paths))
    assert_readable(figure)
    texts = {text for text, _ in boxes(figure).values()}
    assert {searcher.label(iri) for path in reasons.paths for step in path for iri in step[::2]} <= texts


def test_long_names_and_loops_leave_the_sheet_readable() -> None:
    graph = networkx.MultiDiGraph(centre="a")
    for node in "abcde":
        graph.add_node(node, label=f"{node} $\\frac{{x$ {'long name ' * 9}", heard=0.1)
    for place, (head, tail) in enumerate(
        [("a", "b"), ("c", "a"), ("b", "b"), ("b", "d"), ("d", "e"), ("c", "b")]
    ):
        graph.add_edge(
            head,
            tail,
            key="r",
            label="averyveryverylongrelationname",
            weight=1,
            attention=place / 6,
            path=False,
        )
    assert_readable(draw_neighbourhood(graph))


def test_a_map_colours_the_frequent_classes_and_leaves_the_rest_grey() -> None:
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    classes = [*(["fruit"] * 3), *(["bird"] * 2), "", *(f"rare{n}" for n in range(9))]
    points = np.arange(2.0 * len(classes)).reshape(-1, 2).astype(np.float32)
    draw_map(axes, points, classes, "things")
    found = {c.get_label(): c for c in axes.collections}
    assert {"fruit (3)", "bird (2)", "others (4)"} <= found.keys()
    assert np.allclose(found["fruit (3)"].get_offsets(), points[:3])
    assert to_hex(found["others (4)"].get_facecolor()[0]).upper() == OTHER
    assert sum(len(c.get_offsets()) for c in axes.collections) == len(classes)
    assert axes.get_title(loc="left") == "things"
