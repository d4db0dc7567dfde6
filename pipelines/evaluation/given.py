"""Measure the link objective on a user's own split: train, let validation choose, open the test once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from kg.hierarchy import hierarchy_of
from kg.leakage import leakage
from kg.memory import kept_memory
from kg.splits import Seal, Split
from pipelines.evaluation.given_senses import observed
from pipelines.evaluation.given_split import ABOUT, GivenSplit, read_split
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.training.link_facts import LinkFacts
from pipelines.training.link_report import leakage_report, link_report
from pipelines.training.link_rows import as_table
from pipelines.training.link_run import LinkRun, run_links
from pipelines.training.sense_links import Observed

if TYPE_CHECKING:
    from pipelines.training.history import Progress


def evaluate_given(
    files: Mapping[str, Sequence[Path]],
    settings: Settings,
    *,
    seeds: int = 3,
    allow_leakage: bool = False,
    media_root: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on the split's training facts over several seeds, and rank its test facts.

    Args:
        files: of each part: train, valid, test, and about the entities (see
            `pipelines.evaluation.given_split`).
        settings: rates, sizes, the first seed.
        seeds: number of trainings; the split stays.
        allow_leakage: go on where a fact is in two parts.
        media_root: folder of the media that the files about the entities name; by default theirs.
        device: cpu, cuda or auto.
        progress: called with stage, steps done, steps in all.

    Returns:
        That of `pipelines.training.link_report.link_report`, ``leakage``, ``seeds``, ``remarks`` on the split
        and the training, and ``opened``: for each seed when the test was opened, and what was chosen before.

    Raises:
        ValueError: for fewer than one seed, or a split that cannot be learned or tested.
    """
    from pipelines.building.build import media_folder, resolve_device

    if seeds < 1:
        raise ValueError(f"expected at least 1 seed (got {seeds})")
    where = resolve_device(device)
    split = read_split(files, allow_leakage=allow_leakage)
    root = media_folder(files.get(ABOUT) or files["train"], media_root)
    quiet: Progress = progress or (lambda stage, done, total: None)
    seen = observed(split.graph, settings, root, device=where, progress=quiet)
    tables, opened, remarks = [], [], list(split.remarks)
    for number in range(seeds):
        own, seal = replace(settings, seed=settings.seed + number), Seal()

        def say(stage: str, done: int, total: int, number: int = number) -> None:
            quiet(f"seed {number + 1}, {stage}", done, total)

        run = learned(split, seen, own, seal, device=where, progress=say)
        tables.append(as_table(run.test, split.graph.entities, split.graph.relations))
        opened.append(seal.record)
        remarks += run.history.stopped
    given = leakage(split.graph.triples, split.test, split.graph.num_relations)
    return link_report(tables) | {
        "seeds": seeds,
        "leakage": leakage_report(given, split.graph.relations),
        "remarks": remarks,
        "opened": opened,
    }


@kept_memory()
def learned(
    split: GivenSplit,
    observations: Observations,
    settings: Settings,
    seal: Seal,
    *,
    device: str,
    progress: Progress,
) -> LinkRun:
    """Train once; training is given the first two parts alone, and what was observed of the entities."""
    graph = split.graph
    joint = joint_graph(graph, observations, settings, diffusion=False).to(device)
    facts = LinkFacts(
        joint,
        torch.from_numpy(graph.triples),
        torch.from_numpy(split.valid),
        graph.num_relations,
        Observed.of(joint.num_entities, joint.features, joint.owners),
    )
    return run_links(
        facts,
        lambda chosen: seal.open(Split(graph.triples, split.valid, split.test), chosen),
        settings,
        progress,
        hierarchy_of(graph, settings.hierarchy),
        most=len(split.test),
    )
