"""How `benchmarks.mmkg` trains ComplEx: epoch by epoch, each kept, so that a stopped run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.link_sides import Facts, Free
from kg.links import fast_bfloat16
from kg.memory import kept_memory


@dataclass(frozen=True)
class Run:
    """One training: what it depends on, and where its state is kept."""

    folder: Path
    name: str
    seed: int
    rank: int
    n3: float

    @property
    def path(self) -> Path:
        """The file of the last epoch."""
        return self.folder / f"{self.name}-rank{self.rank}-n3{self.n3:g}-seed{self.seed}.safetensors"


@kept_memory()
def trained(
    facts: Facts, learned: Tensor, run: Run, epochs: int, judge: Callable[[Free], float] | None = None
) -> Free:
    """The model of the epoch that the judge likes best, of every fourth and the last; else the last one."""
    half = fast_bfloat16(torch.device("cpu"))
    model = Free(facts, run.rank, half=half, seed=run.seed)
    best, history, done = _restored(model, run)
    for epoch in range(done, epochs):
        torch.manual_seed(1000 * run.seed + epoch)
        model.epoch(learned, run.n3, by_fact=True)
        if judge is None:
            best = _weights(model)
        elif (epoch + 1) % 4 == 0 or epoch + 1 == epochs:
            score = judge(model)
            print(f"{run.path.stem}: epoch {epoch + 1}, {score:.4f}", flush=True)
            if score > max((old for _, old in history), default=float("-inf")):
                best = _weights(model)
            history.append((epoch + 1, score))
        _keep(model, best, history, epoch + 1, run)
    model.load_state_dict(best)
    return model


def best_epoch(run: Run) -> int:
    """How many epochs the judge liked best."""
    with safe_open(run.path, "pt") as file:
        history = json.loads(file.metadata()["history"])
    return int(max(history, key=lambda pair: pair[1])[0])


def _weights(model: Free) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _sums(model: Free) -> dict[str, Tensor]:
    """Adagrad's state by parameter."""
    return {name: model.optimizer.state[parameter]["sum"] for name, parameter in model.named_parameters()}


def _keep(
    model: Free, best: dict[str, Tensor], history: list[tuple[int, float]], epoch: int, run: Run
) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    groups = {"last": _weights(model), "best": best, "sum": _sums(model)}
    tensors = {f"{group}.{name}": value for group, part in groups.items() for name, value in part.items()}
    beside = run.path.with_suffix(".tmp")
    save_file(tensors, beside, {"history": json.dumps(history), "epoch": str(epoch)})
    beside.replace(run.path)


def _restored(model: Free, run: Run) -> tuple[dict[str, Tensor], list[tuple[int, float]], int]:
    """Bring a model to the state that was kept, if one was; best weights, history, epochs done."""
    if not run.path.is_file():
        return _weights(model), [], 0
    with safe_open(run.path, "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def group(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}

    model.load_state_dict(group("last"))
    for name, parameter in model.named_parameters():
        model.optimizer.state[parameter]["sum"].copy_(group("sum")[name])
    history = [(int(epoch), float(score)) for epoch, score in json.loads(about["history"])]
    return group("best"), history, int(about["epoch"])
