"""How far senses are trusted where classes are told: learned from examples that are kept out of everything.

Spaces whitened within classes fit the examples that they were found on: even with an example left out of its
class's row, it would look nearer to its class than a new one is. So the training part is cut in folds, and
each fold is compared with rows, in spaces, that know nothing of its labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fusion.base import JointGraph
from fusion.label import LabelModel
from fusion.prototypes import Nearness, Prototypes, nearness

FOLDS = 5
STEPS = 60
SHRINKAGE = (0.1, 0.3, 0.6, 0.9)
"""How much of a sphere the covariance within classes takes on; the less is known of it, the more."""


@dataclass(frozen=True)
class Examples:
    """What both steps are given: the model, the joint graph, and the training part.

    Shapes: ``entities (m,)``, ``classes (m,)``, ``labels``, which are the classes or, of several, shares
    ``(m, classes)``, ``fold (m,)`` (see `folds`), ``weight (classes,)`` or None; `plain` are the bases of the
    senses before they are whitened.
    """

    model: LabelModel
    graph: JointGraph
    entities: Tensor
    classes: Tensor
    labels: Tensor
    fold: Tensor
    weight: Tensor | None
    plain: dict[str, Tensor]

    def whiten(self, shrinkage: float, known: Tensor | None = None) -> None:
        """Whiten the spaces by all examples, or by those ``(m,) bool`` alone."""
        label = torch.full((self.graph.num_entities,), -1, device=self.classes.device)
        at = slice(None) if known is None else known
        label[self.entities[at]] = self.classes[at]
        fusion = self.model.fusion
        fusion.whiten(fusion.within_classes(self.graph, label, self.plain), self.plain, shrinkage)

    @torch.no_grad()
    def unseen(self, shrinkage: float) -> tuple[dict[str, Nearness], Tensor]:
        """The examples of all folds, each against rows that know nothing of its fold, and their classes.

        The spaces are whitened by all examples afterwards.
        """
        model, everything = self.model, self.model.examples
        found: list[dict[str, Nearness]] = []
        truth = []
        for number in self.fold[self.fold >= 0].unique():
            rest, judged = self.fold != number, self.fold == number
            self.whiten(shrinkage, rest)
            model.examples = everything[:, torch.isin(everything[0], self.entities[rest])]
            memory = model.remember(self.graph)
            shown = model.fusion.told(model.view(memory.senses, self.graph.affinity, self.entities[judged]))
            found.append({name: nearness(shown[name], rows) for name, rows in memory.rows.items()})
            truth.append(self.labels[judged])
        model.examples = everything
        self.whiten(shrinkage)
        return {name: Nearness.joined([one[name] for one in found]) for name in found[0]}, torch.cat(truth)


def choose_spaces(known: Examples) -> float:
    """Whiten the senses' spaces by the shrinkage that lets unseen examples be told best, and give it."""
    losses = {}
    if bool((known.fold >= 0).any()):
        for shrinkage in SHRINKAGE:
            prototypes = Prototypes(tuple(known.model.prototypes.names)).to(known.classes.device)
            losses[shrinkage] = _fit(prototypes, *known.unseen(shrinkage), known.weight)
    chosen = min(losses, key=losses.__getitem__) if losses else SHRINKAGE[-1]
    known.whiten(chosen)
    return chosen


def learn_trust(known: Examples, shrinkage: float) -> None:
    """Fit the scalars of the classes' rows, in the chosen spaces."""
    if bool((known.fold >= 0).any()):
        _fit(known.model.prototypes, *known.unseen(shrinkage), known.weight)


def folds(classes: Tensor, seed: int) -> Tensor:
    """Each example's fold ``(m,) int64``; a class is spread over them, and -1 is one that its class needs."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(classes))).to(classes.device)
    grouped = order[classes[order].argsort(stable=True)]
    count = torch.bincount(classes)
    fold = torch.empty_like(classes)
    fold[grouped] = torch.arange(len(classes), device=classes.device) % FOLDS
    fold[count[classes] < 2] = -1
    return fold


def _fit(prototypes: Prototypes, near: dict[str, Nearness], truth: Tensor, weight: Tensor | None) -> float:
    """Fit the scalars by the likelihood; what it comes to."""
    optimizer = torch.optim.Adam(prototypes.parameters(), lr=0.1)
    start = prototypes.gain.detach().clone()
    for _ in range(STEPS):
        loss = functional.cross_entropy(prototypes.summed(near), truth, weight)
        # where all is told apart the likelihood has no end: the gains stay near where they began
        total = loss + 0.02 * (prototypes.gain - start).square().sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return float(loss.detach())
