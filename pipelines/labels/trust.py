"""How far senses are trusted where classes are told: learned from examples that are kept out of everything.

Spaces whitened within classes fit the examples that they were found on: even with an example left out of its
class's row, it would look nearer to its class than a new one is. So the training part is cut in folds, and
each fold is compared with rows, in spaces, that know nothing of its labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from fusion.base import JointGraph
from fusion.label import LabelModel, evidence_groups
from fusion.prototypes import Nearness, Prototypes
from fusion.senses import Spectrum
from pipelines.training.course import Course

STEPS = 60
SHRINKAGE = (0.1, 0.3, 0.6, 0.9)
"""How much of a sphere the covariance within classes takes on; the less is known of it, the more."""


@dataclass(frozen=True)
class Examples:
    """What both steps are given: the model, the joint graph, and the training part.

    Shapes: ``entities (m,)``, ``classes (m,)``, ``labels``, which are the classes or, of several, shares
    ``(m, classes)``, ``fold (m,)`` (see pipelines.labels.split), ``weight (classes,)`` or None; `plain` are
    the bases of the senses before they are whitened, and `spectra` what was found in them without each fold
    (-1: with all).
    """

    model: LabelModel
    graph: JointGraph
    entities: Tensor
    classes: Tensor
    labels: Tensor
    fold: Tensor
    weight: Tensor | None
    plain: dict[str, Tensor]
    spectra: dict[int, dict[str, Spectrum]] = field(default_factory=dict)

    def whiten(self, shrinkage: float, without: int = -1) -> None:
        """Whiten the spaces by all examples, or by those outside one fold."""
        fusion = self.model.fusion
        if without not in self.spectra:
            label = torch.full((self.graph.num_entities,), -1, device=self.classes.device)
            at = self.fold != without if without >= 0 else slice(None)
            label[self.entities[at]] = self.classes[at]
            self.spectra[without] = fusion.within_classes(self.graph, label, self.plain)
        fusion.whiten(self.spectra[without], self.plain, shrinkage)

    @torch.no_grad()
    def unseen(self, shrinkage: float) -> tuple[dict[str, Nearness], Tensor]:
        """The examples of all folds, each against rows that know nothing of its fold, and their classes.

        The spaces are left as the last fold needs them: whiten them anew.
        """
        model, everything = self.model, self.model.examples
        found: list[dict[str, Nearness]] = []
        truth = []
        for number in self.fold[self.fold >= 0].unique().tolist():
            rest, judged = self.fold != number, self.fold == number
            self.whiten(shrinkage, number)
            model.examples = everything[:, torch.isin(everything[0], self.entities[rest])]
            memory = model.remember(self.graph)
            view = model.view(memory.senses, self.graph.affinity, self.entities[judged])
            found.append(model.near(view, memory))
            truth.append(self.labels[judged])
        model.examples = everything
        return {name: Nearness.joined([one[name] for one in found]) for name in found[0]}, torch.cat(truth)


def choose_spaces(known: Examples) -> float:
    """Whiten the senses' spaces by the shrinkage that lets unseen examples be told best, and give it.

    The scalars of the classes' rows are left as they were fitted in these spaces.
    """
    chosen, least = SHRINKAGE[-1], float("inf")
    if bool((known.fold >= 0).any()):
        for shrinkage in SHRINKAGE:
            prototypes, loss = _fitted(known, shrinkage)
            if loss < least:
                chosen, least = shrinkage, loss
                known.model.prototypes.load_state_dict(prototypes.state_dict())
    known.whiten(chosen)
    return chosen


def learn_trust(known: Examples, shrinkage: float) -> None:
    """Fit the scalars anew in the chosen spaces, for a fusion that tells things otherwise by now."""
    if bool((known.fold >= 0).any()):
        known.model.prototypes.load_state_dict(_fitted(known, shrinkage)[0].state_dict())
        known.whiten(shrinkage)


def _fitted(known: Examples, shrinkage: float) -> tuple[Prototypes, float]:
    """Scalars by the likelihood of unseen examples, and what it comes to.

    The same examples, bereft of one sense after the other, tell what is added to the others' scalars then.
    """
    near, truth = known.unseen(shrinkage)
    shown = [near, *bereft(near)]
    prototypes = Prototypes(tuple(known.model.prototypes.names)).to(truth.device)
    optimizer = torch.optim.Adam(prototypes.parameters(), lr=0.1)
    start = prototypes.gain.detach().clone()
    # what everyone lacks makes no difference: learned, it would be the gains by another name
    met = torch.stack([near[name].present.any() for name in prototypes.names]).unsqueeze(1)
    prototypes.without.register_hook(lambda gradient: gradient * met)
    course = Course("the trusts in senses", prototypes)
    for _ in range(STEPS):
        losses = torch.stack(
            [functional.cross_entropy(prototypes(one), truth, known.weight) for one in shown]
        )
        # where all is told apart the likelihood has no end: the gains stay near where they began
        moved = (prototypes.gain - start).square().sum() + prototypes.without.square().sum()
        course.took(float(losses.detach().sum()))
        optimizer.zero_grad()
        losses[1:].sum().backward(retain_graph=True)
        # who lacks a sense is no guide to those who lack none
        prototypes.gain.grad = prototypes.spread.grad = None
        (losses[0] + 0.02 * moved).backward()
        optimizer.step()
    return prototypes, float(losses[0].detach())


def bereft(near: dict[str, Nearness]) -> list[dict[str, Nearness]]:
    """The same once for each source of evidence that anyone has, all of them lacking it.

    Nothing where there is one source: who lacks that can be told by nothing.
    """
    had = {name for name, one in near.items() if bool(one.present.any())}
    groups = [names for names in evidence_groups(near).values() if not had.isdisjoint(names)]
    if len(groups) < 2:
        return []
    return [{name: one.missing() if name in gone else one for name, one in near.items()} for gone in groups]
