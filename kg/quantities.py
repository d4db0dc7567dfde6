"""Numbers that stand in a node of their own with their unit, told of the thing that the node is about.

    ex:pump ex:pressure [ qudt:numericValue 3 ; qudt:unit unit:BAR ]        ex:pump ex:pressure "3"^^unit:BAR

The same with qudt:value, or with schema:value and schema:unitCode or schema:unitText. Such a node is no
entity; one that says anything else besides stays one. It works on integers, and knows no RDF library.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from kg.observations import Facts
from kg.vocabulary import RDF_TYPE, canonical

_QUDT, _SCHEMA = "http://qudt.org/schema/qudt/", "https://schema.org/"
_VALUES = frozenset({_QUDT + "numericValue", _QUDT + "value", _SCHEMA + "value"})
# of several the last counts: a text says less than a code, a code less than an IRI
_UNITS = (_SCHEMA + "unitText", _SCHEMA + "unitCode", _QUDT + "hasUnit", _QUDT + "unit")
_QUDT_UNITS = ("http://qudt.org/vocab/unit/", "https://qudt.org/vocab/unit/")
UNIT = "urn:unit:"
"""Starts the name of a unit that is written as a code, a text or an IRI of another vocabulary than QUDT."""


def folded(facts: Facts, tags: list[pa.Array]) -> tuple[Facts, list[pa.Array]]:
    """Statements with such nodes taken out, and their numbers in.

    A number's unit is its datatype; one without keeps the datatype that it was written with.

    Args:
        facts: what was read.
        tags: language and datatype of each literal.
    """
    names = [canonical(iri) for iri in facts.predicates]
    value = np.array([iri in _VALUES for iri in names], dtype=bool)
    if not value[facts.literals[:, 1]].any():
        return facts, tags
    node, kind = _nodes(facts, names, value), names.index(RDF_TYPE) if RDF_TYPE in names else -1
    head, relation, tail, graph = facts.links.T
    outer = np.flatnonzero(node[tail] & ~node[head] & (relation != kind))
    place = np.full(len(facts.terms), -1)
    spoken = np.flatnonzero(value[facts.literals[:, 1]])
    place[facts.literals[spoken, 0]] = spoken
    source = place[tail[outer]]
    units = _units(facts, names, node)
    datatype = [units.get(number) for number in tail[outer].tolist()]
    own = tags[1].take(pa.array(source)).to_pylist()
    kept_links, kept = ~node[head] & ~node[tail], np.flatnonzero(~node[facts.literals[:, 0]])
    rows = np.stack([head[outer], relation[outer], graph[outer]], axis=1)
    both = replace(
        facts,
        links=facts.links[kept_links],
        literals=np.concatenate([facts.literals[kept], rows]),
        values=facts.values.take(pa.array(np.concatenate([kept, source]))),
    )
    fresh: tuple[list[str | None], list[str | None]] = (
        [None] * len(outer),
        [unit or old for unit, old in zip(datatype, own, strict=True)],
    )
    return both, [_longer(tag.take(pa.array(kept)), more) for tag, more in zip(tags, fresh, strict=True)]


def _nodes(facts: Facts, names: list[str], value: np.ndarray) -> np.ndarray:
    """Nodes that something points to, that have one value, and that say nothing but it and its unit."""
    size = len(facts.terms)
    told = value | np.array([iri in _UNITS or iri == RDF_TYPE for iri in names], dtype=bool)
    head, relation, tail, _ = facts.links.T
    entity, predicate, _ = facts.literals.T
    pointed = np.array([iri != RDF_TYPE for iri in names], dtype=bool)[relation] & (head != tail)
    out = np.bincount(entity[value[predicate]], minlength=size) == 1
    out &= np.bincount(tail[pointed], minlength=size) > 0
    out[head[~told[relation]]] = False
    out[entity[~told[predicate]]] = False
    return np.asarray(out)


def _units(facts: Facts, names: list[str], node: np.ndarray) -> dict[int, str]:
    """The unit of each node that tells one."""
    out: dict[int, str] = {}
    for iri in _UNITS:
        numbers = [number for number, name in enumerate(names) if name == iri]
        spoken = np.flatnonzero(np.isin(facts.literals[:, 1], numbers) & node[facts.literals[:, 0]])
        texts = facts.values.take(pa.array(spoken)).to_pylist()
        pairs = zip(facts.literals[spoken, 0].tolist(), texts, strict=True)
        out |= {entity: UNIT + quote(text.strip()) for entity, text in sorted(pairs, reverse=True)}
        links = facts.links[np.isin(facts.links[:, 1], numbers) & node[facts.links[:, 0]]]
        iris = facts.terms.take(pa.array(links[:, 2])).to_pylist()
        named = [name if name.startswith(_QUDT_UNITS) else UNIT + quote(name) for name in iris]
        out |= dict(sorted(zip(links[:, 0].tolist(), named, strict=True), reverse=True))
    return out


def _longer(tag: pa.DictionaryArray, more: list[str | None]) -> pa.DictionaryArray:
    """A column of texts with more behind it; null is in its dictionary, as in the rest of it."""
    texts = pa.concat_arrays([tag.cast(pa.string()), pa.array(more, pa.string())])
    return texts.dictionary_encode(null_encoding="encode")
