"""Numbers with their words."""

from __future__ import annotations


def counted(count: int, one: str, several: str | None = None) -> str:
    """``1 fact``, ``2 facts``, ``1,000 entities``: the plural is that with an s if it is not given."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
