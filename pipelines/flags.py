"""Words of the command lines: KEY=VALUE pairs and numbers in, JSON out."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any, Protocol

_WEIGHTED = re.compile(r"(.*)=\s*([^\s=(){}<>\"'?$]*)\s*", re.DOTALL)
"""A pattern, an equals sign, and what might be a number: no valid SPARQL ends so outside of a comment."""

_NUMBER_FIRST = re.compile(r"\s*[-+]?[\d.]+\s*(?:[:=\s])")


class HasJson(Protocol):
    """What has plain JSON values."""

    def as_json(self) -> dict[str, Any]:
        """Give them."""
        ...


def key_value(pair: str, flag: str) -> tuple[str, str]:
    """Split KEY=VALUE at its last equals sign (IRIs may hold others).

    Raises:
        ValueError: if there is none.
    """
    key, equals, value = pair.rpartition("=")
    if not (key and equals and value):
        raise ValueError(f"expected {flag} KEY=VALUE (got {pair!r})")
    return key, value


def number(text: str, flag: str) -> float:
    """A number from the command line.

    Raises:
        ValueError: if it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number in {flag} (got {text!r})") from None


def print_json(found: Iterable[HasJson]) -> None:
    """One JSON array on stdout, and nothing else."""
    json.dump([one.as_json() for one in found], sys.stdout, ensure_ascii=False)
    print()


def weighted(text: str, flag: str, default: float) -> tuple[str, float]:
    """Split PATTERN=NUMBER; a pattern alone has the default weight.

    Raises:
        ValueError: if no number follows the equals sign that ends a pattern, or no pattern stands before it.
    """
    if _NUMBER_FIRST.match(text):
        raise ValueError(f"expected {flag} PATTERN=NUMBER, the number last (got {text!r})")
    found = _WEIGHTED.fullmatch(text)
    if found is None:
        return text, default
    if not found[1].strip():
        raise ValueError(f"expected {flag} PATTERN=NUMBER (got {text!r})")
    return found[1].strip(), number(found[2], flag)
