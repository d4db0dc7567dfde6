"""Takes the chunks of one source in: names blank nodes, refuses what is not RDF 1.1, spools, numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import IO

from kg.assembly import Assembler
from kg.nquads import Statements, as_lines, columns
from kg.rewriting import BlankNames, reification, without_rdf12
from kg.source import LoadReport, RdfError, Source


class Intake:
    """Takes the chunks of one source in: names blank nodes, refuses RDF 1.2, spools, numbers.

    Called from one thread at a time, as blank nodes are named in order. A chunk in which every node is
    an IRI, as most are, is only cut.
    """

    def __init__(
        self, source: Source, assembler: Assembler, report: LoadReport | None, spool: IO[bytes] | None
    ) -> None:
        self._blanks = BlankNames(source.digest)
        self._refuse = _refusal(source, report)
        self._assembler, self._spool = assembler, spool

    def __call__(self, given: Statements | bytes) -> int:
        """Take in statements or canonical N-Quads; the number of statements."""
        chunk = columns(given) if isinstance(given, bytes) else given
        if chunk is None and isinstance(given, bytes):
            reifiers: list[tuple[bytes, str]] = []
            plain = reification(given, lambda node, statement: reifiers.append((node, statement)))
            text = self._blanks.applied(without_rdf12(plain, self._refuse))
            for node, statement in reifiers:
                refuse = partial(self._refuse, statement)
                self._assembler.reifiers.setdefault(self._blanks.known(node), refuse)
            if not text:
                return 0
            chunk = cut(text)
        assert chunk is not None
        if self._spool is not None:
            self._spool.writelines(as_lines(chunk))
        self._assembler.add(chunk)
        return len(chunk)


def cut(text: bytes) -> Statements:
    """Cut what must be canonical N-Quads, as a parser wrote it."""
    chunk = columns(text)
    if chunk is None:
        raise ValueError(f"expected canonical N-Quads (got {text[:200]!r} ...)")
    return chunk


def _refusal(source: Source, report: LoadReport | None) -> Callable[[str], None]:
    """Make what is called with each statement of RDF 1.2."""

    def refuse(statement: str) -> None:
        """Note the statement, or raise."""
        sentence = (
            f"{source.name}: expected IRIs, blank nodes and literals "
            "(got a triple term or a direction, which are not supported but for the weight of a statement: "
            f"{statement[:200]})"
        )
        if report is None:
            raise RdfError(sentence)
        report.skip(sentence)

    return refuse
