"""Graphs of fruit, as lines of Turtle, for the tests of what is to be predicted of them."""

from __future__ import annotations

from pathlib import Path

from kg.graph import KnowledgeGraph
from kg.rdf import read

EX = "http://example.org/"
HEAD = f"@prefix : <{EX}> .\n"


def graph_of(text: str, folder: Path) -> KnowledgeGraph:
    """Read some lines of Turtle."""
    path = folder / "graph.ttl"
    path.write_text(HEAD + text, encoding="utf-8")
    return read([path])[0]


def fruit(count: int, more: str = "") -> str:
    """Things of two kinds in turn."""
    lines = [f":f{i:02} a :Fruit ; :kind :{('apple', 'pear')[i % 2]} ." for i in range(count)]
    return "\n".join(lines) + more
