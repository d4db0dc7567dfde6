"""What a training loop leaves behind, how it reports, and where it stops: on a loss that is no number."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[str, int, int], None]
"""Called with what is running, steps done, steps in all."""


class TrainingError(ValueError):
    """A loss that is no number before there was a state to fall back on."""


@dataclass
class History:
    """Losses by step (or epoch), validation scores by check, and the best of these.

    `checked` tells for each score how many losses there were when it was taken, `stopped` which loss was no
    number and what was kept then.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    checked: list[int] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def judge(self, score: float) -> bool:
        """Take down a validation score; whether none before was better."""
        self.scores.append(score)
        self.checked.append(len(self.losses))
        return score >= max(self.scores)

    def stale(self, patience: int) -> bool:
        """Whether the best score is `patience` checks ago."""
        return len(self.scores) - 1 - int(np.argmax(self.scores)) >= patience

    def chosen(self) -> dict[str, float | int]:
        """Which check validation has chosen, and its score; nothing where no score was a number."""
        if not np.isfinite(self.scores).any():
            return {}
        known = np.where(np.isnan(self.scores), -np.inf, self.scores)
        # of equal scores the last was kept
        best = len(known) - 1 - int(np.argmax(known[::-1]))
        return {"after": self.checked[best], "score": self.scores[best]}


class Course:
    """One objective's training as it goes: its history, and the best state of the model so far.

    A step whose loss is NaN or infinite ends the training, as does a weight that is; the best state stays.

    Args:
        objective: what a person calls it.
        model: what is trained.
        hint: what may help where there is nothing to keep.
    """

    def __init__(self, objective: str, model: nn.Module, hint: str = "") -> None:
        self.objective, self.model, self.hint, self.history = objective, model, hint, History()
        self.best: dict[str, Any] = copy.deepcopy(model.state_dict())
        self.steps = 0
        self._kept: int | None = None

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
        """Take down a validation score and keep the state if none before was better; whether it was kept."""
        better = self.history.judge(score)
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
