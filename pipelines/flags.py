"""Words of the command lines: KEY=VALUE pairs and numbers in, JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, Protocol


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
