"""Read RDF from files, folders and SPARQL endpoints into a KnowledgeGraph.

Plain text is cut in columns at once; all else streams through pyoxigraph as chunks of N-Quads. Blank nodes
get names that stay the same from run to run. Nothing is fetched from the network unless that is allowed.
"""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

import pyoxigraph as ox

from kg.assembly import Assembler
from kg.folder import written_beside
from kg.graph import KnowledgeGraph
from kg.intake import Intake, cut
from kg.nquads import Statements
from kg.rdf_exchange import RdflibSource
from kg.rdf_file import UNREADABLE, RdfFile, files_in
from kg.reasoning import Reasoning, infer
from kg.source import LoadReport, RdfError, Source
from kg.vocabulary import DEFAULT, Vocabulary

if TYPE_CHECKING:
    import rdflib

__all__ = ["LoadReport", "RdfError", "from_rdflib", "read"]

_FIRST, _MOST = 1_000, 50_000  # statements at a time
_SPOOL, _FOLLOWS = "spool.nq", "follows.nq"
_BYTES = 1 << 23  # text at a time, as long literals would else fill the memory


def read(
    inputs: Sequence[str | Path],
    *,
    vocabulary: Vocabulary = DEFAULT,
    facts: Path | None = None,
    statements: Path | None = None,
    prefixes: Mapping[str, str] | None = None,
    lenient: bool = False,
    allow_remote: bool = False,
    progress: Callable[[int], None] | None = None,
    reasoning: Reasoning | None = None,
) -> tuple[KnowledgeGraph, LoadReport]:
    """Read files, folders and SPARQL endpoints as one graph.

    Args:
        inputs: Paths, or the http(s) URLs of SPARQL endpoints.
        vocabulary: Which predicates tie media to entities.
        facts: Where to write the same statements as an Oxigraph store for SPARQL.
        statements: Where to write what was stated as N-Quads, its blank nodes named; a path that is free.
        prefixes: Those that are known already, which win over the inputs'.
        lenient: Skip and list malformed statements instead of stopping at the first.
        allow_remote: Allow to ask endpoints.
        progress: Called with the number of statements read so far.
        reasoning: What to infer and check; inferred facts are in graphs of their own (see `kg.inferred`).

    Raises:
        RdfError: Something is missing, malformed, of unknown format or empty, or a weight is out of range.
        ReasoningError: A rule or a shape is wrong, or takes too long.
        OSError: The store cannot be written.
    """
    start = time.perf_counter()
    report = LoadReport()
    sources = list(_sources([inputs] if isinstance(inputs, str | Path) else inputs, allow_remote))
    with ExitStack() as stack:
        folder = spool = follow = None
        if facts is not None:
            folder = stack.enter_context(written_beside(Path(facts)))
        elif reasoning is not None or statements is not None:
            folder = Path(stack.enter_context(TemporaryDirectory()))
        if folder is not None:
            spool = stack.enter_context((folder / _SPOOL).open("wb"))
        if reasoning is not None and folder is not None:
            follow = partial(_inferred, folder, reasoning, vocabulary, report)
        graph = _assembled(sources, vocabulary, report, lenient, progress, spool, follow, prefixes)
        if folder is not None and spool is not None:
            spool.close()
            if facts is not None:
                _fill_store(folder)
            if statements is not None:
                shutil.move(folder / _SPOOL, statements)
            (folder / _SPOOL).unlink(missing_ok=True)
    report.seconds = time.perf_counter() - start
    return graph, report


def from_rdflib(graph: rdflib.Graph, vocabulary: Vocabulary = DEFAULT) -> KnowledgeGraph:
    """Take over an rdflib Graph or Dataset.

    Raises:
        RdfError: It is empty or holds terms that RDF does not allow.
    """
    return _assembled([RdflibSource(graph)], vocabulary, LoadReport())


def _assembled(
    sources: Sequence[Source],
    vocabulary: Vocabulary,
    report: LoadReport,
    lenient: bool = False,
    progress: Callable[[int], None] | None = None,
    spool: IO[bytes] | None = None,
    follow: Callable[[Mapping[str, str]], Iterable[bytes]] | None = None,
    known: Mapping[str, str] | None = None,
) -> KnowledgeGraph:
    """Take in a chunk in one thread while the next one is parsed in another."""
    assembler = Assembler(vocabulary)
    prefixes = dict(known or {})
    with ThreadPoolExecutor(max_workers=1) as pool:
        for source in sources:
            report.files.append(source.name)
            intake = Intake(source, assembler, report if lenient else None, spool)
            waiting: deque[Future[int]] = deque()
            with closing(source):
                for chunk in _chunks(source, report.skip if lenient else None):
                    waiting.append(pool.submit(intake, chunk))
                    if len(waiting) > 1:
                        _done(waiting, report, progress)
                while waiting:
                    _done(waiting, report, progress)
            prefixes = source.prefixes() | prefixes  # the first to declare a prefix wins
        if assembler.empty:
            names = ", ".join(source.name for source in sources)
            raise RdfError(f"{names}: expected at least one triple (got an empty graph)")
        if follow is not None and spool is not None:
            spool.flush()
            for text in follow(prefixes):
                assembler.add(cut(text))
        graph = pool.submit(assembler.finish, prefixes).result()  # the thread that has memory to use again
        report.notes += assembler.notes
        return graph


def _done(waiting: deque[Future[int]], report: LoadReport, progress: Callable[[int], None] | None) -> None:
    """Wait for the oldest chunk and count it."""
    report.quads += waiting.popleft().result()
    if progress is not None:
        progress(report.quads)


def _inferred(
    folder: Path,
    reasoning: Reasoning,
    vocabulary: Vocabulary,
    report: LoadReport,
    prefixes: Mapping[str, str],
) -> Iterator[bytes]:
    """Infer from what was spooled; give the new statements in pieces of whole lines."""
    paths = folder / _SPOOL, folder / _FOLLOWS
    report.findings = infer(*paths, reasoning, prefixes, vocabulary.weight)
    with (folder / _FOLLOWS).open("rb") as lines:
        while piece := b"".join(lines.readlines(_BYTES)):
            yield piece


def _chunks(source: Source, skip: Callable[[str], None] | None) -> Iterator[Statements | bytes]:
    """Stream a source: its pieces for as long as they read well, then what is left in one go."""
    known = 0
    pieces = source.pieces() if isinstance(source, RdfFile) else None
    if pieces is not None:
        for piece in pieces:
            known += piece.count(b"\n") if isinstance(piece, bytes) else len(piece)
            if piece:
                yield piece
        if pieces.whole:
            return
    yield from _texts(source, skip, known)


def _texts(source: Source, skip: Callable[[str], None] | None, known: int) -> Iterator[bytes]:
    """Stream a source as chunks of N-Quads; the parser feeds the writer without Python between."""
    count = _FIRST
    try:
        quads = itertools.islice(source.quads(skip), known, None)
        while text := ox.serialize(itertools.islice(quads, count), format=ox.RdfFormat.N_QUADS):
            yield text
            count = min(_MOST, 1 + count * _BYTES // len(text))
    except UNREADABLE as error:
        raise source.explained(error) from error


def _fill_store(folder: Path) -> None:
    """Load what was spooled and inferred into an Oxigraph store; it was checked when it was first parsed."""
    store = ox.Store(str(folder))
    for path in (folder / _SPOOL, folder / _FOLLOWS):
        if path.exists():
            store.bulk_load(path=str(path), format=ox.RdfFormat.N_QUADS, lenient=True)
    (folder / _FOLLOWS).unlink(missing_ok=True)
    store.flush()


def _sources(inputs: Sequence[str | Path], allow_remote: bool) -> Iterator[Source]:
    """Find what to read: endpoints, files, and the RDF files in folders."""
    if not inputs:
        raise RdfError("expected files, folders or endpoints to read (got none)")
    for given in inputs:
        if re.match(r"(sparql\+)?https?://", str(given)):
            if not allow_remote:
                raise RdfError(
                    f"{given}: expected a file or folder (got a remote endpoint: "
                    "pass --allow-remote to ask it)"
                )
            from kg.endpoint import Endpoint

            yield Endpoint(str(given).removeprefix("sparql+"))
        elif Path(given).is_dir():
            yield from files_in(Path(given))
        elif Path(given).exists():
            yield RdfFile(Path(given))
        else:
            raise RdfError(f"{given}: expected a file or folder (got a path that is not there)")
