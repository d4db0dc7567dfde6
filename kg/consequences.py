"""What follows from new facts together with those of a store, found as it was when the store was built.

All is derived anew from what was stated, old and new: a new fact may complete a premise that was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyoxigraph as ox

from kg.graph import KnowledgeGraph
from kg.inferred import rule_of
from kg.rdf import read
from kg.reasoning import Reasoning, infer


def consequences(
    facts: Path, files: Sequence[str | Path], reasoning: Reasoning, prefixes: Mapping[str, str]
) -> KnowledgeGraph | None:
    """Infer from a store's stated facts and from files; None if nothing follows.

    Args:
        facts: What `kg.rdf.read(..., facts=...)` wrote.
        files: RDF files of new facts.
        reasoning: What the store was built with.
        prefixes: Those that rules may use beside those of the files.

    Returns:
        A graph of inferred facts alone, of the old things as of the new ones.

    Raises:
        RdfError: A file cannot be read.
        ReasoningError: See `kg.reasoning.infer`.
    """
    with TemporaryDirectory() as folder:
        new, whole, found = (Path(folder) / name for name in ("new", "whole.nq", "found.nq"))
        graph, _ = read(files, facts=new)
        with whole.open("wb") as out:
            for one in (facts, new):
                ox.serialize(_stated(one), out, format=ox.RdfFormat.N_QUADS)
        infer(whole, found, reasoning, graph.prefixes | dict(prefixes))
        return read([found])[0] if found.stat().st_size else None


def _stated(facts: Path) -> Iterator[ox.Quad]:
    store = ox.Store.read_only(str(facts))
    return (quad for quad in store if rule_of(str(quad.graph_name)[1:-1]) is None)
