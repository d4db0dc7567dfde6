"""What a person is shown of an evaluation: rows with their intervals, the relations, what was given away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.training.deviation import splits

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    Row = Mapping[str, float]

MEASURES = ("MRR", "R@1", "R@5", "R@10")


def score_table(result: Mapping[str, Any]) -> RenderableType:
    """All tables and sentences, mean ± standard deviation over the seeds."""
    from rich.console import Group
    from rich.markup import escape

    from pipelines.training.link_report import leakage_sentences

    sentences = [*result.get("remarks", ()), *leakage_sentences(result["leakage"])]
    if result["relations"]:
        return Group(rows_table(result), relation_table(result), *map(escape, sentences))
    return Group(rows_table(result), *map(escape, sentences))


def rows_table(result: Mapping[str, Any]) -> Table:
    """The rows with their 95 % interval of the MRR, by bootstrap over the queries."""
    from rich.markup import escape
    from rich.table import Table

    if result["rows"]:
        title = f"Held-out concepts, {splits(result['seeds'])}"
    else:
        title = f"Held-out facts, {splits(result['seeds']).replace('split', 'training')}"
    out = Table(title=title, title_justify="left", pad_edge=False)
    out.add_column("")
    for name in ("MRR", "95 %", "R@1", "R@5", "R@10", "queries"):
        out.add_column(name, justify="right")
    for name, row in {**result["rows"], **result["links"]}.items():
        spread = result["spread"].get(name, dict.fromkeys(MEASURES))
        first, *rest = (_figure(row[measure], spread[measure]) for measure in MEASURES)
        sure = _interval(result["intervals"].get(name, {}).get("MRR"))
        out.add_row(escape(name), first, sure, *rest, f"{row['queries']:.0f}")
    return out


def relation_table(result: Mapping[str, Any]) -> Table:
    """The relations of the worst and of the best MRR; all are in the JSON."""
    from rich.markup import escape
    from rich.table import Table

    from pipelines.training.link_report import shown_relations

    out = Table(title="Relations, worst and best", title_justify="left", pad_edge=False)
    out.add_column("")
    for name in ("MRR", "95 %", "R@1", "R@10", "queries"):
        out.add_column(name, justify="right")
    for iri, row in shown_relations(result):
        figures = f"{row['MRR']:.3f}", _interval(row["interval"]), f"{row['R@1']:.3f}", f"{row['R@10']:.3f}"
        out.add_row(escape(iri), *figures, f"{row['queries']:.0f}")
    return out


def _figure(mean: float, spread: float | None) -> str:
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def _interval(found: tuple[float, float] | None) -> str:
    return "" if found is None else f"{found[0]:.3f} to {found[1]:.3f}"
