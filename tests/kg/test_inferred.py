"""Names of the graphs of inferred facts, there and back."""

from __future__ import annotations

import pytest

from kg.inferred import checked_confidence, confidences, inferred_graph, is_inferred, rule_of


def test_a_name_tells_the_rule_and_the_confidence() -> None:
    assert inferred_graph("an uncle/aunt", 0.8) == "urn:sensegraph:inferred/an%20uncle%2Faunt/0.8"
    assert rule_of(inferred_graph("an uncle/aunt", 0.8)) == ("an uncle/aunt", 0.8)
    graphs = ["", "urn:g", inferred_graph("owl", 1.0), inferred_graph("owl", 0.5)]
    assert confidences(graphs).tolist() == [1, 1, 1, 0.5]
    assert is_inferred(graphs).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    "graph",
    [
        "",
        "urn:g",
        "urn:sensegraph:inferred/",
        "urn:sensegraph:inferred/owl/x",
        "urn:sensegraph:inferred/owl/2",
    ],
)
def test_other_graphs_are_stated(graph: str) -> None:
    assert rule_of(graph) is None


@pytest.mark.parametrize("text", ["0", "1.01", "-1", "sure", "nan", ""])
def test_a_confidence_out_of_range_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=rf"expected a confidence in \(0, 1\] \(got '{text}'\)"):
        checked_confidence(text)
