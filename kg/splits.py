"""Parts for training, validation and test that do not leak into each other. Arrays only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Learning:
    """What training is given of a split: the part to learn from and the part to choose by."""

    train: Ids
    valid: Ids


@dataclass(frozen=True)
class Split:
    """Indices of the three parts, each ascending, disjoint, together everything that was split."""

    train: Ids
    valid: Ids
    test: Ids

    def learning(self) -> Learning:
        """The parts that training may know."""
        return Learning(self.train, self.valid)


@dataclass
class Seal:
    """Takes down when the test part was opened, and what validation had chosen before; it opens once."""

    record: dict[str, Any] = field(default_factory=dict)

    def open(self, split: Split, chosen: Mapping[str, Any]) -> Ids:
        """The test part: indices, or facts where the parts are facts.

        Args:
            split: what was split.
            chosen: what validation has chosen, as plain JSON values.

        Raises:
            RuntimeError: if it was opened before.
        """
        if self.record:
            raise RuntimeError(f"expected a test that is opened once (it was, at {self.record['opened']})")
        sizes = {name: len(getattr(split, name)) for name in ("train", "valid", "test")}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.record |= {"parts": sizes, "chosen_by_validation": dict(chosen), "opened": now}
        return split.test


def grouped_split(groups: Ids, *, valid: float, test: float, seed: int) -> Split:
    """Split rows so that no group is in two parts: concept-disjoint when a group is a concept.

    Args:
        groups: ``(n,)`` group of each row.
        valid: share of the groups for validation.
        test: share of the groups for the test.
        seed: of the shuffle.

    Raises:
        ValueError: if the shares do not leave a training part.
    """
    _check_shares(valid, test)
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    # rounding must not take the last group from training
    most = max(len(names) - 1, 0)
    first, second = (min(round(share * len(names)), most) for share in (test, test + valid))
    part = {"test": names[:first], "valid": names[first:second], "train": names[second:]}
    return Split(**{key: np.flatnonzero(np.isin(groups, ids)) for key, ids in part.items()})


def triple_split(triples: Ids, *, valid: float, test: float, seed: int) -> Split:
    """Split facts so that each entity and each relation keeps at least one training fact.

    A fact goes to a held-out part only while its head, relation and tail all have another one left,
    so the parts can be smaller than asked. Facts between the same two entities stay together: a
    second relation between them (often an inverse) would give the answer away.

    Args:
        triples: ``(t, 3)`` head, relation, tail.
        valid: share of the facts for validation.
        test: share of the facts for the test.
        seed: of the shuffle.

    Raises:
        ValueError: if the shares do not leave a training part.
    """
    _check_shares(valid, test)
    low, high = np.minimum(triples[:, 0], triples[:, 2]), np.maximum(triples[:, 0], triples[:, 2])
    _, pair, size = np.unique(np.stack([low, high], 1), axis=0, return_inverse=True, return_counts=True)
    pair = pair.reshape(-1)
    degree = np.bincount(triples[:, [0, 2]].reshape(-1))
    frequency = np.bincount(triples[:, 1])
    wanted = round((valid + test) * len(triples))
    held: list[int] = []
    for row in np.random.default_rng(seed).permutation(np.flatnonzero(size[pair] == 1)):
        if len(held) == wanted:
            break
        head, relation, tail = triples[row]
        if min(degree[head], degree[tail]) > 1 and frequency[relation] > 1 and head != tail:
            degree[head] -= 1
            degree[tail] -= 1
            frequency[relation] -= 1
            held.append(int(row))
    cut = round(len(held) * valid / (valid + test)) if held else 0
    out = np.array(held, dtype=np.int64)
    train = np.setdiff1d(np.arange(len(triples)), out)
    return Split(train=train, valid=np.sort(out[:cut]), test=np.sort(out[cut:]))


def _check_shares(valid: float, test: float) -> None:
    if not (valid >= 0 and test >= 0 and valid + test < 1):
        raise ValueError(f"expected shares that leave a training part (got {valid} and {test})")
