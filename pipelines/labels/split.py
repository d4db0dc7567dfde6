"""Parts of the entities whose value is known: training, validation, test, and the folds of the training part.

Every class keeps an example that may be learned from, and of a group (the studies of one patient, the runs
cut from one recording) no two entities lie on different sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kg.splits import Learning, Split
from pipelines.labels.target import Target

FOLDS = 5

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Taught:
    """What label training is given: a target that knows the values of two parts alone, and these parts.

    Shapes: ``held (h,)``, entities whose observations the spaces of the senses are not fitted on.
    """

    target: Target
    split: Learning
    held: Ids

    @classmethod
    def of(cls, target: Target, split: Split) -> Taught:
        """Forget the values of whoever is neither learned from nor chosen by."""
        part = np.union1d(split.train, split.valid)
        train, valid = (np.searchsorted(part, rows) for rows in (split.train, split.valid))
        held = target.entities[np.concatenate([split.valid, split.test])]
        return cls(target.known_of(part), Learning(train, valid), held)


def label_split(target: Target, *, valid: float, test: float, seed: int) -> Split:
    """Parts of the labelled entities, as indices into them, each class in proportion.

    A class keeps at least one example for training, so one with a single example is only there. Groups stay
    whole, so that the shares are met as nearly as their sizes allow.
    """
    random = np.random.default_rng(seed)
    if target.groups is not None:
        return _of_groups(target, valid, test, random)
    parts: dict[str, list[Ids]] = {"train": [], "valid": [], "test": []}
    for label in range(len(target.names)):
        rows = random.permutation(np.flatnonzero(target.classes == label))
        first = min(_some(test * len(rows), random), len(rows) - 1)
        second = min(first + _some(valid * len(rows), random), len(rows) - 1)
        for name, part in zip(parts, (rows[second:], rows[first:second], rows[:first]), strict=True):
            parts[name].append(part)
    split = Split(**{name: np.sort(np.concatenate(rows)) for name, rows in parts.items()})
    return _with_every_class(split, target, random)


def fewer_labels(split: Split, target: Target, share: float, seed: int) -> Split:
    """The same split with a share of the labels, each class keeping one for training.

    Validation's are thinned as well: they stop the training, and are examples once they have judged it.
    """
    if share == 1:
        return split
    random = np.random.default_rng(seed)
    order = random.permutation(split.train)
    first = order[np.unique(target.classes[order], return_index=True)[1]]
    # a class that is nobody's rarest has no example of its own among them
    place, label = target.pairs(order)
    for number in np.setdiff1d(label, target.pairs(first)[1]):
        if number not in target.pairs(first)[1]:
            first = np.append(first, place[label == number][0])
    count = max(round(share * len(order)), len(first))
    rest = order[~np.isin(order, first)][: count - len(first)]
    valid = random.permutation(split.valid)[: round(share * len(split.valid))]
    return replace(split, train=np.sort(np.concatenate([first, rest])), valid=np.sort(valid))


def folds(target: Target, part: Ids, seed: int) -> Ids:
    """The fold of each entity of a part ``(m,)``; -1 is one that a class needs as its example outside.

    A class is spread over the folds, and of no class do all examples lie in one.
    """
    order = np.random.default_rng(seed).permutation(len(part))
    grouped = order[target.classes[part][order].argsort(kind="stable")]
    own = grouped if target.groups is None else target.groups[part][grouped]
    # the first of each group is dealt out, the others go where it goes
    _, first, number = np.unique(own, return_index=True, return_inverse=True)
    dealt = np.empty(len(first), dtype=np.int64)
    dealt[first.argsort()] = np.arange(len(first)) % FOLDS
    at = np.empty(len(target.entities), dtype=np.int64)
    at[part[grouped]] = number
    place, label = target.pairs(part)
    for lonely in _lonely(dealt[at[place]], label):
        holders = at[place[label == lonely]]
        if len(np.unique(dealt[holders])) == 1:  # unless it was mended with another class
            dealt[holders[0]] = -1
    return dealt[at[part]]


def _lonely(fold: Ids, label: Ids) -> Ids:
    """Classes whose examples all lie in one fold."""
    cells = np.unique(np.stack([label, fold]), axis=1)
    classes, count = np.unique(cells[0], return_counts=True)
    return np.asarray(classes[count == 1])


def _of_groups(target: Target, valid: float, test: float, random: np.random.Generator) -> Split:
    """The split where groups are drawn rather than entities: each if it brings a part nearer to its share."""
    place, label = target.pairs()
    assert target.groups is not None
    cells, count = np.unique(target.groups[place] * len(target.names) + label, return_counts=True)
    group, label = np.divmod(cells, len(target.names))
    start = np.searchsorted(group, np.arange(target.groups.max() + 2))
    left = np.bincount(label, count, minlength=len(target.names)).astype(np.int64)
    part = np.zeros(len(start) - 1, dtype=np.int64)
    total = left.copy()
    for number, share in ((1, test), (2, valid)):
        want = np.array([_some(share * size, random) for size in total.tolist()])
        for one in random.permutation(np.flatnonzero(part == 0)):
            held, size = (rows[start[one] : start[one + 1]] for rows in (label, count))
            nearer = np.abs(want[held]).sum() > np.abs(want[held] - size).sum()
            if nearer and (left[held] > size).all():
                part[one] = number
                want[held] -= size
                left[held] -= size
    train, tested, judged = (np.flatnonzero(part[target.groups] == number) for number in range(3))
    return Split(train=train, valid=judged, test=tested)


def _with_every_class(split: Split, target: Target, random: np.random.Generator) -> Split:
    """The split with an example of each class in training, one of those that have several values."""
    place, label = target.pairs()
    for number in np.setdiff1d(label, target.pairs(split.train)[1]):
        if number not in target.pairs(split.train)[1]:
            back = random.choice(place[label == number])
            split = Split(
                train=np.sort(np.append(split.train, back)),
                valid=split.valid[split.valid != back],
                test=split.test[split.test != back],
            )
    return split


def _some(expected: float, random: np.random.Generator) -> int:
    """A whole number with this mean: small classes are held out now and then rather than never."""
    whole = int(expected)
    return whole + int(random.random() < expected - whole)
