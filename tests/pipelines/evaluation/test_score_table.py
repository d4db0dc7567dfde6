"""What a person is shown: a row with its interval, the relations, and sentences on what was given away."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from pipelines.evaluation.score_table import relation_table, rows_table, score_table

ROW = {"MRR": 0.5, "R@1": 0.25, "R@5": 0.75, "R@10": 1.0, "queries": 8.0}
RESULT: dict[str, Any] = {
    "seeds": 2,
    "rows": {},
    "links": {"links, tails": ROW},
    "spread": {"links, tails": {"MRR": 0.01, "R@1": 0.02, "R@5": 0.0, "R@10": 0.0}},
    "intervals": {"links, tails": {"MRR": (0.4, 0.6)}},
    "relations": {"links": {"urn:[likes]": ROW | {"interval": (0.3, 0.7)}}},
    "leakage": {},
    "remarks": ["--train holds [too] much"],
}


def shown(what: Any) -> str:
    console = Console(width=160)
    with console.capture() as text:
        console.print(what)
    return text.get()


def test_a_row_has_its_spread_and_its_interval() -> None:
    table = rows_table(RESULT)
    assert table.title == "Held-out facts, 2 trainings, mean ± standard deviation"
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells[:4] == ["links, tails", "0.500 ± 0.010", "0.400 to 0.600", "0.250 ± 0.020"]
    assert cells[-1] == "8"


def test_a_row_of_an_older_store_has_neither() -> None:
    table = rows_table(RESULT | {"spread": {}, "intervals": {}})
    assert [next(iter(column.cells)) for column in table.columns][1:3] == ["0.500", ""]


def test_relations_and_remarks_are_shown_as_they_are_written() -> None:
    out = shown(score_table(RESULT))
    assert "urn:[likes]" in out
    assert "--train holds [too] much" in out
    assert "0.300 to 0.700" in out


def test_without_relations_there_is_no_table_of_them() -> None:
    assert "Relations" not in shown(score_table(RESULT | {"relations": {}}))
    assert relation_table(RESULT).title == "Relations, worst and best"
