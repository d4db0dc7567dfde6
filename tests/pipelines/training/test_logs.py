"""Where the course of a training is written to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.training.history import History
from pipelines.training.logs import EVENTS, by_step, check_logs, write_logs

HISTORIES = {
    "links": History(losses=[3.0, 2.0], scores=[0.25], checked=[2]),
    "label https://example.org/a#kind": History(losses=[1.0], scores=[-2.0, -1.0], checked=[0, 1]),
}
STEPS = [
    (0, {"label example.org.a.kind/validation score": -2.0}),
    (1, {"links/loss": 3.0, "label example.org.a.kind/loss": 1.0,
         "label example.org.a.kind/validation score": -1.0}),
    (2, {"links/loss": 2.0, "links/validation score": 0.25}),
]  # fmt: skip


class Recorder(ModuleType):
    """Stands for W&B or MLflow: takes down what it is told."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = __import__("importlib.machinery", fromlist=["x"]).ModuleSpec(name, None)
        self.calls: list[tuple[str, Any]] = []
        self.steps: list[tuple[int, dict[str, float]]] = []

    def log(self, figures: dict[str, float], step: int) -> None:
        self.steps.append((step, figures))

    log_metrics = log

    @contextmanager
    def init(self, **told: Any) -> Iterator[Recorder]:
        self.calls.append(("init", told))
        yield self

    @contextmanager
    def start_run(self, run_name: str) -> Iterator[None]:
        self.calls.append(("start_run", run_name))
        yield

    def set_tracking_uri(self, uri: str) -> None:
        self.calls.append(("set_tracking_uri", uri))

    def set_experiment(self, name: str) -> None:
        self.calls.append(("set_experiment", name))

    def log_params(self, params: dict[str, Any]) -> None:
        self.calls.append(("log_params", params))


def write(name: str, folder: Path) -> None:
    write_logs((name,), HISTORIES, {"seed": 0}, name="store", folder=folder / "logs")


def test_figures_of_all_objectives_stand_by_step() -> None:
    assert by_step(HISTORIES) == STEPS


def test_a_score_knows_after_how_many_losses_it_was_taken() -> None:
    history = History()
    assert history.judge(1.0)
    history.losses += [0.5, 0.4]
    assert not history.judge(0.5)
    assert history.judge(1.0)
    assert (history.checked, history.scores) == ([0, 2, 2], [1.0, 0.5, 1.0])


def test_two_event_files_of_one_training_are_one(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        write("tensorboard", folder)
    one, two = ((tmp_path / name / "logs" / EVENTS).read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"links/validation score" in one


def test_none_writes_nothing(tmp_path: Path) -> None:
    write("none", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wandb_is_told_every_step_offline_unless_its_variable_says_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", known := Recorder("wandb"))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    check_logs(("wandb",))
    write("wandb", tmp_path)
    monkeypatch.setenv("WANDB_MODE", "online")
    write("wandb", tmp_path)
    told = {"project": "sensegraph", "name": "store", "config": {"seed": 0}}
    assert known.calls == [("init", told | {"mode": mode}) for mode in ("offline", "online")]
    assert known.steps == 2 * STEPS


def test_mlflow_is_told_every_step_in_a_folder_unless_its_variable_says_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", known := Recorder("mlflow"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # so that it is as before afterwards
    monkeypatch.chdir(tmp_path)
    write("mlflow", tmp_path)
    assert known.calls[0] == ("set_tracking_uri", (tmp_path / "mlruns").as_uri())
    assert known.calls[1:] == [
        ("set_experiment", "sensegraph"),
        ("start_run", "store"),
        ("log_params", {"seed": 0}),
    ]
    assert known.steps == STEPS
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    write("mlflow", tmp_path)
    assert [call for call, _ in known.calls].count("set_tracking_uri") == 1


@pytest.mark.parametrize(("name", "package"), [("wandb", "wandb"), ("mlflow", "mlflow-skinny")])
def test_what_is_not_installed_is_told_with_the_way_to_install_it(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=rf"--log {name} \(got none\): pip install {package}$"):
        check_logs((name,))
    check_logs(("tensorboard", "none"))
