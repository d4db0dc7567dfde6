"""What a build trains: on data that all processes agree on, and kept as it goes, to be taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from kg.graph import KnowledgeGraph
from pipelines.labels.learn import Learned, learn, prepare
from pipelines.senses.encoding import Encoded
from pipelines.settings import Settings
from pipelines.store.manifest import FORMAT
from pipelines.training import processes
from pipelines.training.checkpoint import digest_of, kept_in
from pipelines.training.history import Progress
from pipelines.training.train import Trained, train


def trained_in(
    folder: Path,
    graph: KnowledgeGraph,
    facts: Path,
    encoded: Encoded,
    settings: Settings,
    *,
    device: str,
    progress: Progress,
    clock: Callable[[str], AbstractContextManager[None]],
    rejected: np.ndarray,
) -> tuple[Trained, list[Learned]]:
    """Train all objectives; what a stopped call on the same data and settings has kept is gone on from.

    Args:
        folder: where to keep checkpoints; the caller takes it away once the build is done.
        graph: the facts.
        facts: the folder that the graph was saved to.
        encoded: what was observed.
        settings: of the build.
        device: where to train.
        progress: called with stage, steps done, steps in all.
        clock: times the stages.
        rejected: facts that a person refused, ``(k, 3)``.

    Raises:
        DisagreementError: the processes have other data.
        TrainingError: a loss is no number before there was a state to keep.
    """
    seen = encoded.observations
    rows = [part for name, one in seen.features.items() for part in (name, one, seen.owners[name])]
    told = {"facts": digest_of([facts]), "observations": digest_of([repr(encoded.encoders), *rows])}
    processes.same(lambda: told)
    key = digest_of([*told.values(), json.dumps(settings.as_json()), repr(rejected.tolist()), str(FORMAT)])
    with kept_in(folder, key):
        with clock("training"):
            trained = train(graph, seen, settings, device=device, progress=progress, rejected=rejected)
        learned = []
        with clock("labels"):
            for iri in settings.target:
                lesson = prepare(graph, seen, encoded.table, iri, settings)
                learned.append(learn(lesson, settings, progress, device=device))
    return trained, learned
