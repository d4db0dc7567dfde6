"""Which statements tie a picture, sound or series to an entity, and which nodes are only media.

    ex:robin schema:image "robin.png"              ex:robin sees robin.png
    ex:robin schema:image [ schema:contentUrl "robin.png" ]      the same; the node is no entity
    ex:photo schema:contentUrl "photo.png"         nothing points here: ex:photo sees photo.png

It works on integers, after the stream, and knows no RDF library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.rewriting import BLANK
from kg.vocabulary import MODALITIES, RDF_TYPE, Vocabulary, modality_of_suffix


@dataclass(frozen=True)
class Facts:
    """What was read, as numbers into `terms` and `predicates`.

    Shapes:
        links (t, 4) int64: head, predicate, tail, graph
        literals (l, 3) int64: entity, predicate, graph; values (l,) string
    """

    terms: pa.Array
    predicates: list[str]
    links: np.ndarray
    literals: np.ndarray
    values: pa.ChunkedArray


@dataclass(frozen=True)
class Media:
    """The observations found, and which statements remain ordinary ones.

    Shapes:
        entity, modality, predicate, graph (m,) int64; reference (m,) string
        kept_links (t,) bool; kept_literals (l,) bool
    """

    entity: np.ndarray
    modality: np.ndarray
    predicate: np.ndarray
    reference: pa.Array
    graph: np.ndarray
    kept_links: np.ndarray
    kept_literals: np.ndarray


def find_media(facts: Facts, vocabulary: Vocabulary) -> Media:
    """Decide what is an observation of what.

    A node that only media predicates point to, and that has a file or a media class, is the
    observation itself: its own statements are left out. A blank media node without a file stays
    an ordinary node, as there is nothing to look at.
    """
    size = len(facts.terms)
    sense = _by_predicate(facts, lambda iri: _number(vocabulary.modality_of_predicate(iri)))
    kind = _modality_of_nodes(facts, vocabulary)
    blank = pc.starts_with(facts.terms, BLANK).to_numpy(zero_copy_only=False)
    head, relation, tail, _ = facts.links.T
    seen = sense[relation] >= 0
    pointed = _mask(size, tail[seen & (head != tail)])
    files = _files(facts, vocabulary, pointed, kind, blank)
    has_file = _mask(size, files.entity)
    linked = _mask(size, tail[~seen & ~files.links])
    dropped = pointed & ~linked & (has_file | ((kind >= 0) & ~blank))

    shown = seen & ~dropped[head] & (has_file | ~blank)[tail]
    spoken = (sense[facts.literals[:, 1]] >= 0) & ~dropped[facts.literals[:, 0]]
    own = ~dropped[files.entity] & (files.modality >= 0)
    parts = (
        _through_files(facts, files, sense, np.flatnonzero(shown & has_file[tail])),
        _pointed_iris(facts, sense, np.flatnonzero(shown & ~has_file[tail])),
        _literal_references(facts, sense, np.flatnonzero(spoken)),
        files.rows(np.flatnonzero(own)),
    )
    kept_links = ~shown & ~dropped[head]
    kept_literals = ~spoken & ~dropped[facts.literals[:, 0]]
    kept_links[files.source[own & files.from_link]] = False
    kept_literals[files.source[own & ~files.from_link]] = False
    columns = [np.concatenate([part[place] for part in parts]) for place in range(4)]
    return Media(
        entity=columns[0],
        modality=columns[1],
        predicate=columns[2],
        graph=columns[3],
        reference=pa.concat_arrays([part[4] for part in parts]),
        kept_links=kept_links,
        kept_literals=kept_literals,
    )


_Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, pa.Array]
"""Observations as columns: entity, modality, predicate, graph, reference."""


@dataclass(frozen=True)
class _Files:
    """Statements that give a node its file, sorted by node.

    Shapes:
        entity, modality, predicate, graph, source (f,) int64; from_link (f,) bool
        reference (f,) string; links (t,) bool marks those of them that are links
    """

    entity: np.ndarray
    modality: np.ndarray
    predicate: np.ndarray
    graph: np.ndarray
    reference: pa.Array
    source: np.ndarray
    from_link: np.ndarray
    links: np.ndarray

    def rows(self, places: np.ndarray) -> _Rows:
        """Give some of them as observations of the node itself."""
        columns = (self.entity, self.modality, self.predicate, self.graph)
        entity, modality, predicate, graph = (column[places] for column in columns)
        return entity, modality, predicate, graph, self.reference.take(pa.array(places))


def _files(
    facts: Facts, vocabulary: Vocabulary, pointed: np.ndarray, kind: np.ndarray, blank: np.ndarray
) -> _Files:
    """Find the statements that name a node's file: schema:contentUrl, or schema:url on media."""
    content = _by_predicate(facts, lambda iri: vocabulary.has("content", iri)).astype(bool)
    page = _by_predicate(facts, lambda iri: vocabulary.has("page", iri)).astype(bool)
    either = content | page
    named_links = np.flatnonzero(either[facts.links[:, 1]] & ~blank[facts.links[:, 2]])
    named_literals = np.flatnonzero(either[facts.literals[:, 1]])
    links, literals = facts.links[named_links], facts.literals[named_literals]
    reference = pa.concat_arrays(
        [
            facts.terms.take(pa.array(links[:, 2])),
            pa.array(facts.values.take(pa.array(named_literals)).to_pylist(), pa.string()),
        ]
    )
    entity, predicate = (np.concatenate([links[:, at], literals[:, at]]) for at in (0, 1))
    graph = np.concatenate([links[:, 3], literals[:, 2]])
    suffix = np.array([_number(modality_of_suffix(text)) for text in reference.to_pylist()], int)
    # A page is a file only on a node without contentUrl that is surely media: many things that
    # are no media have a home page.
    has_content = _mask(len(kind), entity[content[predicate]])
    typed = (kind[entity] >= 0) & (suffix == kind[entity])
    is_file = content[predicate] | (~has_content[entity] & (pointed[entity] | typed))
    modality = np.where(kind[entity] >= 0, kind[entity], suffix)
    source = np.concatenate([named_links, named_literals])
    from_link = np.arange(len(entity)) < len(links)
    order = np.flatnonzero(is_file)
    order = order[np.argsort(entity[order], kind="stable")]
    return _Files(
        entity=entity[order],
        modality=modality[order],
        predicate=predicate[order],
        graph=graph[order],
        reference=reference.take(pa.array(order)),
        source=source[order],
        from_link=from_link[order],
        links=_mask(len(facts.links), source[order][from_link[order]]),
    )


def _through_files(facts: Facts, files: _Files, sense: np.ndarray, links: np.ndarray) -> _Rows:
    """Follow links to media nodes on to each of their files."""
    head, relation, tail, graph = facts.links[links].T
    first = np.searchsorted(files.entity, tail, side="left")
    count = np.searchsorted(files.entity, tail, side="right") - first
    row = np.repeat(np.arange(len(links)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    reference = files.reference.take(pa.array(first[row] + within))
    return head[row], sense[relation[row]], relation[row], graph[row], reference


def _pointed_iris(facts: Facts, sense: np.ndarray, links: np.ndarray) -> _Rows:
    """Take the IRIs that media predicates point to as references."""
    head, relation, tail, graph = facts.links[links].T
    return head, sense[relation], relation, graph, facts.terms.take(pa.array(tail))


def _literal_references(facts: Facts, sense: np.ndarray, places: np.ndarray) -> _Rows:
    """Take the literals of media predicates as references."""
    entity, predicate, graph = facts.literals[places].T
    texts = facts.values.take(pa.array(places)).combine_chunks()
    return entity, sense[predicate], predicate, graph, texts


def _modality_of_nodes(facts: Facts, vocabulary: Vocabulary) -> np.ndarray:
    """Number the sense that each node's classes stand for; -1 for nodes that are no media."""
    kind = np.full(len(facts.terms), len(MODALITIES))
    if RDF_TYPE in facts.predicates:
        rows = facts.links[facts.links[:, 1] == facts.predicates.index(RDF_TYPE)]
        classes = np.unique(rows[:, 2])
        names = facts.terms.take(pa.array(classes)).to_pylist()
        of_class = np.full(len(facts.terms), -1)
        of_class[classes] = [_number(vocabulary.modality_of_type(name)) for name in names]
        modality = of_class[rows[:, 2]]
        np.minimum.at(kind, rows[modality >= 0, 0], modality[modality >= 0])
    return np.where(kind == len(MODALITIES), -1, kind)


def _number(modality: str | None) -> int:
    """Number a sense; -1 for none."""
    return -1 if modality is None else MODALITIES.index(modality)


def _by_predicate(facts: Facts, function: Callable[[str], int]) -> np.ndarray:
    """Tabulate a function of predicates; predicates are few, statements many."""
    return np.array([function(iri) for iri in facts.predicates], dtype=np.int64)


def _mask(size: int, places: np.ndarray) -> np.ndarray:
    """Mark some places out of `size`."""
    mask = np.zeros(size, dtype=bool)
    mask[places] = True
    return mask
