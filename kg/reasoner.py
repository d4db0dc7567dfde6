"""The process that reasons: a task from stdin, each step and what was found to stdout, in lines of JSON.

`kg.reasoning` starts and ends it. It reaches no network, whatever shapes or rules say.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyoxigraph as ox
import rdflib.plugins.sparql

from kg.closure import ReasoningError
from kg.consistency import CHECKS, contradictions
from kg.construct import Rule
from kg.fixpoint import Follower
from kg.inferred import rule_of
from kg.patterns import rows
from kg.shapes import as_rdflib, check_shapes, read_shapes
from kg.vocabulary import PREFIXES

IN_MEMORY = 1 << 26
"""Octets of statements up to which they are held in memory, where queries are several times faster."""


def main() -> int:
    """Do the task on stdin."""
    sys.addaudithook(_refuse_network)
    rdflib.plugins.sparql.SPARQL_LOAD_GRAPHS = False  # nor shall a query in a shape read files
    task = json.load(sys.stdin)
    try:
        with TemporaryDirectory(dir=Path(task["out"]).parent) as folder:
            found = reason(task, folder)
    except ReasoningError as error:
        _say(error=str(error))
    else:
        _say(found=found)
    return 0


def reason(task: dict[str, Any], folder: str) -> dict[str, Any]:
    """Infer and check; what was found, as in `kg.reasoning.Findings`."""
    _say(step="reading the facts")
    shapes = [(path, read_shapes(Path(path))) for path in task["shapes"]]
    small = Path(task["statements"]).stat().st_size <= IN_MEMORY
    store = ox.Store() if small else ox.Store(folder)
    store.bulk_load(path=task["statements"], format=ox.RdfFormat.N_QUADS, lenient=True)
    doubtful = _doubtful(store, task["weights"])
    unseen = [quad for name in task["unseen"] for quad in _with(store, name)]
    for quad in unseen:
        store.remove(quad)
    prefixes = PREFIXES | _old_schema(store) | task["prefixes"]
    follower = Follower(store, prefixes, task["unseen"], task["most"], lambda step: _say(step=step))
    follower.follow(task["profile"], [Rule(**rule) for rule in task["rules"]], doubtful)
    ox.serialize(follower.inferred, task["out"], format=ox.RdfFormat.N_QUADS)
    store.extend(unseen)
    faults = []
    for check in CHECKS:
        _say(step=f"looking for contradictions ({check.kind})")
        faults += contradictions(store, check)
    report: dict[str, list[dict[str, Any]]] = {}
    facts = as_rdflib(quad.triple for quad in store) if shapes else as_rdflib(())
    for path, graph in shapes:
        _say(step=f"the shapes {path}")
        for entity, results in check_shapes(facts, graph, path).items():
            report.setdefault(entity, []).extend(results)
    rules = (rule_of(str(quad.graph_name)[1:-1]) for quad in follower.inferred)
    counts = Counter(rule[0] for rule in rules if rule is not None)
    return {"inferred": counts, "contradictions": faults, "shapes": report}


def _doubtful(store: ox.Store, weights: list[str]) -> dict[ox.Triple, float]:
    """Stated facts with a weight below 1; of several the least counts. Others are told elsewhere."""
    found: dict[ox.Triple, float] = {}
    for name in weights:
        where = f"?n <{name}> ?w ; rdf:subject ?x ; rdf:predicate ?p ; rdf:object ?y"
        for row in rows(store, where):
            with suppress(ValueError):
                triple, value = ox.Triple(row["x"], row["p"], row["y"]), float(row["w"].value)
                if 0 < value < found.get(triple, 1):
                    found[triple] = value
    return found


def _with(store: ox.Store, predicate: str) -> list[ox.Quad]:
    return list(store.quads_for_pattern(None, ox.NamedNode(predicate), None, None))


def _old_schema(store: ox.Store) -> dict[str, str]:
    """The prefix schema, as data spelt with http means it."""
    old = "http://schema.org/"
    query = f'ASK {{ ?s ?p ?o FILTER(STRSTARTS(STR(?p), "{old}")) }}'
    return {"schema": old} if store.query(query, use_default_graph_as_union=True) else {}


def _say(**message: Any) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201


def _refuse_network(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        raise OSError("expected to reason without the network")


if __name__ == "__main__":
    sys.exit(main())
