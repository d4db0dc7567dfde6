"""Ranks query by query: their rows, how sure these are, and what another run needs to compare itself.

What was asked is kept as a hash, so that two runs can tell whether they answered the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.ranking import scores_of, summary
from kg.resampling import interval


@dataclass(frozen=True)
class Ranked:
    """Ranks of some queries, and a hash of what was asked, in this order.

    Shapes: ``ranks (q, k)``: k answers that count as one draw, such as both ends of a fact.
    """

    asked: str
    ranks: NDArray[np.float64]

    @classmethod
    def of(cls, names: Iterable[str], ranks: NDArray[np.float64]) -> Ranked:
        """Hash the names of the queries; ``ranks (q,)`` or ``(q, k)``."""
        found = hashlib.sha256("\n".join(names).encode())
        return cls(found.hexdigest(), ranks if ranks.ndim == 2 else ranks[:, None])

    def row(self) -> dict[str, float]:
        """The row that the tables show."""
        return summary(self.ranks.reshape(-1))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, whole ranks as whole numbers."""
        columns = [[int(r) if r == int(r) else r for r in column] for column in self.ranks.T.tolist()]
        return {"asked": self.asked, "ranks": columns}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Ranked:
        """Read them back."""
        return cls(str(values["asked"]), np.array(values["ranks"], dtype=np.float64).T)


def intervals(splits: Sequence[Ranked]) -> dict[str, list[float] | None]:
    """The 95 % bootstrap interval of each measure, as JSON has it; queries drawn anew within each split."""
    scores = [scores_of(one.ranks) for one in splits if one.ranks.size]
    measures = ("MRR", "R@1", "R@5", "R@10")
    found = {name: interval([one[name].mean(1) for one in scores]) for name in measures}
    return {name: None if ends is None else list(ends) for name, ends in found.items()}
