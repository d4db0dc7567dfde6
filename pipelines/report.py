"""What a person sees of a run: progress bars, the table at the end, hits with their reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.prediction.completion import Found
    from pipelines.prediction.predictor import Prediction
    from pipelines.search.explain import Hit
    from pipelines.search.reasons import Reasons

STAGES = {
    "rdf": "reading RDF",
    "text": "encoding texts",
    "image": "encoding pictures",
    "audio": "encoding sounds",
    "series": "encoding series",
    "links": "learning links",
    "rules": "mining rules",
    "labels": "learning labels",
    "alignment": "learning attention",
    "without graph": "the same without the graph",
    "embedding": "embedding entities",
}


class Bars:
    """One progress bar for each stage that reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of a stage are done; a total of 0 is an unknown one."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(STAGES.get(stage, stage), total=total or None)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)


@contextmanager
def bars(console: Console) -> Iterator[Bars]:
    """Progress bars while the block runs."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)


def build_table(manifest: dict[str, Any], metrics: dict[str, Any], folder: str) -> Table:
    """Counts, losses, held-out scores and times of a build."""
    table = Table(title="Built", show_header=False, title_justify="left", pad_edge=False)
    table.add_column("what", style="bold", no_wrap=True)
    table.add_column("figure")
    counts = manifest["counts"]
    table.add_row(
        "graph",
        f"{counted(counts['entities'], 'entity', 'entities')}, {counted(counts['relations'], 'relation')}, "
        f"{counted(counts['triples'], 'triple')}",
    )
    for modality, row in counts["observations"].items():
        parts = ", ".join(f"{number:,} {status}" for status, number in row.items())
        table.add_row(modality, f"{parts}  ({manifest['encoders'].get(modality, 'none encoded')})")
    if counts["skipped"]:
        table.add_row("skipped statements", f"{counts['skipped']:,}")
    for name, losses in metrics["losses"].items():
        if losses:
            table.add_row(f"{name} loss", f"{losses[0]:.3f} at first, {losses[-1]:.3f} at last")
    for name, row in metrics["held_out"].items():
        table.add_row(name, score_line(row))
    for one in manifest.get("targets", ()):
        table.add_row(f"predicts {escape(one['target'])}", label_line(one["scores"]))
    stages = "  ".join(f"{name} {seconds:.1f}" for name, seconds in metrics["seconds"].items())
    table.add_row("seconds", f"{stages}  all {sum(metrics['seconds'].values()):.1f}")
    table.add_row("store", escape(folder))
    return table


def left_out(manifest: dict[str, Any], observed: pa.Table, most: int = 5) -> list[str]:
    """Sentences on the statements and observations that are not in the store, the first of each."""
    problems = [text for text in observed["problem"].to_pylist() if text is not None]
    lines: list[str] = []
    for sentences, count, where in (
        (manifest["skipped"], manifest["counts"]["skipped"], "manifest.json"),
        (problems, len(problems), "observations.parquet"),
    ):
        lines += [f"left out: {sentence}" for sentence in sentences[:most]]
        if count > most:
            lines.append(f"left out: {count - most:,} more (see {where})")
    return lines


def label_line(scores: dict[str, float]) -> str:
    """Scores of a target's held-out labels in one line."""
    if not scores:
        return "no labels were left to test it with"
    shown = "  ".join(f"{name} {scores[name]:.3f}" for name in ("accuracy", "F1 macro", "AUROC"))
    return f"{shown}  ({counted(int(scores['queries']), 'label')})"


def score_line(row: dict[str, float]) -> str:
    """A summary of ranks in one line."""
    shown = "  ".join(f"{name} {value:.3f}" for name, value in row.items() if name != "queries")
    return f"{shown}  ({counted(int(row['queries']), 'query', 'queries')})"


def predictions_table(title: str, found: Iterable[Prediction]) -> Table:
    """Predictions with their probability and what each sense brought to it."""
    table = Table(title=escape(title), title_justify="left", pad_edge=False, expand=False)
    table.add_column("what")
    table.add_column("prediction")
    table.add_column("sure", justify="right")
    table.add_column("lost without", no_wrap=True)
    for one in found:
        label = escape(textwrap.shorten(one.label, 60, placeholder=" ...") or one.label[:60])
        value = escape(one.likeliest_label)
        if one.prediction is None:
            value = f"[dim]unsure: {value}?[/dim]"
        gains = "\n".join(f"{name} {gain:+.2f}" for name, gain in one.modalities.items())
        table.add_row(f"{label}\n[dim]{escape(one.entity)}[/dim]", value, f"{one.probability:.2f}", gains)
    return table


def proposals_table(found: Found) -> Table:
    """Candidates for the missing end of a fact, what says so above the average, and why; remarks below."""
    remarks = "\n".join((counted(found.candidates, "candidate"), *found.remarks))
    table = Table(caption=escape(remarks), caption_justify="left", pad_edge=False, expand=False)
    table.add_column("", justify="right")
    table.add_column("score", justify="right")
    table.add_column("sure", justify="right")
    table.add_column("head -relation-> tail")
    table.add_column("by part", no_wrap=True)
    table.add_column("why, by rules")
    for one in found.proposals:
        sure = "-" if one.probability is None else f"{one.probability:.2f}"
        label = textwrap.shorten(one.label, 60, placeholder=" ...") or one.label[:60]
        fact = f"{escape(label)}\n[dim]{escape(f'{one.head} {one.relation} {one.tail}')}[/dim]"
        parts = "\n".join(f"{name} {value:+.1f}" for name, value in one.parts.items() if abs(value) >= 0.05)
        why = "\n".join(one.reasons) or "no rule"
        table.add_row(str(one.rank), f"{one.score:.2f}", sure, fact, parts, escape(why))
    return table


def hits_table(title: str, hits: Iterable[Hit], names: dict[str, str], anchors: list[str]) -> Table:
    """Hits with their score by modality and the path of facts that leads to them."""
    from pipelines.search.explain import readable_path, why

    table = Table(title=escape(title), title_justify="left", pad_edge=False, expand=False)
    table.add_column("", justify="right")
    table.add_column("score", justify="right")
    table.add_column("what")
    table.add_column("by sense", no_wrap=True)
    table.add_column("why, by the facts")
    for place, hit in enumerate(hits, start=1):
        senses = "\n".join(f"{name} {value:.2f}" for name, value in hit.modalities.items())
        reason = readable_path(hit.path, hit.entity, names, hit.rules) or why(hit, anchors)
        label = escape(textwrap.shorten(hit.label, 100, placeholder=" ...") or hit.label[:100])
        what = f"{label}\n[dim]{escape(hit.entity)}[/dim]"
        table.add_row(str(place), f"{hit.score:.2f}", what, senses, escape(reason))
    return table


def reasons_lines(found: Reasons) -> list[str]:
    """Reasons in lines: nearest evidence, chains of facts, ranks as if something were not so."""
    from pipelines.search.explain import readable_path

    lines = [f"{found.label}: rank {found.rank} of {found.candidates:,}, score {found.score:.2f}"]
    for one in found.evidence:
        name = one.observed.name
        shown = textwrap.shorten(name, 80, placeholder=" ...") or name[:80]
        lines.append(f"  nearest {one.observed.modality} {one.similarity:.2f}: {shown}")
    for path in found.paths:
        ends = {iri for head, _, tail in path for iri in (head, tail)}
        names = {iri: found.exhibit.label(iri) for iri in ends} if found.exhibit else {}
        lines.append(f"  {readable_path(path, found.entity, names)}")
    for other in found.without:
        lines.append(f"  {other.words}: rank {other.rank}, score {other.score:.2f}")
    return lines
