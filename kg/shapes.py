"""SHACL shapes over the facts, checked by the package pySHACL: a report by entity.

Nothing is fetched: no imports are followed, and shapes that would ask another service are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg.closure import ReasoningError, package
from kg.sparql_text import calls_service

if TYPE_CHECKING:
    import rdflib

_SHACL = "http://www.w3.org/ns/shacl#"
_SHAPES = {_SHACL + "NodeShape", _SHACL + "PropertyShape"}
_QUERIES = {_SHACL + name for name in ("select", "ask", "construct", "update")}


def read_shapes(path: Path) -> rdflib.Graph:
    """Read a file of shapes in any RDF format that its suffix names.

    Raises:
        ReasoningError: It is not there, is malformed or holds no shape.
    """
    try:
        triples = [quad.triple for quad in ox.parse(path=str(path))]
    except (OSError, ValueError, SyntaxError) as error:
        reason = str(error).partition("\n")[0]
        raise ReasoningError(f"{path}: expected SHACL shapes in RDF (got: {reason})") from error
    values = {getattr(triple.object, "value", "") for triple in triples}
    if not _SHAPES & values and not any(t.predicate.value.startswith(_SHACL + "target") for t in triples):
        raise ReasoningError(
            f"{path}: expected SHACL shapes (got {len(triples):,} triples, but no sh:NodeShape)"
        )
    for triple in triples:
        if triple.predicate.value in _QUERIES and calls_service(triple.object.value):
            raise ReasoningError(f"{path}: expected shapes of the facts only (got a SERVICE clause)")
    return as_rdflib(triples)


def check_shapes(facts: rdflib.Graph, shapes: rdflib.Graph, where: str) -> dict[str, list[dict[str, Any]]]:
    """Check shapes; what each entity lacks or has too much of, sorted by entity.

    Raises:
        ReasoningError: The package is not installed, or the shapes mean nothing.
    """
    pyshacl = package("pyshacl", "checks shapes")
    try:
        _, report, _ = pyshacl.validate(facts, shacl_graph=shapes, inference="none", do_owl_imports=False)
    except Exception as error:  # what a wrong query or pattern in a shape raises is of many kinds
        raise ReasoningError(f"{where}: expected valid SHACL shapes (got: {_first(error)})") from error
    if not hasattr(report, "triples"):  # a failure comes back as an object of its own
        raise ReasoningError(f"{where}: expected valid SHACL shapes (got: {_first(report)})")
    found: dict[str, list[dict[str, Any]]] = {}
    for result in report.objects(None, _term(_SHACL + "result")):
        told = {name: report.value(result, _term(_SHACL + name)) for name in _RESULT.values()}
        row = {name: None if told[field] is None else str(told[field]) for name, field in _RESULT.items()}
        row["severity"] = str(row["severity"]).removeprefix(_SHACL)
        found.setdefault(str(row.pop("entity")), []).append(row)
    return {entity: sorted(found[entity], key=str) for entity in sorted(found)}


_RESULT = {
    "entity": "focusNode",
    "path": "resultPath",
    "value": "value",
    "message": "resultMessage",
    "severity": "resultSeverity",
    "constraint": "sourceConstraintComponent",
}


def as_rdflib(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    """Hand triples over to rdflib."""
    import rdflib

    text = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    return rdflib.Graph().parse(data=text, format="nt")


def _term(iri: str) -> rdflib.URIRef:
    import rdflib

    return rdflib.URIRef(iri)


def _first(error: object) -> str:
    return str(error).strip().partition("\n")[0]
