"""Read a build's inputs into its folder, or take what a stopped build of the same inputs has read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.store.store import FORMAT, write_json
from pipelines.training.history import Progress

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph
    from kg.reasoning import Reasoning

STATEMENTS = "statements.nq"
"""The file of a store with all that was stated, which updates start from."""


def read_inputs(
    inputs: Sequence[str | Path],
    work: Path,
    reasoning: Reasoning | None,
    lenient: bool,
    allow_remote: bool,
    say: Progress,
) -> tuple[KnowledgeGraph, dict[str, Any]]:
    """Read the inputs, or take what a stopped build of the same inputs, or the first process, has read."""
    from kg.graph import KnowledgeGraph
    from kg.rdf import read
    from pipelines.training import processes

    digest = inputs_digest(inputs, lenient, reasoning)
    marker, statements = work / "reading.json", work / STATEMENTS
    if marker.is_file() and statements.is_file():
        report: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        if (digest and report["digest"] == digest) or not processes.leads():
            return KnowledgeGraph.load(work / "graph"), report
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    graph, loaded = read(
        inputs,
        facts=work / "rdf",
        statements=statements,
        lenient=lenient,
        allow_remote=allow_remote,
        progress=lambda count: say("rdf", count, 0),
        reasoning=reasoning,
    )
    say("rdf", loaded.quads, loaded.quads)
    graph.save(work / "graph")
    report = {
        "digest": digest,
        "skipped": list(loaded.skipped),
        "num_skipped": loaded.num_skipped,
        "notes": loaded.notes,
        "rules": [] if reasoning is None else [rule.as_json() for rule in reasoning.rules],
        "shapes": [] if reasoning is None else [str(path.absolute()) for path in reasoning.shapes],
        "findings": None if loaded.findings is None else loaded.findings.as_json(),
    }
    write_json(marker, report)
    return graph, report


def fetched(
    inputs: Sequence[str | Path], media_root: str | Path | None, cache: Path
) -> tuple[list[str | Path], str | Path | None, Callable[[Path], None] | None]:
    """Copy what lies in an object storage: the inputs, and media once they are looked for.

    Returns:
        Local inputs, the local root of the media where it is given or not local, and what brings media there.

    Raises:
        StorageError: something is not there, or the storage does not answer.
    """
    from kg.rdf_file import FORMATS
    from pipelines.store.object_storage import Mirror, is_url, mirrored

    local: list[str | Path] = []
    root: Mirror | None = None
    for one in inputs:
        if is_url(one):
            found, mirror = mirrored(str(one), cache, frozenset(FORMATS))
            root = mirror if not local else root  # media lie in the folder of the first input
            local.append(found)
        else:
            local.append(one)
    if media_root is not None:
        root = Mirror(str(media_root).rstrip("/"), cache) if is_url(media_root) else None
    return local, media_root if root is None else root.local, None if root is None else root.bring


def inputs_digest(inputs: Sequence[str | Path], lenient: bool, reasoning: Reasoning | None) -> str:
    """A hash of all that is read; empty when an endpoint is among the inputs, which may change."""
    from kg.rdf_file import files_in

    found = hashlib.sha256(f"{FORMAT} {lenient} {reasoning and reasoning.digest()}".encode())
    for one in inputs:
        path = Path(one)
        if not path.exists():
            return ""
        for file in [Path(rdf.name) for rdf in files_in(path)] if path.is_dir() else [path]:
            found.update(f"\0{file.absolute()}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as content:
                found.update(hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest()
