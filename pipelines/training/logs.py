"""The course of a training, written to where people look at such: TensorBoard, W&B or MLflow.

The losses and validation scores of every objective, by step. Nothing leaves the machine unless the variables
of W&B or MLflow say so.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.training.event_file import write_events
from pipelines.training.history import History

EVENTS = "events.out.tfevents.0.sensegraph"
"""Name of the event file: TensorBoard knows it by its middle."""

Steps = list[tuple[int, dict[str, float]]]


def check_logs(names: Sequence[str]) -> None:
    """Tell before the work that a package is missing.

    Raises:
        ValueError: naming it and how it is installed.
    """
    for name, package in _PACKAGES.items():
        if name in names and importlib.util.find_spec(name) is None:
            raise ValueError(
                f"expected {name} to be installed for --log {name} (got none): pip install {package}"
            )


def write_logs(
    names: Sequence[str],
    histories: Mapping[str, History],
    settings: Mapping[str, Any],
    *,
    name: str,
    folder: Path,
) -> None:
    """Write what the objectives left behind.

    Args:
        names: where to, as in the settings.
        histories: by objective.
        settings: what the run depended on.
        name: of the run.
        folder: of the event file; W&B and MLflow have places of their own.
    """
    steps = by_step(histories)
    for one in names:
        if one in _WRITERS:
            _WRITERS[one](steps, settings, name, folder)


def by_step(histories: Mapping[str, History]) -> Steps:
    """All figures by step, ascending: ``OBJECTIVE/loss``, and now and then ``OBJECTIVE/validation score``."""
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for objective, history in histories.items():
        tag = re.sub(r"[^\w .-]+", ".", objective.replace("https://", "").replace("http://", ""))
        for step, loss in enumerate(history.losses, start=1):
            found[step][f"{tag}/loss"] = loss
        for step, score in zip(history.checked, history.scores, strict=True):
            found[step][f"{tag}/validation score"] = score
    return sorted(found.items())


def _tensorboard(steps: Steps, settings: Mapping[str, Any], name: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    write_events(folder / EVENTS, steps)


def _wandb(steps: Steps, settings: Mapping[str, Any], name: str, folder: Path) -> None:
    import wandb

    mode: Any = os.environ.get("WANDB_MODE", "offline")
    with wandb.init(project="sensegraph", name=name, config=dict(settings), mode=mode) as run:
        for step, figures in steps:
            run.log(figures, step=step)


def _mlflow(steps: Steps, settings: Mapping[str, Any], name: str, folder: Path) -> None:
    import mlflow

    if "MLFLOW_TRACKING_URI" not in os.environ:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder asks for no database
        mlflow.set_tracking_uri(Path("mlruns").absolute().as_uri())
    mlflow.set_experiment("sensegraph")
    with mlflow.start_run(run_name=name):
        mlflow.log_params(dict(settings))
        for step, figures in steps:
            mlflow.log_metrics(figures, step=step)


_PACKAGES = {"wandb": "wandb", "mlflow": "mlflow-skinny"}
_WRITERS: dict[str, Callable[[Steps, Mapping[str, Any], str, Path], None]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
