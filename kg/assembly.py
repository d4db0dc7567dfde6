"""From N-Quads text to a KnowledgeGraph: Arrow numbers the terms, numpy tells media from facts.

It takes canonical N-Quads, chunk by chunk, in which every node is an IRI, and knows no RDF library.
What is a media node can only be told when all is read, so that is decided at the end, on integers.
"""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from kg.observations import Facts, Media, find_media
from kg.vocabulary import MODALITIES, Vocabulary

_LINK = r"^<(?P<object>[^>]*)>(?: <(?P<graph>[^>]*)>)? \.\n$"
# The last quote ends the value: neither a language, a datatype nor a graph's name can hold one.
_LITERAL = (
    r'(?s)^"(?P<value>.*)"'
    r"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^<(?P<datatype>[^>]*)>)?"
    r'(?: <(?P<graph>[^ "<>]*)>)? \.\n$'
)
_REPEATING = ("subject", "predicate", "object", "graph")


class Assembler:
    """Collects chunks of N-Quads and makes a KnowledgeGraph of them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._links: list[pa.RecordBatch] = []
        self._literals: list[pa.RecordBatch] = []

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self._links

    def add(self, chunk: bytes) -> None:
        """Take in whole lines of canonical N-Quads."""
        subject, predicate, rest = _split(chunk)
        quoted = pc.starts_with(rest, '"')
        for batches, mask, pattern in (
            (self._links, pc.invert(quoted), _LINK),
            (self._literals, quoted, _LITERAL),
        ):
            columns = _extracted(rest.filter(mask), pattern)
            columns |= {"subject": subject.filter(mask), "predicate": predicate.filter(mask)}
            for name in columns.keys() & set(_REPEATING):
                columns[name] = columns[name].dictionary_encode()
            if "value" in columns:
                columns["value"] = _unescaped(columns["value"])
            batches.append(pa.RecordBatch.from_pydict(columns))

    def finish(self, prefixes: dict[str, str]) -> KnowledgeGraph:
        """Make the graph of all that was added, which must be something."""
        links, literals = _whole(self._links), _whole(self._literals)
        self._links, self._literals = [], []
        terms, (head, tail, entity) = _numbered(links["subject"], links["object"], literals["subject"])
        predicates, (relation, attribute) = _numbered(links["predicate"], literals["predicate"])
        graphs, (link_graph, literal_graph) = _numbered(links["graph"], literals["graph"])
        if any(iri.startswith("http://schema.org/") for iri in predicates.to_pylist()):
            prefixes = {"schema": "http://schema.org/"} | prefixes  # so that queries find them
        facts = Facts(
            terms=terms,
            predicates=predicates.to_pylist(),
            links=np.stack([head, relation, tail, link_graph], axis=1),
            literals=np.stack([entity, attribute, literal_graph], axis=1),
            values=literals["value"],
        )
        media = find_media(facts, self._vocabulary)
        return _graph(facts, media, literals, graphs.to_pylist(), prefixes)


def _split(chunk: bytes) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Cut each line `<s> <p> rest` in three without copying: only offsets are computed."""
    octets = np.frombuffer(chunk, dtype=np.uint8)
    ends = np.flatnonzero(octets == ord("\n"))
    spaces = np.flatnonzero(octets == ord(" "))
    starts = np.concatenate([[0], ends[:-1] + 1])
    first = np.searchsorted(spaces, starts)  # IRIs hold no spaces
    offsets = np.empty(6 * len(ends) + 1, dtype=np.int32)
    cuts = (
        *(starts, starts + 1),  # <subject
        *(spaces[first] - 1, spaces[first] + 2),  # > <predicate
        *(spaces[first + 1] - 1, spaces[first + 1] + 1),  # > rest
    )
    for place, cut in enumerate(cuts):
        offsets[place:-1:6] = cut
    offsets[-1] = len(chunk)
    pieces = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(chunk))
    lines = np.arange(0, len(pieces), 6)
    subject, predicate, rest = (pieces.take(pa.array(lines + place)) for place in (1, 3, 5))
    return subject, predicate, rest


def _extracted(rest: pa.Array, pattern: str) -> dict[str, pa.Array]:
    """Cut the ends of lines by the named groups of a pattern that fits all of them."""
    found = pc.extract_regex(rest, pattern)
    if found.null_count:
        odd = rest.filter(pc.is_null(found))[0].as_py()
        raise ValueError(f"expected canonical N-Quads without blank nodes (got {odd!r})")
    names = [found.type.field(at).name for at in range(found.type.num_fields)]
    return dict(zip(names, found.flatten(), strict=True))


def _unescaped(values: pa.Array) -> pa.Array:
    r"""Resolve \n, \", \\ and \uXXXX; canonical N-Quads escapes as JSON does, and never by \U."""
    escaped = pc.match_substring(values, "\\")
    texts = json.loads('["' + '","'.join(values.filter(escaped).to_pylist()) + '"]')
    if not pc.any(escaped).as_py():
        return values
    return pc.replace_with_mask(values, escaped, pa.array(texts, pa.string()))


def _whole(batches: list[pa.RecordBatch]) -> pa.Table:
    """Join batches into one table whose repeating columns share a dictionary each."""
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()


def _numbered(*columns: pa.ChunkedArray) -> tuple[pa.Array, list[np.ndarray]]:
    """Give the distinct values of some dictionary columns and each column as numbers into them."""
    parts = [column.combine_chunks() for column in columns]
    joint = pa.concat_arrays([part.dictionary for part in parts]).dictionary_encode()
    numbers = joint.indices.to_numpy().astype(np.int64)
    codes, start = [], 0
    for part in parts:
        stop = start + len(part.dictionary)
        codes.append(numbers[start:stop][part.indices.to_numpy()])
        start = stop
    return joint.dictionary, codes


def _sorted(names: pa.Array, used: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Sort those names that are used; give them and the new number of each old one (-1 unused)."""
    mask = np.zeros(len(names), dtype=bool)
    mask[used] = True
    kept = np.flatnonzero(mask)
    chosen = names.take(pa.array(kept))
    order = pc.sort_indices(chosen).to_numpy()
    places = np.full(len(names), -1, dtype=np.int64)
    places[kept[order]] = np.arange(len(kept))
    return chosen.take(pa.array(order)), places


def _graph(
    facts: Facts, media: Media, literals: pa.Table, graphs: list[str], prefixes: dict[str, str]
) -> KnowledgeGraph:
    """Number what is left after the media are taken out, sort it and drop repeats."""
    links = facts.links[media.kept_links]
    literals = literals.filter(pa.array(media.kept_literals))
    head, relation, tail, graph = links.T
    entity, attribute, literal_graph = facts.literals[media.kept_literals].T
    used = np.concatenate([head, tail, entity, media.entity])
    entities, entity_place = _sorted(facts.terms, used)
    relations, relation_place = _sorted(pa.array(facts.predicates, pa.string()), relation)
    used = np.concatenate([graph, literal_graph, media.graph])
    names, graph_place = _sorted(pa.array(graphs, pa.string()), used)
    predicates = pa.array(facts.predicates, pa.string())
    rows = _unique_rows(
        np.stack(
            [entity_place[head], relation_place[relation], entity_place[tail], graph_place[graph]],
            axis=1,
        )
    )
    literal_table = {
        "entity": entity_place[entity],
        "predicate": predicates.take(pa.array(attribute)),
        "value": literals["value"],
        "language": _or_null(literals["language"]),
        "datatype": _or_null(literals["datatype"]),
        "origin": graph_place[literal_graph].astype(np.int32),
    }
    media_table = {
        "entity": entity_place[media.entity],
        "modality": pa.array(MODALITIES).take(pa.array(media.modality)),
        "predicate": predicates.take(pa.array(media.predicate)),
        "reference": media.reference,
        "origin": graph_place[media.graph].astype(np.int32),
    }
    return KnowledgeGraph(
        entities=entities,
        relations=relations,
        triples=np.ascontiguousarray(rows[:, :3]),
        weights=np.ones(len(rows), dtype=np.float32),
        origin=rows[:, 3].astype(np.int32),
        graphs=tuple(names.to_pylist()),
        literals=_unique_table(pa.table(literal_table, schema=LITERAL_SCHEMA)),
        media=_unique_table(pa.table(media_table, schema=MEDIA_SCHEMA)),
        prefixes=prefixes,
    )


def _or_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give null for the empty text of a group that was not there."""
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _unique_rows(rows: np.ndarray) -> np.ndarray:
    """Sort rows of small numbers by column and drop repeats.

    Shapes:
        rows (t, c) int64, not negative
    """
    sizes = [int(size) + 1 for size in rows.max(axis=0, initial=0)]
    if np.prod(sizes, dtype=float) > 2**62:
        return np.unique(rows, axis=0)
    keys = rows[:, 0].copy()  # one number a row sorts many times faster than a row of numbers
    for column, size in zip(rows.T[1:], sizes[1:], strict=True):
        keys *= size
        keys += column
    keys.sort()
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
    result = np.empty((len(keys), len(sizes)), dtype=np.int64)
    for at in range(len(sizes) - 1, 0, -1):
        keys, result[:, at] = np.divmod(keys, sizes[at])
    result[:, 0] = keys
    return result


def _unique_table(table: pa.Table) -> pa.Table:
    """Sort a table by all its columns from left to right and drop repeated rows."""
    table = table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()
    if len(table) < 2:
        return table
    fresh = np.zeros(len(table) - 1, dtype=bool)
    for column in table.columns:
        filled = column.fill_null("") if column.null_count else column
        fresh |= pc.not_equal(filled[1:], filled[:-1]).to_numpy()
    return table.filter(pa.array(np.concatenate([[True], fresh])))
