"""The test of alignment: entities of concepts that training never saw, sought across senses, for all arms.

What is trained is given a graph without anything that was observed of these entities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from fusion.base import JointGraph
from fusion.senses import SenseFusion
from kg.graph import KnowledgeGraph
from kg.splits import Seal, Split
from pipelines.senses.joint import Observations, concept_groups, joint_graph
from pipelines.settings import Settings
from pipelines.training.alignment import held_out_ranks, train_alignment
from pipelines.training.history import History, Progress
from pipelines.training.ranked import Ranked

NO_GRAPH = ", no graph"


@dataclass(frozen=True)
class Arm:
    """A fusion that validation has chosen, and what it is to be tested on."""

    model: SenseFusion
    history: History
    joint: JointGraph
    structure: Tensor | None


@dataclass(frozen=True)
class Tested:
    """Ranks of the test part by name of the row, and when it was opened, after what choice."""

    ranked: dict[str, Ranked]
    opened: dict[str, Any]


def rank_test_part(graph: KnowledgeGraph, arms: dict[str, Arm], split: Split) -> Tested:
    """Open the test, once for all arms, and rank its entities; the names of the arms end the rows' names."""
    seal = Seal()
    test = seal.open(split, {f"alignment{name}": arm.history.chosen() for name, arm in arms.items()})
    ranked = {}
    for name, arm in arms.items():
        found = held_out_ranks(arm.model, arm.joint, arm.structure, split.learning(), test)
        for row, (asked, ranks) in found.items():
            ranked[row + name] = Ranked.of(graph.entities.take(asked).to_pylist(), ranks)
    return Tested(ranked, seal.record)


def learnable(joint: JointGraph, split: Split) -> JointGraph:
    """The joint graph in which nothing was observed of the entities of the test."""
    test = torch.from_numpy(split.test).to(joint.log_weight.device)
    kept = {name: ~torch.isin(owners, test) for name, owners in joint.owners.items()}
    return replace(
        joint,
        features={name: rows[kept[name]] for name, rows in joint.features.items()},
        owners={name: rows[kept[name]] for name, rows in joint.owners.items()},
    )


def without_graph(
    graph: KnowledgeGraph,
    observations: Observations,
    split: Split,
    settings: Settings,
    device: str,
    progress: Progress,
) -> Arm:
    """The same model, trained the same way, without any fact."""
    bare = joint_graph(graph, observations, settings, facts=False).to(device)

    def report(stage: str, done: int, total: int) -> None:
        progress("without graph", done, total)

    groups = concept_groups(graph)
    model, history = train_alignment(learnable(bare, split), None, groups, split.learning(), settings, report)
    return Arm(model, history, bare, None)
