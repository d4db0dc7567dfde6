"""Two runs of `pipelines.evaluate` on the same queries: what one has over the other, and whether by luck."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kg.ranking import scores_of
from kg.resampling import Difference, paired_difference
from pipelines.training.ranked import Ranked

if TYPE_CHECKING:
    from rich.table import Table

MEASURES = ("MRR", "R@1", "R@10")


def compare(one: Path, other: Path) -> dict[str, Any]:
    """Compare two files that `pipelines.evaluate --json` has written, row by row.

    Returns:
        ``rows``: row -> measure -> ``first``, ``second`` (their means), ``difference`` (second less first),
        ``interval`` (95 %, bootstrap over the queries), ``p`` (permutation test); ``queries``; ``only``:
        rows that one of them lacks.

    Raises:
        ValueError: a file is none of evaluate's, they share no row, or a row's queries differ.
    """
    first, second = (_ranks(path) for path in (one, other))
    shared = [name for name in first if name in second]
    if not shared:
        raise ValueError(f"expected two runs with a row in common (got none in {one} and {other})")
    for name in shared:
        asked = [[split.asked for split in run[name]] for run in (first, second)]
        if asked[0] != asked[1]:
            raise ValueError(
                f"expected two runs of the same queries (got others for {name!r} in {one} and {other}): "
                "evaluate both on the same facts, with the same split and number of seeds"
            )
    return {
        "first": str(one),
        "second": str(other),
        "rows": {name: _row(first[name], second[name]) for name in shared},
        "queries": {name: sum(split.ranks.size for split in second[name]) for name in shared},
        "only": sorted(first.keys() ^ second.keys()),
    }


def comparison_table(result: Mapping[str, Any]) -> Table:
    """The differences of the MRR as a table."""
    from rich.markup import escape
    from rich.table import Table

    title = f"MRR of {result['second']} less that of {result['first']}, query by query"
    out = Table(title=escape(title), title_justify="left", pad_edge=False)
    out.add_column("")
    for name in ("first", "second", "difference", "95 %", "p", "queries"):
        out.add_column(name, justify="right")
    for name, row in result["rows"].items():
        found = row["MRR"]
        low, high = found["interval"]
        figures = [f"{found['first']:.3f}", f"{found['second']:.3f}", f"{found['difference']:+.3f}"]
        out.add_row(
            escape(name),
            *figures,
            f"{low:+.3f} to {high:+.3f}",
            f"{found['p']:.3f}",
            f"{result['queries'][name]:,}",
        )
    return out


def _ranks(path: Path) -> dict[str, list[Ranked]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["ranks"]
        return {name: [Ranked.from_json(split) for split in splits] for name, splits in found.items()}
    except OSError as error:
        raise ValueError(f"expected a file to compare (got {error.strerror}: {path})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"expected what `pipelines.evaluate --json` writes (got {path}, which has no ranks by query)"
        ) from None


def _row(first: Sequence[Ranked], second: Sequence[Ranked]) -> dict[str, dict[str, Any]]:
    return {measure: _compared(*(_scores(run, measure) for run in (first, second))) for measure in MEASURES}


def _compared(first: Sequence[NDArray[np.float64]], second: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    found: Difference = paired_difference(second, first)
    means = [float(np.mean([part.mean() for part in run if len(part)])) for run in (first, second)]
    return {
        "first": means[0],
        "second": means[1],
        "difference": found.mean,
        "interval": [found.low, found.high],
        "p": found.p,
    }


def _scores(run: Sequence[Ranked], measure: str) -> list[NDArray[np.float64]]:
    return [scores_of(split.ranks)[measure].mean(1) for split in run]
