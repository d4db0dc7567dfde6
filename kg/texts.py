"""Choose among the texts of entities by language: one name to show, or the texts to read.

A wanted language stands for its regions too: "en" takes en-GB, but en itself comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.vocabulary import Vocabulary


def labels(
    entities: pa.Array, literals: pa.Table, vocabulary: Vocabulary, languages: Sequence[str]
) -> list[str]:
    """Give each entity one name: of several in the best language the first in the table."""
    names = [last_segment(iri) for iri in entities.to_pylist()]
    rows = _with_role(literals, vocabulary, ("label",))
    entity = rows["entity"].to_numpy()
    order = np.lexsort((_language_ranks(rows["language"], languages), entity))
    firsts = order[np.unique(entity[order], return_index=True)[1]]
    values = rows["value"].take(pa.array(firsts)).to_pylist()
    for index, value in zip(entity[firsts].tolist(), values, strict=True):
        names[index] = value
    return names


def texts(literals: pa.Table, vocabulary: Vocabulary, languages: Sequence[str]) -> pa.Table:
    """Give names, other names and descriptions, each predicate in its best language.

    Shapes:
        table of entity int64, predicate string, value string
    """
    rows = _with_role(literals, vocabulary, ("label", "alt_label", "text"))
    predicates = rows["predicate"].combine_chunks().dictionary_encode()
    codes = predicates.indices.to_numpy().astype(np.int64)
    groups = rows["entity"].to_numpy() * max(1, len(predicates.dictionary)) + codes
    _, group = np.unique(groups, return_inverse=True)
    ranks = _language_ranks(rows["language"], languages)
    best = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(best, group, ranks)
    columns = rows.select(["entity", "predicate", "value"])
    return columns.filter(pa.array(ranks == best[group])).combine_chunks()


def last_segment(iri: str) -> str:
    """Give the part of an IRI that a person reads: what follows the last #, / or :."""
    trimmed = iri.rstrip("/#:")
    cut = max(trimmed.rfind(mark) for mark in "/#:")
    return trimmed[cut + 1 :] or iri


def _with_role(literals: pa.Table, vocabulary: Vocabulary, roles: Sequence[str]) -> pa.Table:
    """Select the literals whose predicate plays one of the roles."""
    predicates = literals["predicate"].unique().to_pylist()
    wanted = [iri for iri in predicates if any(vocabulary.has(role, iri) for role in roles)]
    mask = pc.is_in(literals["predicate"], value_set=pa.array(wanted, pa.string()))
    return literals.filter(mask)


def _language_ranks(tags: pa.ChunkedArray, languages: Sequence[str]) -> np.ndarray:
    """Rank language tags: wanted ones in order, then none, then the others alphabetically.

    Shapes:
        (len(tags),) int64, smaller is better
    """
    encoded = tags.combine_chunks().dictionary_encode(null_encoding="encode")
    wanted = [language.lower() for language in languages]
    keys = [_language_key(tag, wanted) for tag in encoded.dictionary.to_pylist()]
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    ranks = np.array([places[key] for key in keys], dtype=np.int64)
    ranked: np.ndarray = ranks[encoded.indices.to_numpy()]
    return ranked


def _language_key(tag: str | None, wanted: list[str]) -> tuple[int, str]:
    """Give what sorts a tag to its place among those that are there."""
    if tag is None:
        return 2 * len(wanted), ""
    tag = tag.lower()
    for index, language in enumerate(wanted):
        if tag == language:
            return 2 * index, tag
        if tag.startswith(language + "-"):
            return 2 * index + 1, tag
    return 2 * len(wanted) + 1, tag
