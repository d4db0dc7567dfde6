"""Names of the graphs that hold what follows from the data: each tells the rule and how sure its facts are.

    urn:sensegraph:inferred/owl/1    urn:sensegraph:inferred/uncle/0.8

It knows texts only. All other graphs hold what was stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

INFERRED = "urn:sensegraph:inferred/"
"""Start of the names of the graphs of inferred facts."""


def inferred_graph(rule: str, confidence: float) -> str:
    """Name the graph of what a rule infers with a confidence."""
    return f"{INFERRED}{quote(rule, safe='')}/{confidence:g}"


def rule_of(graph: str) -> tuple[str, float] | None:
    """Give the rule and the confidence of a graph of inferred facts; None for stated ones."""
    name, _, text = graph.removeprefix(INFERRED).partition("/")
    if not graph.startswith(INFERRED) or not name:
        return None
    try:
        confidence = float(text)
    except ValueError:
        return None
    return (unquote(name), confidence) if 0 < confidence <= 1 else None


def confidences(graphs: Sequence[str]) -> NDArray[np.float32]:
    """How sure the facts of each graph are, ``(g,)``; what is stated is sure."""
    rules = [rule_of(graph) for graph in graphs]
    return np.array([1.0 if rule is None else rule[1] for rule in rules], dtype=np.float32)


def is_inferred(graphs: Sequence[str]) -> NDArray[np.bool_]:
    """Which graphs hold inferred facts, ``(g,)``."""
    return np.array([rule_of(graph) is not None for graph in graphs], dtype=bool)


def checked_confidence(text: str) -> float:
    """Read a confidence.

    Raises:
        ValueError: It is no number in (0, 1].
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ValueError(f"expected a confidence in (0, 1] (got {text!r})")
    return value
