"""What whoever holds the facts answers, in this process, in another one or on another machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class FactSource(Protocol):
    """Facts that can be asked by SPARQL; `kg.sparql.Facts` tells what each answer is."""

    def select_entities(
        self, where: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> list[str]:
        """Find the IRIs that a constraint allows as ?x."""

    def table(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> pa.Table:
        """Answer a SELECT as a table."""

    def bindings(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True, most: int
    ) -> tuple[list[str], list[dict[str, Any]], bool]:
        """Answer a SELECT: variables, solutions, and whether there are more."""
