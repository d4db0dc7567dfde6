"""From columns of statements to a KnowledgeGraph: Arrow numbers the texts, numpy tells media from facts.

It takes chunks in which every node is an IRI, and knows neither text formats nor RDF libraries. What is
a media node can only be told when all is read, so that is decided at the end, on integers.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.distinct import in_order, or_null, unescaped, unique_rows, unique_table
from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from kg.inferred import confidences
from kg.nquads import Statements, endings_of
from kg.observations import Facts, Media, find_media
from kg.quantities import folded
from kg.vocabulary import MODALITIES, Vocabulary
from kg.weights import Annotations, find_weights, weighed

_FRESH = 1 << 22  # octets of texts that may wait until their repeats are found


class Assembler:
    """Collects chunks of statements and makes a KnowledgeGraph of them.

    Until the end a statement is a few small numbers, and the value if it is a literal.

    Attributes:
        reifiers: Nodes that must turn out to carry a weight; what to call for each that does not.
        notes: Sentences on what was left, after `finish`.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._terms, self._predicates, self._endings = _Texts(), _Texts(), _Texts()
        self._links: list[np.ndarray] = []
        self._literals: list[np.ndarray] = []
        self._values: list[pa.Array] = []
        self.reifiers: dict[str, Callable[[], None]] = {}
        self.notes: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self._links

    def add(self, chunk: Statements) -> None:
        """Take in statements."""
        term = self._terms.add(chunk.terms)
        subject = chunk.subject + term
        predicate = chunk.predicate + self._predicates.add(chunk.predicates)
        ending = chunk.ending + self._endings.add(chunk.endings)
        link = ~chunk.quoted
        self._links.append(np.stack([subject[link], predicate[link], chunk.object + term, ending[link]]))
        self._literals.append(np.stack([column[chunk.quoted] for column in (subject, predicate, ending)]))
        self._values.append(unescaped(chunk.value))

    def finish(self, prefixes: dict[str, str]) -> KnowledgeGraph:
        """Make the graph of all that was added, which must be something."""
        links, literals = (np.concatenate(rows, axis=1) for rows in (self._links, self._literals))
        self._links, self._literals = [], []
        terms, term = self._terms.whole()
        predicates, predicate = self._predicates.whole()
        endings, ending = self._endings.whole()
        parts = endings_of(endings)
        graphs = parts.field("graph").dictionary_encode()
        graph = graphs.indices.to_numpy()[ending]
        tags = [
            or_null(parts.field(name)).take(pa.array(ending[literals[2]]))
            for name in ("language", "datatype")
        ]
        for rows, numbers in ((links, (term, predicate, term, graph)), (literals, (term, predicate, graph))):
            for place, number in enumerate(numbers):
                rows[place] = number[rows[place]]
        if any(iri.startswith("http://schema.org/") for iri in predicates.to_pylist()):
            prefixes = {"schema": "http://schema.org/"} | prefixes  # so that queries find them
        facts = Facts(
            terms=terms,
            predicates=predicates.to_pylist(),
            links=links.T,
            literals=literals.T,
            values=pa.chunked_array(self._values, pa.string()),
        )
        facts, tags = folded(facts, tags)
        self._values = []
        with ThreadPoolExecutor(max_workers=1) as pool:  # Arrow sorts the terms while numpy finds the media
            order = pool.submit(pc.sort_indices, terms)
            media = find_media(facts, self._vocabulary)
            given = self._weights(facts)
        if given.nodes.any():
            head, _, tail, _ = facts.links.T
            media = replace(
                media,
                kept_links=media.kept_links & ~given.nodes[head] & ~given.nodes[tail],
                kept_literals=media.kept_literals & ~given.nodes[facts.literals[:, 0]],
            )
        graph, absent = _graph(facts, media, given, order.result(), tags, graphs.dictionary, prefixes)
        if absent:
            self.notes.append(f"weights of statements that are not in the data: {absent:,}")
        return graph

    def _weights(self, facts: Facts) -> Annotations:
        """Find the weights; what is called for a reifier without one may raise."""
        given = find_weights(facts, self._vocabulary)
        if self.reifiers:
            place = pc.index_in(pa.array(list(self.reifiers), pa.string()), value_set=facts.terms).to_pylist()
            for node, refuse in zip(place, self.reifiers.values(), strict=True):
                if not given.nodes[node]:
                    refuse()
                    given.nodes[node] = True
        return given


class _Texts:
    """Texts of all chunks, numbered in the order in which they came; repeats are found now and then."""

    def __init__(self) -> None:
        self._distinct = pa.array([], pa.string())
        self._fresh: list[pa.Array] = []
        self._octets = 0
        self._numbers: list[np.ndarray] = []
        self._size = 0

    def add(self, texts: pa.Array) -> np.int32:
        """Take in some more, and give the number of the first of them."""
        first = np.int32(self._size)
        self._size += len(texts)
        self._fresh.append(texts)
        self._octets += texts.nbytes
        if self._octets > max(_FRESH, self._distinct.nbytes):
            self._merge()
        return first

    def whole(self) -> tuple[pa.Array, np.ndarray]:
        """Give the distinct texts, and for each number so far the number among them."""
        self._merge()
        return self._distinct, np.concatenate(self._numbers)

    def _merge(self) -> None:
        encoded = pa.chunked_array([self._distinct, *self._fresh]).dictionary_encode()
        known = len(self._distinct)
        numbers = np.concatenate([part.indices.to_numpy() for part in encoded.chunks])
        self._numbers.append(numbers[known:])
        self._distinct, self._fresh, self._octets = encoded.chunk(0).dictionary, [], 0
        del encoded
        pa.default_memory_pool().release_unused()  # Arrow would keep what each merge needed, more each time


def _graph(
    facts: Facts,
    found: Media,
    given: Annotations,
    order: pa.Array,
    tags: list[pa.Array],
    graphs: pa.Array,
    prefixes: dict[str, str],
) -> tuple[KnowledgeGraph, int]:
    """Number what is left after the media are taken out, sort it and drop repeats.

    `order` sorts the terms; `tags` are language and datatype of each literal, as dictionary columns. Gives
    also how many weights found no triple.
    """
    head, relation, tail, graph = (column[found.kept_links] for column in facts.links.T)
    kept = np.flatnonzero(found.kept_literals)
    entity, attribute, literal_graph = (column[kept] for column in facts.literals.T)
    entities, entity_place = in_order(facts.terms, order, head, tail, entity, found.entity)
    predicates = pa.array(facts.predicates, pa.string())
    relations, relation_place = in_order(predicates, pc.sort_indices(predicates), relation)
    names, graph_place = in_order(graphs, pc.sort_indices(graphs), graph, literal_graph, found.graph)
    head, relation, tail, graph = (
        entity_place[head], relation_place[relation], entity_place[tail], graph_place[graph]
    )  # fmt: skip
    language, datatype = (column.take(pa.array(kept)) for column in tags)
    literal_table = {
        "entity": entity_place[entity].astype(np.int64),
        "predicate": pa.DictionaryArray.from_arrays(attribute, predicates),
        "value": facts.values.take(pa.array(kept)),
        "language": language,
        "datatype": datatype,
        "origin": graph_place[literal_graph],
    }
    media_table = {
        "entity": entity_place[found.entity].astype(np.int64),
        "modality": pa.DictionaryArray.from_arrays(found.modality, pa.array(MODALITIES)),
        "predicate": pa.DictionaryArray.from_arrays(found.predicate, predicates),
        "reference": found.reference,
        "origin": graph_place[found.graph],
    }
    with ThreadPoolExecutor(max_workers=1) as pool:  # Arrow sorts the texts while numpy sorts the numbers
        tables = pool.submit(lambda: [unique_table(pa.table(rows)) for rows in (literal_table, media_table)])
        triples, origin = unique_rows((head, relation, tail, graph))
        literals, media = tables.result()
    weights = confidences(names.to_pylist())[origin]
    places = (entity_place, relation_place, entity_place)
    asked = [
        np.where(number < 0, -1, place[number]) for place, number in zip(places, given.triples.T, strict=True)
    ]
    absent = weighed(triples, weights, np.stack(asked, axis=1), given.weights)
    graph = KnowledgeGraph(
        entities=entities,
        relations=relations,
        triples=triples,
        weights=weights,
        origin=origin,
        graphs=tuple(names.to_pylist()),
        literals=literals.cast(LITERAL_SCHEMA),
        media=media.cast(MEDIA_SCHEMA),
        prefixes=prefixes,
    )
    return graph, absent
