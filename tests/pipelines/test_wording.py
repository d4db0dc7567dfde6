"""One is singular, none and several are plural."""

from __future__ import annotations

from pipelines.wording import counted


def test_only_one_is_singular() -> None:
    assert [counted(count, "fact") for count in (0, 1, 1000)] == ["0 facts", "1 fact", "1,000 facts"]
    assert [counted(count, "entity", "entities") for count in (1, 2)] == ["1 entity", "2 entities"]
