"""How held-out facts were ranked: a table to keep, and rows of tails, heads, newcomers and relations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.training.link_run import LinkTest
from pipelines.training.ranked import Ranked

FILE = "link_ranks.parquet"

SCORERS = {
    "links": ("tail_rank", "head_rank"),
    "completion": ("ruled_tail_rank", "ruled_head_rank"),
}
BOTH, TAILS, HEADS = " (filtered, both directions)", ", tails", ", heads"
NEW, MET = ", entities that training never saw", ", entities that training saw"


def as_table(test: LinkTest, entities: pa.Array, relations: pa.Array) -> pa.Table:
    """The facts by name, sorted, and the rank of each end by each scorer; NaN where it was not asked."""
    head, relation, tail = test.facts.T
    order = np.lexsort((tail, relation, head))
    names = {
        name: ids.take(pa.array(rows[order]))
        for name, ids, rows in (
            ("head", entities, head),
            ("relation", relations, relation),
            ("tail", entities, tail),
        )
    }
    columns = zip(SCORERS.values(), (test.ranks, test.ruled), strict=True)
    ranks = {name: found[order, end] for pair, found in columns for end, name in enumerate(pair)}
    return pa.table(names | ranks | {"met": test.met[order]})


def link_rows(tables: Sequence[pa.Table], *, parts: bool = True) -> dict[str, Ranked]:
    """Ranks by the name of their row: by each scorer both directions and, as `parts`, what they consist of.

    Args:
        tables: of the same facts, one for each training.
        parts: tails, heads, and facts of entities that training never saw or saw, where it never saw some.
    """
    met = tables[0]["met"].to_numpy()
    out = {}
    for scorer in SCORERS:
        ranks, told = _ranks(tables, scorer)
        tails, heads = np.split(ranks, 2, axis=1)
        shown = {BOTH: (ranks, told)}
        if parts:
            shown |= {TAILS: (tails, told), HEADS: (heads, told)}
            if not met.all():
                shown |= {NEW: (ranks, told & ~met), MET: (ranks, told & met)}
        for name, (chosen, rows) in shown.items():
            if rows.any():
                out[scorer + name] = Ranked.of(_names(tables[0], rows), chosen[rows])
    return out


def relation_rows(tables: Sequence[pa.Table], scorer: str) -> dict[str, Ranked]:
    """Ranks of both ends by relation."""
    ranks, told = _ranks(tables, scorer)
    coded = tables[0]["relation"].combine_chunks().dictionary_encode()
    relation, out = coded.indices.to_numpy(), {}
    for number, iri in enumerate(coded.dictionary.to_pylist()):
        rows = told & (relation == number)
        if rows.any():
            out[iri] = Ranked.of(_names(tables[0], rows), ranks[rows])
    return out


def _ranks(tables: Sequence[pa.Table], scorer: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Ranks ``(q, 2 * len(tables))``, all tails before all heads, and which facts have them all."""
    columns = [table[name].to_numpy() for name in SCORERS[scorer] for table in tables]
    ranks = np.stack(columns, axis=1)
    return ranks, ~np.isnan(ranks).any(1)


def _names(table: pa.Table, rows: NDArray[np.bool_]) -> Iterable[str]:
    chosen = table.select(["head", "relation", "tail"]).filter(pa.array(rows))
    columns = [column.to_pylist() for column in chosen.columns]
    return (" ".join(fact) for fact in zip(*columns, strict=True))
