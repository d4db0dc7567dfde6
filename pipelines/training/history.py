"""What a training loop leaves behind, and how it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Progress = Callable[[str, int, int], None]
"""Called with what is running, steps done, steps in all."""


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
        return bool(self.scores) and len(self.scores) - 1 - int(np.argmax(self.scores)) >= patience

    def chosen(self) -> dict[str, float | int]:
        """Which check validation has chosen, and its score; nothing where no score was a number."""
        if not np.isfinite(self.scores).any():
            return {}
        known = np.where(np.isnan(self.scores), -np.inf, self.scores)
        # of equal scores the last was kept
        best = len(known) - 1 - int(np.argmax(known[::-1]))
        return {"after": self.checked[best], "score": self.scores[best]}
