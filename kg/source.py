"""What every source of statements offers, and the one error that reading raises.

It knows no RDF library: the statements pass through it unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyoxigraph import Quad

    from kg.reasoning import Findings

_LISTED = 10_000  # skipped statements kept as sentences; beyond that they are only counted


class RdfError(ValueError):
    """The input cannot be read; the text is one sentence with the place."""


@dataclass
class LoadReport:
    """What was read.

    Attributes:
        files: Names of the files and endpoints read, in order.
        quads: How many statements were read, repeats included.
        skipped: Sentences on the statements that were left out, the first 10,000 of them.
        num_skipped: How many were left out.
        seconds: Time it took.
        notes: Sentences on what was read and is of no use.
        findings: What was inferred and checked, if that was asked for.
    """

    files: list[str] = field(default_factory=list)
    quads: int = 0
    skipped: list[str] = field(default_factory=list)
    num_skipped: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    findings: Findings | None = None

    def skip(self, sentence: str) -> None:
        """Note a statement that is left out."""
        self.num_skipped += 1
        if len(self.skipped) < _LISTED:
            self.skipped.append(sentence)


class Source(Protocol):
    """Something that statements come from."""

    name: str

    def quads(self, skip: Callable[[str], None] | None) -> Iterable[Quad]:
        """Stream the statements; call `skip`, if given, for those that cannot be read."""

    def explained(self, error: Exception) -> RdfError:
        """Say in one sentence what an error met while streaming means."""

    def prefixes(self) -> dict[str, str]:
        """Give the prefixes met so far."""

    def digest(self) -> str:
        """Give a hash that names the content."""

    def close(self) -> None:
        """Close what is open."""
