"""Proposed facts as a file for review, and what a person accepted or rejected of them.

A proposal is a fact in the named graph `PROPOSED` and, beside it, a node that tells score, probability and
reasons. Whoever reviews deletes the facts that are not to be taken, or moves them to another file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph

PROPOSED, ACCEPTED = "urn:sensegraph:proposed", "urn:sensegraph:accepted"
NODE = "urn:sensegraph:proposal:"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DOUBLE = "http://www.w3.org/2001/XMLSchema#double"

Named = tuple[str, str, str]
"""IRIs of head, relation and tail."""


def proposal_lines(fact: Named, score: float, probability: float | None, reasons: Sequence[str]) -> list[str]:
    """A proposal as N-Quads: the fact first, then what is said of it."""
    node = f"<{NODE}{hashlib.sha256(' '.join(fact).encode()).hexdigest()[:16]}>"
    said = [(f"{_RDF}type", f"<{_RDF}Statement>")]
    said += [
        (_RDF + part, f"<{iri}>") for part, iri in zip(("subject", "predicate", "object"), fact, strict=True)
    ]
    numbers = {"score": score} | ({} if probability is None else {"probability": probability})
    said += [(f"urn:sensegraph:{name}", f'"{value:.4g}"^^<{_DOUBLE}>') for name, value in numbers.items()]
    said += [("urn:sensegraph:reason", json.dumps(reason, ensure_ascii=False)) for reason in reasons]
    head, relation, tail = fact
    lines = [f"<{head}> <{relation}> <{tail}> <{PROPOSED}> ."]
    return lines + [f"{node} <{predicate}> {value} <{PROPOSED}> ." for predicate, value in said]


def reviewed(files: Sequence[str | Path]) -> list[Named]:
    """The facts of reviewed files: of the graph of proposals where there is one, else of all graphs.

    Raises:
        ValueError: if a file cannot be read or holds no fact.
    """
    from kg.rdf import read

    found: dict[Named, None] = {}
    for file in files:
        graph, _ = read([file])
        rows = graph.triples
        if PROPOSED in graph.graphs:
            rows = rows[graph.origin == graph.graphs.index(PROPOSED)]
        names, relations = graph.entities.to_pylist(), graph.relations.to_pylist()
        facts = [(names[h], relations[r], names[t]) for h, r, t in rows.tolist()]
        facts = [fact for fact in facts if not fact[0].startswith(NODE)]
        if not facts:
            raise ValueError(f"{file}: expected facts that were reviewed (got none)")
        found |= dict.fromkeys(facts)
    return list(found)


def write_accepted(facts: Iterable[Named], path: Path) -> None:
    """Write facts as a named graph of their own, to be read beside the inputs."""
    lines = [f"<{head}> <{relation}> <{tail}> <{ACCEPTED}> .\n" for head, relation, tail in facts]
    path.write_text("".join(lines), encoding="utf-8")


def fact_ids(graph: KnowledgeGraph, facts: Sequence[Named]) -> NDArray[np.int64]:
    """Ids of those facts whose parts the graph knows: ``(k, 3)``; others cannot be proposed anyway."""
    if not facts:
        return np.empty((0, 3), np.int64)
    relations = {iri: number for number, iri in enumerate(graph.relations.to_pylist())}
    heads, tails = (graph.entity_ids([fact[place] for fact in facts]) for place in (0, 2))
    kinds = np.array([relations.get(fact[1], -1) for fact in facts], dtype=np.int64)
    rows = np.stack([heads, kinds, tails], axis=1)
    return np.unique(rows[(rows >= 0).all(1)], axis=0)
