"""The facts of a store's next state: statements taken out and brought in, the SPARQL store, the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from kg.construct import Rule
from kg.graph import KnowledgeGraph
from kg.merge import with_relations
from kg.rdf import read
from kg.reasoning import Reasoning
from kg.statements import Change, ChangeError, change_store, changed, stated_lines, written
from pipelines.building.following import with_cycles
from pipelines.building.reading import STATEMENTS
from pipelines.store.store import Store

if TYPE_CHECKING:
    from kg.source import LoadReport


@dataclass(frozen=True)
class Changed:
    """The next state's facts, what changed, and what was found in reading.

    `anew` has the media, as modality and reference, that the change names.
    """

    graph: KnowledgeGraph
    change: Change
    anew: frozenset[tuple[str, str]]
    skipped: list[str] = field(default_factory=list)
    num_skipped: int = 0
    notes: list[str] = field(default_factory=list)
    findings: dict[str, Any] | None = None


def changed_facts(
    old: Store,
    relations: pa.Array,
    add: Sequence[str | Path],
    remove: Sequence[str | Path],
    work: Path,
    *,
    lenient: bool,
) -> Changed:
    """Write statements and SPARQL store of the next state into a folder, and give its graph.

    The facts are put together anew from all statements, as a build does it: what is a medium, or the weight
    of another statement, can only be told when all is known. Where a store was built with reasoning, all that
    follows is found anew, too. If nothing changes, nothing is written but the statements.

    Args:
        old: the store as it is.
        relations: those that the model knows, which the graph is to know as well.
        add: what is to come.
        remove: what is to go.
        work: an empty folder.
        lenient: skip malformed statements, and leave out of account those that are to go and are not there.

    Raises:
        ChangeError: a statement that is to go is not there, several nodes fit a blank node of those that are
            to go, or none would be left.
        RdfError: a file cannot be read.
        ReasoningError: what follows cannot be found in time.
    """
    rdf = old.folder / "rdf"
    come, prefixes, report, anew = _read(add, work / "add.nq", lenient)
    go, _, more, _ = _read(remove, work / "remove.nq", lenient)
    stated = stated_lines(old.folder / STATEMENTS, rdf)
    change = changed(stated, come, go, rdf)
    for file in (come, go):
        if file is not None:
            file.unlink()
    if change.absent and not lenient:
        raise _absent(change.absent, stated)
    if not len(change.lines):
        raise ChangeError("expected at least one statement to stay (got a change that removes all)")
    written(change.lines, work / STATEMENTS)
    notes: list[str] = []
    findings = None
    known = {**prefixes, **old.graph.prefixes}
    manifest = old.manifest
    if old.settings.reason == "none" and not manifest.get("rules") and not manifest.get("shapes"):
        graph, whole = read([work / STATEMENTS], prefixes=known)
        change_store(rdf, work / "rdf", change)
    else:
        reasoning, notes = _reasoning(old)
        graph, whole = read([work / STATEMENTS], facts=work / "rdf", prefixes=known, reasoning=reasoning)
        findings = None if whole.findings is None else whole.findings.as_json()
    graph = with_relations(graph, relations)
    return Changed(
        graph=graph,
        change=change,
        anew=anew,
        skipped=report.skipped + more.skipped,
        num_skipped=report.num_skipped + more.num_skipped,
        notes=whole.notes + notes,
        findings=with_cycles(findings, graph, old.settings),
    )


def _read(
    inputs: Sequence[str | Path], file: Path, lenient: bool
) -> tuple[Path | None, dict[str, str], LoadReport, frozenset[tuple[str, str]]]:
    """Write the statements of some files as N-Quads; give also their prefixes and the media they name."""
    from kg.source import LoadReport

    if not inputs:
        return None, {}, LoadReport(), frozenset()
    graph, report = read(inputs, statements=file, lenient=lenient)
    media = zip(graph.media["modality"].to_pylist(), graph.media["reference"].to_pylist(), strict=True)
    return file, graph.prefixes, report, frozenset(media)


def _reasoning(old: Store) -> tuple[Reasoning, list[str]]:
    """What the store was built with, and a sentence for each file of shapes that is not there any more."""
    shapes = [Path(one) for one in old.manifest.get("shapes", [])]
    reasoning = Reasoning(
        profile=old.settings.reason,
        rules=tuple(Rule(**one) for one in old.manifest["rules"]),
        shapes=tuple(path for path in shapes if path.is_file()),
        unseen=frozenset(old.settings.target),
        seconds=old.settings.reason_seconds,
    )
    gone = [path for path in shapes if not path.is_file()]
    return reasoning, [
        f"{path}: the shapes are not there any more: nothing was checked by them" for path in gone
    ]


def _absent(absent: list[str], stated: pa.LargeStringArray) -> ChangeError:
    """Say which statement is not there, and where it is instead."""
    first = absent[0]
    triple = first.removesuffix(" .")
    elsewhere = stated.filter(pc.starts_with(stated, f"{triple} <"))
    hint = ""
    if len(elsewhere):
        graph = elsewhere[0].as_py().removeprefix(triple).removesuffix(" .").strip()
        hint = f"; it is stated in the graph {graph}: name that in N-Quads or TriG"
    shown = first if len(first) < 300 else f"{first[:300]} ..."
    return ChangeError(
        f"expected statements that the store has in what is to be removed (got {len(absent):,} that it has "
        f"not, the first: {shown}{hint}): correct them, or skip them with --lenient"
    )
