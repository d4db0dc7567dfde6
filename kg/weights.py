"""How sure the data is of its own facts: numbers on reified statements become the weights of edges.

    << ex:wren ex:near ex:oak >> sensegraph:weight 0.7            RDF 1.2, or {| sensegraph:weight 0.7 |}
    [] rdf:subject ex:wren ; rdf:predicate ex:near ; rdf:object ex:oak ; sensegraph:weight 0.7

It works on integers, after the stream, and knows no RDF library. The annotating nodes are no entities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.observations import Facts
from kg.source import RdfError
from kg.vocabulary import PREFIXES, Vocabulary

_PARTS = tuple(PREFIXES["rdf"] + part for part in ("subject", "predicate", "object"))


@dataclass(frozen=True)
class Annotations:
    """The weights that the data gives, as numbers into the terms and predicates of the facts.

    Shapes:
        nodes (terms,) bool marks the annotating nodes
        triples (w, 3) int64 head, predicate (-1 if no fact has it), tail; weights (w,) float32 in (0, 1]
    """

    nodes: np.ndarray
    triples: np.ndarray
    weights: np.ndarray


def find_weights(facts: Facts, vocabulary: Vocabulary) -> Annotations:
    """Find reified statements with a weight; a weight on any other node stays a number of that node.

    Raises:
        RdfError: A weight is no number in (0, 1].
    """
    nodes = np.zeros(len(facts.terms), dtype=bool)
    none = Annotations(nodes, np.empty((0, 3), np.int64), np.empty(0, np.float32))
    weight = [i for i, iri in enumerate(facts.predicates) if vocabulary.has("weight", iri)]
    if not weight or not set(_PARTS) <= set(facts.predicates):
        return none
    subject, predicate, object_ = (_pointed(facts, facts.predicates.index(part)) for part in _PARTS)
    nodes[facts.literals[facts.literals[:, 1] == facts.predicates.index(_PARTS[2]), 0]] = True
    nodes = (nodes | (object_ >= 0)) & (subject >= 0) & (predicate >= 0)
    rows = np.flatnonzero(np.isin(facts.literals[:, 1], weight) & nodes[facts.literals[:, 0]])
    node = facts.literals[rows, 0]
    nodes &= np.isin(np.arange(len(nodes)), node)
    number = pc.index_in(facts.terms.take(pa.array(predicate[node])), value_set=pa.array(facts.predicates))
    triples = np.stack([subject[node], number.fill_null(-1).to_numpy(), object_[node]], axis=1)
    values = facts.values.take(pa.array(rows)).to_pylist()
    weights = np.array(
        [_weight(facts, subject[i], predicate[i], v) for i, v in zip(node, values, strict=True)]
    )
    links = triples[:, 2] >= 0  # what is said of a literal weighs no edge
    return Annotations(nodes, triples[links].astype(np.int64), weights[links].astype(np.float32))


def weighed(triples: np.ndarray, weights: np.ndarray, given: np.ndarray, values: np.ndarray) -> int:
    """Write given weights over those of the same triples, in place; of several the least counts.

    Shapes:
        triples (t, 3) int64; weights (t,) float32; given (w, 3) int64; values (w,) float32

    Returns:
        How many are given for triples that are not there.
    """
    if not len(given):
        return 0
    number = np.unique(np.concatenate([given, triples]), axis=0, return_inverse=True)[1].reshape(-1)
    asked, stated = number[: len(given)], number[len(given) :]
    least = np.ones(number.max() + 1, dtype=np.float32)
    np.minimum.at(least, asked, values)
    np.minimum(weights, least[stated], out=weights)
    return int((~np.isin(asked, stated)).sum())


def _pointed(facts: Facts, predicate: int) -> np.ndarray:
    """Give what each term points to by a predicate, -1 for nothing; of several the last."""
    pointed = np.full(len(facts.terms), -1, dtype=np.int64)
    rows = facts.links[facts.links[:, 1] == predicate]
    pointed[rows[:, 0]] = rows[:, 2]
    return pointed


def _weight(facts: Facts, subject: int, predicate: int, text: str) -> float:
    """Read a weight."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= 1:
        head, relation = (facts.terms[int(i)].as_py() for i in (subject, predicate))
        raise RdfError(f"expected a weight in (0, 1] on the statement {head} {relation} (got {text!r})")
    return value
