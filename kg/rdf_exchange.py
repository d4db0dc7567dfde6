"""Exchange with rdflib, the interface that users know: all term conversion is here.

It knows nothing of files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg.graph import KnowledgeGraph
from kg.source import RdfError

if TYPE_CHECKING:
    import rdflib


def to_rdflib(graph: KnowledgeGraph) -> rdflib.Graph:
    """Give a graph as an rdflib Graph, or as a Dataset where there are named graphs.

    A media reference becomes an IRI if it is an absolute one, else a literal.
    """
    from rdflib import Dataset, Graph, Literal, URIRef

    whole: Graph
    if set(graph.graphs) <= {""}:
        whole = Graph()
        parts = [whole] * len(graph.graphs)
    else:
        whole = dataset = Dataset()
        names = [URIRef(name) if name else dataset.default_graph for name in graph.graphs]
        parts = [dataset.graph(name) for name in names]
    for prefix, iri in graph.prefixes.items():
        whole.bind(prefix, iri, replace=True)
    entities = [URIRef(iri) for iri in graph.entities.to_pylist()]
    relations = [URIRef(iri) for iri in graph.relations.to_pylist()]
    for (head, relation, tail), origin in zip(graph.triples.tolist(), graph.origin.tolist(), strict=True):
        parts[origin].add((entities[head], relations[relation], entities[tail]))
    for row in graph.literals.to_pylist():
        datatype = URIRef(row["datatype"]) if row["datatype"] else None
        value = Literal(row["value"], lang=row["language"], datatype=datatype, normalize=False)
        parts[row["origin"]].add((entities[row["entity"]], URIRef(row["predicate"]), value))
    for row in graph.media.to_pylist():
        reference = row["reference"]
        target = URIRef(reference) if _is_iri(reference) else Literal(reference)
        parts[row["origin"]].add((entities[row["entity"]], URIRef(row["predicate"]), target))
    return whole


class RdflibSource:
    """An rdflib Graph or Dataset as a source."""

    def __init__(self, graph: rdflib.Graph) -> None:
        self.name = "rdflib graph"
        self._graph = graph
        self._digest = hashlib.sha256()

    def quads(self, skip: Callable[[str], None] | None) -> Iterable[ox.Quad]:
        """Give the statements; rdflib keeps no order and makes up labels, so that both are fixed."""
        statements = [_quad(terms) for terms in _rows(self._graph)]
        if not any(ox.BlankNode in map(type, quad) for quad in statements):
            return statements
        dataset = ox.Dataset(statements)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        statements = sorted(dataset, key=str)
        for quad in statements:
            self._digest.update(f"{quad}\n".encode())
        return statements

    def explained(self, error: Exception) -> RdfError:
        """Say what an error met while streaming means."""
        return RdfError(f"{self.name}: expected terms that RDF allows (got: {error})")

    def prefixes(self) -> dict[str, str]:
        """Give the bindings of the graph."""
        return {prefix: str(iri) for prefix, iri in self._graph.namespaces()}

    def digest(self) -> str:
        """Hash the statements, once they were given."""
        return self._digest.hexdigest()[:12]

    def close(self) -> None:
        """Nothing is open."""


def _rows(graph: rdflib.Graph) -> Iterable[tuple[Any, ...]]:
    """Give the statements of rdflib: triples of a graph, quads of a dataset."""
    from rdflib import Dataset

    return graph.quads() if isinstance(graph, Dataset) else graph


def _quad(row: tuple[Any, ...]) -> ox.Quad:
    """Convert a statement of rdflib."""
    from rdflib.graph import DATASET_DEFAULT_GRAPH_ID

    head, relation, tail = map(_to_ox, row[:3])
    if len(row) == 3 or row[3] in (None, DATASET_DEFAULT_GRAPH_ID):
        return ox.Quad(head, relation, tail)
    return ox.Quad(head, relation, tail, _to_ox(row[3]))


def _to_ox(term: Any) -> Any:
    """Convert a term of rdflib."""
    from rdflib import BNode, Literal, URIRef

    try:
        if isinstance(term, BNode):
            return ox.BlankNode(str(term))
        if isinstance(term, URIRef):
            return ox.NamedNode(str(term))
        if isinstance(term, Literal) and term.language:
            return ox.Literal(str(term), language=term.language)
        if isinstance(term, Literal):
            datatype = None if term.datatype is None else ox.NamedNode(str(term.datatype))
            return ox.Literal(str(term), datatype=datatype)
    except ValueError as error:
        raise RdfError(f"rdflib graph: expected a valid term (got {term!r}: {error})") from error
    raise RdfError(f"rdflib graph: expected IRIs, blank nodes and literals (got {term!r})")


def _is_iri(reference: str) -> bool:
    """Tell whether a media reference can stand as an IRI of its own."""
    try:
        ox.NamedNode(reference)
    except ValueError:
        return False
    return True
