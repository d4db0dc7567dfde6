"""Read RDF from files, folders and SPARQL endpoints into a KnowledgeGraph.

Everything streams through pyoxigraph as chunks of N-Quads; blank nodes get names that stay the same
from run to run. Nothing is fetched from the network unless that is allowed.
"""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg.assembly import Assembler
from kg.folder import written_beside
from kg.graph import KnowledgeGraph
from kg.nquads import BlankNames, without_rdf12
from kg.rdf_exchange import RdflibSource
from kg.rdf_file import UNREADABLE, RdfFile, files_in
from kg.source import LoadReport, RdfError, Source
from kg.vocabulary import DEFAULT, Vocabulary

if TYPE_CHECKING:
    import rdflib

__all__ = ["LoadReport", "RdfError", "from_rdflib", "read"]

_FIRST, _MOST = 1_000, 50_000  # statements at a time
_BYTES = 1 << 23  # text at a time, as long literals would else fill the memory


def read(
    inputs: Sequence[str | Path],
    *,
    vocabulary: Vocabulary = DEFAULT,
    facts: Path | None = None,
    lenient: bool = False,
    allow_remote: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[KnowledgeGraph, LoadReport]:
    """Read files, folders and SPARQL endpoints as one graph.

    Args:
        inputs: Paths, or the http(s) URLs of SPARQL endpoints.
        vocabulary: Which predicates tie media to entities.
        facts: Where to write the same statements as an Oxigraph store for SPARQL.
        lenient: Skip and list malformed statements instead of stopping at the first.
        allow_remote: Allow to ask endpoints.
        progress: Called with the number of statements read so far.

    Raises:
        RdfError: Something is missing, malformed, of unknown format or empty.
        OSError: The store cannot be written.
    """
    start = time.perf_counter()
    report = LoadReport()
    sources = list(_sources([inputs] if isinstance(inputs, str | Path) else inputs, allow_remote))
    with ExitStack() as stack:
        chunks = _chunks(sources, report, lenient, progress)
        if facts is not None:
            partial = stack.enter_context(written_beside(Path(facts)))
            chunks = _spooled(chunks, partial / "spool.nq")
        graph = _assembled(sources, chunks, vocabulary)
        if facts is not None:
            _fill_store(partial, partial / "spool.nq")
    report.seconds = time.perf_counter() - start
    return graph, report


def from_rdflib(graph: rdflib.Graph, vocabulary: Vocabulary = DEFAULT) -> KnowledgeGraph:
    """Take over an rdflib Graph or Dataset.

    Raises:
        RdfError: It is empty or holds terms that RDF does not allow.
    """
    sources = [RdflibSource(graph)]
    return _assembled(sources, _chunks(sources, LoadReport(), False, None), vocabulary)


def _assembled(sources: Sequence[Source], chunks: Iterable[bytes], vocabulary: Vocabulary) -> KnowledgeGraph:
    """Number the terms of a chunk in one thread while the next chunk is parsed in another."""
    assembler = Assembler(vocabulary)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: deque[Future[None]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(assembler.add, chunk))
            if len(waiting) > 2:
                waiting.popleft().result()
        for future in waiting:
            future.result()
    prefixes: dict[str, str] = {}
    for source in sources:
        prefixes = source.prefixes() | prefixes  # the first to declare a prefix wins
    if assembler.empty:
        names = ", ".join(source.name for source in sources)
        raise RdfError(f"{names}: expected at least one triple (got an empty graph)")
    return assembler.finish(prefixes)


def _chunks(
    sources: Sequence[Source],
    report: LoadReport,
    lenient: bool,
    progress: Callable[[int], None] | None,
) -> Iterator[bytes]:
    """Stream all sources as chunks of canonical N-Quads without blank nodes."""
    for source in sources:
        report.files.append(source.name)
        blanks = BlankNames(source.digest)
        refuse = _refusal(source, report if lenient else None)
        with closing(source):
            for text in _texts(source, report.skip if lenient else None):
                chunk = blanks.applied(without_rdf12(text, refuse))
                report.quads += chunk.count(b"\n")
                if progress is not None:
                    progress(report.quads)
                if chunk:
                    yield chunk


def _texts(source: Source, skip: Callable[[str], None] | None) -> Iterator[bytes]:
    """Stream a source as chunks of N-Quads; the parser feeds the writer without Python between."""
    count = _FIRST
    try:
        quads = iter(source.quads(skip))
        while text := ox.serialize(itertools.islice(quads, count), format=ox.RdfFormat.N_QUADS):
            yield text
            count = min(_MOST, 1 + count * _BYTES // len(text))
    except UNREADABLE as error:
        raise source.explained(error) from error


def _refusal(source: Source, report: LoadReport | None) -> Callable[[str], None]:
    """Make what is called with each statement of RDF 1.2."""

    def refuse(statement: str) -> None:
        """Note the statement, or raise."""
        sentence = (
            f"{source.name}: expected IRIs, blank nodes and literals "
            f"(got a triple term or a direction, which are not supported: {statement[:200]})"
        )
        if report is None:
            raise RdfError(sentence)
        report.skip(sentence)

    return refuse


def _spooled(chunks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Pass chunks on and write them to a file on the way."""
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            yield chunk


def _fill_store(folder: Path, spool: Path) -> None:
    """Load what was spooled into an Oxigraph store; it was checked when it was first parsed."""
    store = ox.Store(str(folder))
    store.bulk_load(path=str(spool), format=ox.RdfFormat.N_QUADS, lenient=True)
    store.flush()
    spool.unlink()


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
