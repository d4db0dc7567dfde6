"""What follows from the facts by RDFS or by OWL 2 RL, as the package `reasonable` derives it.

What is true of everything (each thing is an owl:Thing, the same as itself, a class a subclass of itself) and
what is said of the language itself is left out. The package `owlrl` is the reference in the tests.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyoxigraph as ox

from kg.vocabulary import PREFIXES, RDF_TYPE

PROFILES = ("none", "rdfs", "owl")
"""Nothing, RDFS (subclasses, subproperties, domains, ranges), OWL 2 RL (and those)."""

_RDF, _RDFS, _OWL, _XSD = (PREFIXES[name] for name in ("rdf", "rdfs", "owl", "xsd"))
_LANGUAGE = (_RDF, _RDFS, _OWL, _XSD)
_SAME_AS = _OWL + "sameAs"
_INVERSE_FUNCTIONAL = ox.NamedNode(_OWL + "InverseFunctionalProperty")
_REFLEXIVE = {
    *(_RDFS + name for name in ("subClassOf", "subPropertyOf")),
    *(_OWL + name for name in ("equivalentClass", "equivalentProperty", "sameAs")),
}
_TOLD = _REFLEXIVE | {RDF_TYPE, _OWL + "differentFrom", _OWL + "inverseOf"}
_UNTOLD = {_RDFS + "domain", _RDFS + "range"}  # of more general classes: what follows for things is told


class ReasoningError(ValueError):
    """What was asked cannot be inferred or checked; the text says in one sentence why."""


def closure(triples: Iterable[ox.Triple], profile: str) -> list[ox.Triple]:
    """Derive what follows from triples without blank nodes; stated ones may be among the result.

    RDFS is OWL 2 RL over triples that do not speak OWL. The reasoner is not told of inverse functional
    properties: of a chain of one it takes the first two things for the same. `kg.supplement` derives that.

    Raises:
        ReasoningError: The package is not installed.
    """
    reasonable = package("reasonable", "derives what follows")
    if profile == "rdfs":
        triples = (triple for triple in triples if not _speaks_owl(triple))
    triples = (triple for triple in triples if triple.object != _INVERSE_FUNCTIONAL)
    reasoner = reasonable.PyReasoner()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "facts.ttl"  # N-Triples are Turtle; of other suffixes it wants to know nothing
        ox.serialize(triples, path, format=ox.RdfFormat.N_TRIPLES)
        reasoner.load_file(str(path))
    found = (_triple(*terms) for terms in reasoner.reason())
    distinct = {
        triple for triple in found if triple is not None and not (profile == "rdfs" and _speaks_owl(triple))
    }
    return sorted(distinct, key=str)


def package(name: str, what: str) -> Any:
    """Import one of the packages of the extra `reasoning`.

    Raises:
        ReasoningError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ReasoningError(
            f"expected the package {name}, which {what} (it is not installed): "
            "pip install 'sensegraph[reasoning]'"
        ) from error


def _speaks_owl(triple: ox.Triple) -> bool:
    return triple.predicate.value.startswith(_OWL) or (
        isinstance(triple.object, ox.NamedNode) and triple.object.value.startswith(_OWL)
    )


def _triple(head: Any, relation: Any, tail: Any) -> ox.Triple | None:
    """Take over a triple of rdflib's terms; None for one that tells nothing."""
    from rdflib import Literal, URIRef

    if not (isinstance(head, URIRef) and isinstance(relation, URIRef) and isinstance(tail, URIRef | Literal)):
        return None
    value: ox.NamedNode | ox.Literal
    if isinstance(tail, URIRef):
        value = ox.NamedNode(str(tail))
    elif tail.language:
        value = ox.Literal(str(tail), language=tail.language)
    else:
        value = ox.Literal(str(tail), datatype=ox.NamedNode(str(tail.datatype or _XSD + "string")))
    triple = ox.Triple(ox.NamedNode(str(head)), ox.NamedNode(str(relation)), value)
    return None if tells_nothing(triple) else triple


def tells_nothing(triple: ox.Triple) -> bool:
    """Tell what is true of everything, or is about the language rather than about things."""
    assert not isinstance(triple.subject, ox.Triple)
    assert not isinstance(triple.object, ox.Triple)
    head, relation, tail = triple.subject.value, triple.predicate.value, triple.object.value
    literal = isinstance(triple.object, ox.Literal)
    if head.startswith(_LANGUAGE) or relation in _UNTOLD:
        return True
    if relation in _REFLEXIVE and (head == tail or literal):
        return True
    if relation in _TOLD:
        return not literal and tail.startswith(_LANGUAGE) and tail != _OWL + "Nothing"
    return relation.startswith((_RDF, _OWL))
