"""The course of a training: where it goes on, what it keeps, and that a loss that is no number ends it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from torch import nn, optim

from pipelines.training import processes
from pipelines.training.checkpoint import (
    Checkpoint,
    Generator,
    moving_parts,
    next_checkpoint,
    set_moving_parts,
)
from pipelines.training.history import History


class TrainingError(ValueError):
    """A loss that is no number before there was a state to fall back on."""


class Course:
    """One objective's training as it goes: its history, and the best state of the model so far.

    A step whose loss is NaN or infinite ends the training, as does a weight that is; the best state stays.

    Args:
        objective: what a person calls it.
        model: what is trained.
        hint: what may help where there is nothing to keep.
        optimizers: what moves the model, where `turns` is to keep checkpoints.
        generators: of what is drawn beside torch's own random numbers, likewise.
    """

    def __init__(
        self,
        objective: str,
        model: nn.Module,
        hint: str = "",
        *,
        optimizers: Sequence[optim.Optimizer] = (),
        generators: Sequence[Generator] = (),
    ) -> None:
        self.objective, self.model, self.hint, self.history = objective, model, hint, History()
        self.optimizers, self.generators = optimizers, generators
        self.best: dict[str, Any] = copy.deepcopy(model.state_dict())
        self.steps = self.taken = 0
        self._kept: int | None = None

    def turns(self, most: int, patience: int | None = None) -> Iterator[int]:
        """Numbers of the epochs (or steps) to take, up to `most`, or until validation is out of patience.

        Inside `pipelines.training.checkpoint.kept_in` each that was judged leaves a checkpoint, and what a
        stopped call has taken is not taken again. Of several processes the first one's state counts.
        """
        checkpoint = next_checkpoint(self.objective)
        if checkpoint:
            self._resume(checkpoint)
        processes.agree(self.model)
        processes.draw_apart(self.taken)
        for turn in range(self.taken, most):
            if patience is not None and self.history.stale(patience):
                return
            self.taken, judged = turn + 1, len(self.history.scores)
            yield turn
            if checkpoint and len(self.history.scores) > judged and processes.leads():
                self._write(checkpoint)

    def took(self, loss: float) -> bool:
        """Count a step by its loss; False where training has to end.

        Raises:
            TrainingError: it has to, and no state was kept before.
        """
        self.steps += 1
        return math.isfinite(loss) or self._stop(f"a loss of {loss} in step {self.steps}")

    def each(self, losses: Iterable[float]) -> Iterator[float]:
        """The losses of steps as they are taken, up to one that is no number."""
        for loss in losses:
            if not self.took(loss):
                return
            yield loss

    def sound(self) -> bool:
        """Whether all weights are numbers; False where training has to end.

        Raises:
            TrainingError: it has to, and no state was kept before.
        """
        finite = all(bool(weight.isfinite().all()) for weight in self.model.parameters())
        return finite or self._stop(f"a weight that is none after step {self.steps}")

    def judge(self, score: float) -> bool:
        """Take down a validation score and keep the state if none before was better; whether it was kept.

        Of several processes the first one's score counts, so that all stop together.
        """
        better = self.history.judge(processes.agreed_number(score))
        if better:
            self.keep()
        return better

    def keep(self) -> None:
        """Keep the state as it is now."""
        self.best, self._kept = copy.deepcopy(self.model.state_dict()), self.steps

    def restore(self) -> None:
        """Go back to the state that was kept."""
        self.model.load_state_dict(self.best)

    @property
    def stopped(self) -> bool:
        """Whether a loss was no number."""
        return bool(self.history.stopped)

    def _write(self, checkpoint: Checkpoint) -> None:
        """Keep all that the next turn depends on."""
        tensors, rest = moving_parts(self.optimizers, self.generators)
        for kind, state in (("last", self.model.state_dict()), ("best", self.best)):
            tensors |= {f"{kind}.{name}": value for name, value in state.items()}
        about = {"taken": self.taken, "steps": self.steps, "kept": self._kept}
        checkpoint.write(tensors, about | {"history": asdict(self.history), "rest": rest})

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Take up what was kept, if something was."""
        kept = checkpoint.read()
        if kept is None:
            return
        tensors, about = kept
        for kind, state in (("last", self.model.state_dict()), ("best", self.best)):
            for name, value in state.items():
                value.copy_(tensors[f"{kind}.{name}"])
        set_moving_parts(self.optimizers, self.generators, tensors, about["rest"])
        self.taken, self.steps, self._kept = about["taken"], about["steps"], about["kept"]
        vars(self.history).update(about["history"])

    def _stop(self, what: str) -> bool:
        if self._kept is None:
            hint = f": {self.hint}" if self.hint else ""
            raise TrainingError(
                f"expected numbers while {self.objective} are learned "
                f"(got {what}, before a state was kept){hint}"
            )
        self.history.stopped.append(
            f"learning {self.objective} stopped: expected numbers (got {what}); "
            f"the best state before, of step {self._kept}, is kept"
        )
        return False
