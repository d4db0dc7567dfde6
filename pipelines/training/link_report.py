"""What is said of held-out links: rows with how sure they are, each relation, and what training gave away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from kg.leakage import Leakage
from kg.ranking import scores_of
from kg.resampling import interval
from pipelines.training.deviation import deviation
from pipelines.training.link_rows import SCORERS, link_rows, relation_rows
from pipelines.training.ranked import Ranked, intervals
from pipelines.wording import counted

SHOWN = 3
"""Relations of the worst scores that a person is shown, and of the best."""


def link_report(tables: Sequence[pa.Table]) -> dict[str, Any]:
    """Rows of test facts that were ranked by one or several trainings (see `pipelines.training.link_rows`).

    Returns:
        ``links`` (row -> measure -> mean), ``intervals`` (row -> measure -> 95 % bootstrap interval, facts
        drawn anew, both ends of each together), ``spread`` (standard deviation of the trainings, None of
        one), ``relations`` (scorer -> relation -> the same with its interval of the MRR), ``ranks`` (row ->
        ranks by query, for `--compare`).
    """
    rows = link_rows(tables)
    runs = [link_rows([table]) for table in tables]
    relations = {scorer: relation_rows(tables, scorer) for scorer in SCORERS}
    return {
        "links": {name: one.row() for name, one in rows.items()},
        "intervals": {name: intervals([one]) for name, one in rows.items()},
        "spread": {name: _spread([run[name] for run in runs]) for name in rows},
        "relations": {
            scorer: {iri: one.row() | {"interval": _sure(one)} for iri, one in found.items()}
            for scorer, found in relations.items()
        },
        "ranks": {name: [one.as_json()] for name, one in rows.items()},
    }


def leakage_report(found: Leakage | None, relations: pa.Array) -> dict[str, Any]:
    """The same as plain JSON values, relations by name; nothing where no link was held out."""
    if found is None:
        return {}
    return {
        "facts": found.facts,
        "duplicates": found.duplicates,
        "same pair": found.same_pair,
        "reversed pair": found.reversed_pair,
        "by near relations": found.by_relations,
        "relations": [
            {
                "relation": relations[one.relation].as_py(),
                "by": relations[one.by].as_py(),
                "reversed": one.reverse,
                "share": one.share,
                "test facts told": one.test,
            }
            for one in found.told
        ],
    }


def leakage_sentences(found: Mapping[str, Any]) -> list[str]:
    """What a person is told of the leakage."""
    facts = found.get("facts", 0)
    if not facts:
        return []
    given = [
        f"{found[name]:,} ({found[name] / facts:.1%}) {words}"
        for name, words in (
            ("duplicates", "as they are"),
            ("same pair", "with their pair by another relation"),
            ("reversed pair", "with their pair reversed"),
            ("by near relations", "by a relation that nearly repeats theirs"),
        )
    ]
    lines = [f"of {counted(facts, 'test fact')} training holds {', '.join(given)}"]
    for one in [one for one in found["relations"] if one["test facts told"]][:SHOWN]:
        way = "the reverse of " if one["reversed"] else ""
        lines.append(
            f"{one['by']} holds {way}{one['share']:.0%} of {one['relation']}, "
            f"and tells {counted(one['test facts told'], 'test fact')}"
        )
    return lines


def shown_relations(report: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The worst relations, then the best, by the last scorer that ranked each fact, no relation twice."""
    complete = [s for s, found in report["relations"].items() if _asked(found) == _asked_most(report)]
    if not complete:
        return []
    ordered = sorted(report["relations"][complete[-1]].items(), key=lambda pair: (pair[1]["MRR"], pair[0]))
    if len(ordered) <= 2 * SHOWN:
        return ordered
    return ordered[:SHOWN] + ordered[-SHOWN:]


def _asked(found: Mapping[str, Mapping[str, Any]]) -> float:
    return float(sum(row["queries"] for row in found.values()))


def _asked_most(report: Mapping[str, Any]) -> float:
    return max(_asked(found) for found in report["relations"].values())


def _spread(runs: Sequence[Ranked]) -> dict[str, float | None]:
    rows = [run.row() for run in runs]
    return {measure: deviation([row[measure] for row in rows]) for measure in rows[0]}


def _sure(one: Ranked) -> tuple[float, float] | None:
    return interval([scores_of(one.ranks)["MRR"].mean(1)])
