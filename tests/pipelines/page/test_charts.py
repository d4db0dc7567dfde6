"""Charts say what they are given: attention as width, inferred facts dashed, groups by colour and mark."""

from __future__ import annotations

import json
from typing import Any

import networkx
import numpy as np

from pipelines.page.atlas import Atlas, Grouping
from pipelines.page.catalogue import Choice
from pipelines.page.charts import COLOURS, OTHER, SIGNS, THINNEST, WIDEST, graph_chart, map_chart


def around() -> networkx.MultiDiGraph:
    graph = networkx.MultiDiGraph(centre="urn:a")
    graph.add_node("urn:a", label="A <b>bold</b> one", heard=1.0)
    graph.add_node("urn:b", label="B", heard=0.25)
    graph.add_edge("urn:a", "urn:b", key="urn:knows", attention=1.0, label="knows", weight=1.0, path=False)
    graph.add_edge("urn:b", "urn:a", key="urn:likes", attention=0.0, label="likes", weight=1.0, path=False)
    return graph


def test_attention_is_width_and_what_was_inferred_is_dashed() -> None:
    chart = graph_chart(around(), lambda head, relation, tail: relation == "urn:likes", str.upper)
    series: dict[str, Any] = chart["series"][0]
    knows, likes = series["links"]
    assert (knows["source"], knows["target"], knows["value"]) == ("urn:a", "urn:b", "URN:KNOWS")
    assert (knows["lineStyle"]["width"], likes["lineStyle"]["width"]) == (WIDEST, THINNEST)
    assert (knows["lineStyle"]["type"], likes["lineStyle"]["type"]) == ("solid", "dashed")
    assert knows["lineStyle"]["curveness"] != likes["lineStyle"]["curveness"]  # else one hides the other
    assert [node["category"] for node in series["data"]] == [0, 1]
    assert series["data"][0]["symbolSize"] > series["data"][1]["symbolSize"]


def test_texts_are_drawn_and_never_read_as_html() -> None:
    grouping = Grouping("r", "r", [Choice("urn:g", "<i>g</i>", 1)], np.array([0]))
    atlas = Atlas(np.array([0]), np.zeros((1, 2), np.float32), 1, [grouping])
    drawn = map_chart(atlas, grouping, ["<u>x</u>"])
    assert drawn["tooltip"]["renderMode"] == "richText"
    graph = graph_chart(around(), lambda *_: False, str)
    assert "tooltip" not in graph
    assert "<b>bold</b>" in json.dumps(graph)


def test_groups_have_a_colour_and_mark_each_and_the_rest_is_grey() -> None:
    groups = [Choice("urn:g", "g", 2), Choice("urn:h", "h", 1)]
    grouping = Grouping("r", "r", groups, np.array([0, -1, 1, 0]))
    places = np.array([[0, 0], [1, 1], [0.5, 0.25], [0.1, 0.2]], np.float32)
    chart = map_chart(Atlas(np.array([3, 5, 7, 9]), places, 4, [grouping]), grouping, list("abcdefghij"))
    rest, first, second = chart["series"]
    assert (rest["name"], first["name"], second["name"]) == ("others", "g", "h")
    assert (rest["itemStyle"]["color"], first["itemStyle"]["color"]) == (OTHER, COLOURS[0])
    assert first["symbol"] != second["symbol"]
    assert [row["place"] for row in first["data"]] == [3, 9]
    assert second["data"] == [{"value": [0.5, 0.25], "name": "h", "place": 7}]
    assert len(chart["dataZoom"]) == 2


def test_without_a_grouping_all_is_grey() -> None:
    chart = map_chart(Atlas(np.array([0]), np.zeros((1, 2), np.float32), 1, []), None, ["a"])
    assert [series["name"] for series in chart["series"]] == ["others"]


def test_no_two_colours_or_signs_are_the_same_and_none_is_black() -> None:
    assert len(set(COLOURS)) == len(COLOURS) == 8
    assert len({SIGNS[one] for one in COLOURS}) == 8
    assert "#000000" not in COLOURS
