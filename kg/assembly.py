"""From columns of statements to a KnowledgeGraph: Arrow numbers the texts, numpy tells media from facts.

It takes chunks in which every node is an IRI, and knows neither text formats nor RDF libraries. What is
a media node can only be told when all is read, so that is decided at the end, on integers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
        self._values.append(_unescaped(chunk.value))

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
            _or_null(parts.field(name)).take(pa.array(ending[literals[2]]))
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


def _unescaped(values: pa.Array) -> pa.Array:
    r"""Resolve \n, \", \\ and \uXXXX; canonical N-Quads escapes as JSON does, and never by \U."""
    escaped = pc.match_substring(values, "\\")
    texts = json.loads('["' + '","'.join(values.filter(escaped).to_pylist()) + '"]', strict=False)
    if not pc.any(escaped).as_py():
        return values
    return pc.replace_with_mask(values, escaped, pa.array(texts, pa.string()))


def _or_null(texts: pa.Array) -> pa.DictionaryArray:
    """Put null in place of the empty text, in the dictionary, where it sorts last."""
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return filled.dictionary_encode(null_encoding="encode")


def _sorted(names: pa.Array, order: pa.Array, *used: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Keep the names used, in their order; give also the new number of each old one (-1 unused)."""
    mask = np.zeros(len(names), dtype=bool)
    for numbers in used:
        mask[numbers] = True
    kept = order.to_numpy()[mask[order]]
    places = np.full(len(names), -1, dtype=np.int32)
    places[kept] = np.arange(len(kept))
    return names.take(pa.array(kept)), places


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
    entities, entity_place = _sorted(facts.terms, order, head, tail, entity, found.entity)
    predicates = pa.array(facts.predicates, pa.string())
    relations, relation_place = _sorted(predicates, pc.sort_indices(predicates), relation)
    names, graph_place = _sorted(graphs, pc.sort_indices(graphs), graph, literal_graph, found.graph)
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
        tables = pool.submit(lambda: [_unique_table(pa.table(rows)) for rows in (literal_table, media_table)])
        triples, origin = _unique_rows((head, relation, tail, graph))
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


def _unique_rows(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows of numbers, none negative, by their columns from left to right and drop repeats.

    Returns:
        All columns but the last, (n, columns - 1) int64, and the last, (n,) int32.
    """
    widths = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(widths) > 63:
        rows = np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0)
        return np.ascontiguousarray(rows[:, :-1]), rows[:, -1].astype(np.int32)
    keys = np.zeros(len(columns[0]), dtype=np.int64)  # one number a row sorts many times faster than a row
    for column, width in zip(columns, widths, strict=True):
        keys <<= width
        keys |= column
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]
    last = (keys & ((1 << widths[-1]) - 1)).astype(np.int32)
    rows = np.empty((len(keys), len(columns) - 1), dtype=np.int64)
    for place in reversed(range(len(columns) - 1)):
        keys >>= widths[place + 1]
        np.bitwise_and(keys, (1 << widths[place]) - 1, out=rows[:, place])
    return rows, last


def _unique_table(table: pa.Table) -> pa.Table:
    """Sort a table by its columns from left to right, nulls last, and drop repeated rows."""
    columns = {name: _ranked(table[name].combine_chunks()) for name in table.column_names}
    codes = pa.table({name: codes for name, (codes, _) in columns.items()})
    codes = codes.sort_by([(name, "ascending") for name in columns]).combine_chunks()
    if len(codes) > 1:
        pairs = ((column[1:], column[:-1]) for column in codes.columns)
        fresh = np.logical_or.reduce([pc.not_equal(*pair).to_numpy() for pair in pairs])
        codes = codes.filter(pa.array(np.concatenate([[True], fresh])))
    return pa.table(
        {
            name: codes[name] if names is None else names.take(codes[name])
            for name, (_, names) in columns.items()
        }
    )


def _ranked(column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Put ranks in place of a dictionary column's texts; give these in that order."""
    if not pa.types.is_dictionary(column.type):
        return column, None
    order = pc.sort_indices(column.dictionary)
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return pa.array(ranks[column.indices]), column.dictionary.take(order)
