"""How `benchmarks.mmkg` trains ComplEx: epoch by epoch, each kept, so that a stopped run goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def once(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What some work on this run came to; a run that was stopped afterwards need not do it again."""
        kept = self.path.with_suffix(".json")
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside = kept.with_suffix(".tmp")
            beside.write_text(json.dumps(work()), encoding="utf-8")
            beside.replace(kept)
        result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return result


@kept_memory()
def trained(
    facts: Facts, learned: Tensor, run: Run, epochs: int, judge: Callable[[Free], float] | None = None
) -> Free:
    """The model of the epoch that the judge likes best, of every fourth and the last; else the last one."""
    half = fast_bfloat16(torch.device("cpu"))
    model = Free(facts, run.rank, half=half, seed=run.seed)
    best, history, done, spent = _restored(model, run)
    start = time.perf_counter() - spent
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
        _keep(model, best, history, epoch + 1, time.perf_counter() - start, run)
    model.load_state_dict(best)
    return model


def best_epoch(run: Run) -> int:
    """How many epochs the judge liked best."""
    with safe_open(run.path, "pt") as file:
        history = json.loads(file.metadata()["history"])
    return int(max(history, key=lambda pair: pair[1])[0])


def seconds_of(run: Run) -> float:
    """What the epochs took, those before a stop among them."""
    with safe_open(run.path, "pt") as file:
        return float(file.metadata()["seconds"])


def _weights(model: Free) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _sums(model: Free) -> dict[str, Tensor]:
    """Adagrad's state by parameter."""
    return {name: model.optimizer.state[parameter]["sum"] for name, parameter in model.named_parameters()}


def _keep(
    model: Free,
    best: dict[str, Tensor],
    history: list[tuple[int, float]],
    epoch: int,
    seconds: float,
    run: Run,
) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    groups = {"last": _weights(model), "best": best, "sum": _sums(model)}
    tensors = {f"{group}.{name}": value for group, part in groups.items() for name, value in part.items()}
    beside = run.path.with_suffix(".tmp")
    about = {"history": json.dumps(history), "epoch": str(epoch), "seconds": str(seconds)}
    save_file(tensors, beside, about)
    beside.replace(run.path)


def _restored(model: Free, run: Run) -> tuple[dict[str, Tensor], list[tuple[int, float]], int, float]:
    """Bring a model to the state that was kept, if one was; best weights, history, epochs done, seconds."""
    if not run.path.is_file():
        return _weights(model), [], 0, 0.0
    with safe_open(run.path, "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def group(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}

    model.load_state_dict(group("last"))
    for name, parameter in model.named_parameters():
        model.optimizer.state[parameter]["sum"].copy_(group("sum")[name])
    history = [(int(epoch), float(score)) for epoch, score in json.loads(about["history"])]
    return group("best"), history, int(about["epoch"]), float(about["seconds"])
