"""A user's own training, validation and test facts: read, put over one list of names, and checked.

Each file is RDF, or lines of head, relation and tail between tabs (.tsv, .txt).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.evaluation.given_senses import told_of
from pipelines.wording import counted

PARTS, ABOUT = ("train", "valid", "test"), "about"
TABBED = (".tsv", ".txt")
SHOWN = 3
"""Names that a sentence lists."""

Facts = list[tuple[str, str, str]]


@dataclass(frozen=True)
class GivenSplit:
    """Facts of three parts, and the graph of the first; ids follow the names.

    Shapes: ``valid (v, 3)``, ``test (q, 3)``; the training facts are those of `graph`.
    """

    graph: KnowledgeGraph
    valid: NDArray[np.int64]
    test: NDArray[np.int64]
    remarks: tuple[str, ...]


def read_split(files: Mapping[str, Sequence[Path]], *, allow_leakage: bool = False) -> GivenSplit:
    """Read and check a split.

    Args:
        files: of each of `PARTS`, and of `ABOUT` what tells of the entities, if anything does.
        allow_leakage: go on where a fact is in two parts, and say so.

    Raises:
        ValueError: a file is missing or malformed, a part is empty, a fact is in two parts, or validation or
            test ask for a relation that training does not have; one sentence names the first and counts them.
    """
    facts = {part: _read(part, files[part]) for part in PARTS}
    remarks = _shared(facts, allow_leakage)
    _check_relations(facts)
    entities, relations = (
        pa.array(sorted({fact[end] for rows in facts.values() for fact in rows for end in ends}), pa.string())
        for ends in ((0, 2), (1,))
    )
    train, valid, test = (_ids(sorted(facts[part]), entities, relations) for part in PARTS)
    literals, media, told = told_of(files.get(ABOUT) or (), entities)
    graph = KnowledgeGraph(
        entities,
        relations,
        train[np.lexsort(train.T[::-1])],
        np.ones(len(train), dtype=np.float32),
        np.zeros(len(train), dtype=np.int32),
        ("",),
        literals,
        media,
        {},
    )
    return GivenSplit(graph, valid, test, (*remarks, *told, *_unseen(graph, valid, test)))


def _read(part: str, paths: Sequence[Path]) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for path in paths:
        found |= set(_tabbed(path) if path.suffix in TABBED else _rdf(path))
    if not found:
        names = ", ".join(map(str, paths))
        raise ValueError(f"expected facts between entities in --{part} (got none in {names})")
    return found


def _rdf(path: Path) -> Facts:
    graph = read([path])[0]
    head, relation, tail = graph.triples.T
    columns = (graph.entities.take(head), graph.relations.take(relation), graph.entities.take(tail))
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _tabbed(path: Path) -> Facts:
    if not path.is_file():
        raise ValueError(f"{path}: expected a file (got a path that is not there)")
    out: Facts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        fact = [name.strip() for name in line.split("\t")]
        if len(fact) != 3 or not all(fact):
            raise ValueError(f"{path}:{number}: expected head, relation and tail between tabs (got {line!r})")
        out.append((fact[0], fact[1], fact[2]))
    return out


def _shared(facts: Mapping[str, set[tuple[str, str, str]]], allowed: bool) -> list[str]:
    """Sentences on facts that are in two parts.

    Raises:
        ValueError: there are some, and that is not allowed.
    """
    remarks = []
    for one, other in combinations(PARTS, 2):
        if both := facts[one] & facts[other]:
            of_all = f"{counted(len(both), 'fact')} of {len(facts[other]):,} in --{other}"
            first = " ".join(min(both))
            if not allowed:
                raise ValueError(
                    f"expected no fact in both --{one} and --{other} (got {of_all}: {first}): "
                    "leave them out of one, or pass --allow-leakage"
                )
            remarks.append(f"--{one} holds {of_all}, so that scores are too high: {first}")
    return remarks


def _check_relations(facts: Mapping[str, set[tuple[str, str, str]]]) -> None:
    known = {relation for _, relation, _ in facts["train"]}
    for part in PARTS[1:]:
        asked = [relation for _, relation, _ in facts[part] if relation not in known]
        if asked:
            names = sorted(set(asked))
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise ValueError(
                f"expected relations of --{part} that --train has facts of (got {len(names):,} without any, "
                f"in {counted(len(asked), 'fact')}: {shown}): leave them out, or move some to --train"
            )


def _unseen(graph: KnowledgeGraph, valid: NDArray[np.int64], test: NDArray[np.int64]) -> list[str]:
    """Sentences on entities that training never saw."""
    seen, remarks = graph.triples[:, [0, 2]], []
    for part, facts in (("valid", valid), ("test", test)):
        new = np.setdiff1d(facts[:, [0, 2]], seen)
        if len(new):
            rows = counted(int(np.isin(facts[:, [0, 2]], new).any(1).sum()), "fact")
            shown = ", ".join(graph.entities.take(new[:SHOWN]).to_pylist())
            what = counted(len(new), "entity", "entities")
            remarks.append(f"--{part} asks for {what} that --train has no fact of, in {rows}: {shown}")
    return remarks


def _ids(facts: Facts, entities: pa.Array, relations: pa.Array) -> NDArray[np.int64]:
    columns = zip(zip(*facts, strict=True), (entities, relations, entities), strict=True)
    return np.stack(
        [
            pc.index_in(pa.array(names, pa.string()), value_set=known).to_numpy().astype(np.int64)
            for names, known in columns
        ],
        axis=1,
    )
