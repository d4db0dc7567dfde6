"""Numeric literals as one more sense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kg.rdf import read
from pipelines.senses.joint import Observations
from pipelines.senses.numbers import (
    NUMBER,
    aligned,
    as_table,
    from_table,
    graph_numbers,
    joined,
    with_numbers,
    without_predicates,
)

TTL = """
@prefix : <http://example.org/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
:a :age 30 ; :heat 37.0 ; :name "A" . :b :age 40 ; :heat 39.5 . :c :age 1000 .
:heat qudt:hasUnit <http://qudt.org/vocab/unit/DEG_C> .
"""
EX = "http://example.org/"


def numbers_of(folder: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201
    path = folder / "numbers.ttl"
    path.write_text(TTL, encoding="utf-8")
    graph, _ = read([path])
    return graph, graph_numbers(graph)


def test_numeric_literals_are_read_and_texts_are_not(tmp_path: Path) -> None:
    graph, found = numbers_of(tmp_path)
    rows = {
        (graph.entities[entity].as_py(), found.numbers.names[predicate]): value
        for entity, predicate, value in zip(
            found.numbers.entity.tolist(), found.numbers.predicate.tolist(), found.numbers.value, strict=True
        )
    }
    assert rows == {
        (EX + "a", EX + "age"): 30,
        (EX + "a", EX + "heat"): 37,
        (EX + "b", EX + "age"): 40,
        (EX + "b", EX + "heat"): 39.5,
        (EX + "c", EX + "age"): 1000,
    }
    assert found.problems == []


def test_the_scale_is_of_the_visible_entities_alone(tmp_path: Path) -> None:
    graph, found = numbers_of(tmp_path)
    bare = Observations({}, {}, found.numbers)
    visible = np.ones(graph.num_entities, dtype=bool)
    visible[graph.entity_id(EX + "c")] = False
    seen = with_numbers(bare, visible)
    changed = found.numbers.value.copy()
    changed[found.numbers.entity == graph.entity_id(EX + "c")] = -5
    other = with_numbers(Observations({}, {}, replace(found.numbers, value=changed)), visible)
    mine = seen.owners[NUMBER] != graph.entity_id(EX + "c")
    torch.testing.assert_close(seen.features[NUMBER][mine], other.features[NUMBER][mine])
    torch.testing.assert_close(seen.features[NUMBER].norm(dim=1), torch.ones(5))


def test_numbers_survive_their_table_and_lose_hidden_predicates(tmp_path: Path) -> None:
    _, found = numbers_of(tmp_path)
    back = from_table(as_table(found.numbers))
    assert sorted(zip(back.entity, back.value, strict=True)) == sorted(
        zip(found.numbers.entity, found.numbers.value, strict=True)
    )
    assert set(without_predicates(back, frozenset({EX + "age"})).value.tolist()) == {37.0, 39.5}


def test_other_predicates_are_left_out_and_two_sources_share_one_list(tmp_path: Path) -> None:
    _, found = numbers_of(tmp_path)
    known = aligned(found.numbers, (EX + "heat", EX + "height"))
    assert known.value.tolist() == [37.0, 39.5]
    assert known.predicate.tolist() == [0, 0]
    both = joined([known, found.numbers])
    assert both is not None
    assert len(both.value) == 7
    assert joined([]) is None


def test_values_with_units_of_their_own_become_the_commonest_and_what_does_not_convert_is_told(
    tmp_path: Path,
) -> None:
    path = tmp_path / "quantities.ttl"
    path.write_text(
        """@prefix : <http://example.org/> . @prefix schema: <https://schema.org/> .
        @prefix qudt: <http://qudt.org/schema/qudt/> . @prefix unit: <http://qudt.org/vocab/unit/> .
        :a :pressure [ qudt:numericValue 3 ; qudt:unit unit:BAR ] .
        :b :pressure [ qudt:numericValue 4.5 ; qudt:unit unit:BAR ] .
        :c :pressure [ qudt:value 250000 ; qudt:unit unit:PA ] .
        :d :pressure [ schema:value "2e2" ; schema:unitText "kPa" ] .
        :e :pressure [ schema:value 7 ; schema:unitCode "KGM" ] .
        :f :pressure 6 . :g :pressure [ schema:value 8 ; schema:unitText "furlong" ] .
        :h :pressure [ qudt:value 9 ; qudt:unit <http://other.org/bar> ] .
        """,
        encoding="utf-8",
    )
    graph, _ = read([path])
    found = graph_numbers(graph)
    names = [graph.entities[i].as_py()[-1] for i in found.numbers.entity.tolist()]
    assert dict(zip(names, found.numbers.value.tolist(), strict=True)) == {
        "a": 3, "b": 4.5, "c": 2.5, "d": 2, "f": 6
    }  # fmt: skip
    assert [problem for _, problem in found.problems] == [
        f"expected a unit that converts to BAR, as most values of {EX}pressure (got {unit})"
        for unit in ("KGM", "furlong", "http://other.org/bar")
    ]
