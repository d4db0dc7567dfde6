"""Which entities SPARQL allows to answer, or prefers; without a constraint, all things may.

What a pattern gives becomes a set of ids before anything is scored, so nothing of it can be missed.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping

import numpy as np

from kg.graph import KnowledgeGraph
from kg.sparql import ConstraintError
from kg.vocabulary import Vocabulary
from pipelines.search.question import Ids, Preference, QueryError
from pipelines.store.store import Store


def matching(store: Store, pattern: str, *, inferred: bool = True) -> Ids:
    """Entities that a graph pattern, or a SELECT, gives as ``?x``.

    Raises:
        ConstraintError: the SPARQL is wrong.
    """
    iris = store.facts.select_entities(pattern, store.graph.prefixes, inferred=inferred)
    ids = store.graph.entity_ids(iris)
    return np.unique(ids[ids >= 0])


def preferences(prefer: Mapping[str, float], match: Callable[[str], Ids]) -> list[Preference]:
    """What each pattern prefers, given what finds its entities.

    Raises:
        QueryError: a weight is not finite.
        ConstraintError: a pattern is wrong; the sentence names it.
    """
    found = []
    for pattern, weight in prefer.items():
        shown = textwrap.shorten(pattern, 60, placeholder=" ...") or pattern[:60]
        if not math.isfinite(weight):
            raise QueryError(f"expected a finite weight for the preference {shown} (got {weight})")
        try:
            found.append(Preference(pattern, float(weight), match(pattern)))
        except ConstraintError as error:
            raise ConstraintError(f"preference {shown}: {error}") from None
    return found


def things(graph: KnowledgeGraph, vocabulary: Vocabulary) -> Ids:
    """All entities but terms of a vocabulary, which are knowledge; all, where there is nothing else."""
    entities, classes = graph.types()
    names = graph.entities.take(np.unique(classes)).to_pylist()
    pairs = zip(np.unique(classes), names, strict=True)
    terms = [kind for kind, iri in pairs if vocabulary.has("schema_types", iri)]
    schema = np.union1d(entities[np.isin(classes, terms)], classes)
    found = np.setdiff1d(np.arange(graph.num_entities), schema)
    return found if len(found) else np.arange(graph.num_entities)
