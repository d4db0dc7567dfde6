"""What the label objective is given: nothing that holds the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from kg.graph import KnowledgeGraph
from kg.rdf import read
from pipelines.building.build import build
from pipelines.labels.learn import prepare
from pipelines.senses.encoding import Encoded
from pipelines.senses.joint import Observations
from pipelines.senses.numbers import NUMBER, graph_numbers, with_numbers
from pipelines.settings import Settings

EX = "http://example.org/"


def graded(folder: Path, more: str = "") -> tuple[KnowledgeGraph, Path]:
    """Things with a grade, 1 or 2, and nothing else that is a number."""
    lines = [f":t{i:02} a :Thing ; :near :t{(i + 3) % 20:02} ; :grade {1 + i % 2} ." for i in range(20)]
    path = folder / "graded.ttl"
    path.write_text("@prefix : <http://example.org/> .\n" + "\n".join(lines) + more, encoding="utf-8")
    return read([path])[0], path


def observed(graph: KnowledgeGraph) -> Observations:
    """Numbers as a build leaves them: of every property, scaled."""
    text = {"text": torch.eye(graph.num_entities)}
    owners = {"text": torch.arange(graph.num_entities)}
    everyone = torch.ones(graph.num_entities, dtype=torch.bool).numpy()
    return with_numbers(Observations(text, owners, graph_numbers(graph).numbers), everyone)


@pytest.mark.parametrize("more", ["", "\n" + "\n".join(f":t{i:02} :size {i % 7} ." for i in range(20))])
def test_a_number_that_is_the_target_is_no_observation(tmp_path: Path, more: str) -> None:
    graph, _ = graded(tmp_path, more)
    observations = observed(graph)
    assert NUMBER in observations.features
    texts = pa.table({"modality": ["text"], "entity": [0], "reference": [""], "row": [0]})
    lesson = prepare(graph, observations, texts, EX + "grade", Settings())
    assert (NUMBER in lesson.joint.features) == bool(more)
    if more:  # one row for each size and none for a grade
        assert len(lesson.joint.features[NUMBER]) == 20


def test_a_build_learns_of_no_group_that_it_judges(tmp_path: Path) -> None:
    graph, _ = graded(tmp_path, "\n" + "\n".join(f':t{i:02} :patient "p{i // 4}" .' for i in range(20)))
    texts = pa.table({"modality": ["text"], "entity": [0], "reference": [""], "row": [0]})
    settings = Settings(group=EX + "patient", test_share=0.4)
    lesson = prepare(graph, observed(graph), texts, EX + "grade", settings)
    assert lesson.target.groups is not None
    parts = [set(lesson.target.groups[part].tolist()) for part in (lesson.split.train, lesson.split.test)]
    assert parts[0] | parts[1] <= set(range(5))
    assert len(parts[1]) == 2
    assert not parts[0] & parts[1]


def test_a_sense_without_a_row_has_no_encoder() -> None:
    both = Encoded(
        Observations({"text": torch.eye(2)}, {}), {"text": "t@1", NUMBER: "scaled@1"}, pa.table({})
    )
    assert both.seen_as(both.observations).encoders == {"text": "t@1"}


def test_a_target_that_nobody_has_is_told_before_anything_is_encoded(tmp_path: Path) -> None:
    _, path = graded(tmp_path)
    stages: list[str] = []
    settings = replace(Settings(), target=(EX + "grad",))
    with pytest.raises(
        ValueError, match=r"got http://example.org/grad\); did you mean http://example.org/grade"
    ):
        build([path], tmp_path / "out", settings=settings, progress=lambda stage, *_: stages.append(stage))
    assert set(stages) <= {"rdf"}
