"""The label objective: learn which class each entity is of, from its senses and the facts around it.

Supervised by the labels of the training part alone; the unlabelled entities stay in the graph and tell what
they have to their neighbours. Deterministic on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fusion import FUSIONS
from fusion.base import STRUCTURE, JointGraph, Senses, View
from fusion.label import LabelModel, Memory, disturbed, evidence_groups
from fusion.senses import SenseFusion
from pipelines.labels.split import Taught, folds
from pipelines.labels.target import Target
from pipelines.labels.trust import Examples, choose_spaces, learn_trust
from pipelines.settings import Settings
from pipelines.training import processes
from pipelines.training.alignment import context_modalities
from pipelines.training.course import Course
from pipelines.training.history import History, Progress

BATCH = 512
SMOOTHING = 0.05
KEPT = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the learned term that are tried where a modality is missing."""
KEEP = 10
"""Steps of the reconstruction, which no validation judges, after which its state is kept."""
DOUBT = 5.0
"""Labels that it takes to move the temperature."""


@dataclass(frozen=True)
class Labeller:
    """A trained label model, and the temperature that makes its probabilities honest on validation."""

    model: LabelModel
    temperature: float
    history: History

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated: ``(b, classes) -> (b, classes)``."""
        return (logits / self.temperature).softmax(1)


def train_labels(graph: JointGraph, taught: Taught, settings: Settings, progress: Progress) -> Labeller:
    """Train on the split's training part; keep the state of the best validation loss.

    The graph must be free of the target and of whatever gives it away. First the few scalars of the classes'
    rows are learned (see pipelines.labels.trust); then the learned term is added. In each of its
    steps, senses of some entities are hidden and disturbed, so that the model does not lean on one of them.
    Several processes share the rows of a batch; the memory, and what is fitted at once, are each one's own.

    Raises:
        TrainingError: a loss is no number before there was a state to keep.
    """
    torch.manual_seed(settings.seed)
    target, split = taught.target, taught.split
    device = graph.log_weight.device
    entities = torch.from_numpy(target.entities).to(device)
    labels, classes = (torch.from_numpy(part).to(device) for part in (target.shares(), target.classes))
    train, valid = (torch.from_numpy(part).to(device) for part in (split.train, split.valid))
    model = label_model(graph, taught, settings).to(device)
    model.fusion.fit_senses(graph, _visible(graph, taught.held))
    weight = class_weights(labels[train], len(target.names)) if settings.balance else None
    fold = torch.from_numpy(folds(target, split.train, settings.seed)).to(device)
    bases = model.fusion.bases()
    examples = Examples(model, graph, entities[train], classes[train], labels[train], fold, weight, bases)
    shrinkage = choose_spaces(examples)
    own = model.fusion.own(graph)
    optimizer = torch.optim.AdamW(_groups(model), lr=0.003, weight_decay=0.05)
    course = Course("labels", model, optimizers=[optimizer])
    history = course.history
    if settings.reconstruction:
        rebuilt = learn_to_reconstruct(model.fusion, own, settings)
        history.stopped += rebuilt.stopped
        if rebuilt.losses:
            learn_trust(examples, shrinkage)
    course.judge(-_loss(model, graph, entities[valid], labels[valid]))
    going = True
    for epoch in course.turns(settings.epochs, settings.patience):
        model.train()
        losses = []
        order = processes.agreed(torch.randperm(len(train), device=device))
        for batch in torch.split(train[order], BATCH):
            memory = model.remember(graph, own)
            asked = entities[batch[processes.share(len(batch))]]
            view = _drawn(model, memory, asked, settings)
            logits = processes.gathered(model.logits(view, memory, model.counted(asked)), len(batch))
            loss = functional.cross_entropy(logits, labels[batch], weight, label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            losses.append(processes.averaged(model, loss))
            optimizer.step()
            going = course.took(losses[-1])
            if not going:
                break
        if not going or not course.sound():
            break
        history.losses.append(float(np.mean(losses)))
        course.judge(-_loss(model, graph, entities[valid], labels[valid]))
        progress("labels", epoch + 1, settings.epochs)
    progress("labels", course.taken, course.taken)
    course.restore()
    model.eval()
    learn_kept(model, graph, entities[valid], labels[valid])
    temperature = fitted_temperature(logits_of(model, graph, entities[valid]), labels[valid])
    # the classes' rows are means: what validation has judged may now be among their examples
    model.examples = examples_of(target, np.union1d(split.train, split.valid)).to(device)
    return Labeller(model, temperature, history)


def label_model(graph: JointGraph, taught: Taught, settings: Settings) -> LabelModel:
    """An untrained model of the right shape."""
    target = taught.target
    candidates = torch.zeros(graph.num_entities, dtype=torch.bool)
    candidates[torch.from_numpy(np.union1d(target.entities, target.candidates))] = True
    num_relations = int(graph.edges.relations.num_columns)
    structure_width = settings.structure_width if len(graph.edges.order) else 0
    fusion = FUSIONS[settings.fusion](
        {name: rows.shape[1] for name, rows in graph.features.items()},
        num_relations,
        context=context_modalities(graph),
        structure_width=structure_width,
        width=settings.label_width,
    )
    return LabelModel(
        fusion,
        candidates,
        torch.from_numpy(target.class_entities),
        examples_of(target, taught.split.train),
        num_relations,
        structure_width=structure_width,
        learn_absent=settings.learn_absent,
    )


def learn_to_reconstruct(fusion: SenseFusion, own: Senses, settings: Settings) -> History:
    """Unsupervised: let the fusion ask of itself what it asks, over all that was observed.

    Raises:
        TrainingError: a loss is no number in one of the first steps.
    """
    there = torch.stack([sense.present for sense in own.values()]).any(0).nonzero().squeeze(1)
    optimizer = torch.optim.Adam(fusion.parameters(), lr=fusion.learning_rate)
    course = Course("reconstructions", fusion)
    losses = course.history.losses
    if not len(there):
        return course.history
    size = max(1, BATCH // processes.count())  # drawn by each process for itself
    for _ in course.turns(5 * settings.epochs):
        rows = there[torch.randint(len(there), (size,), device=there.device)]
        loss = fusion.own_loss(View({name: sense[rows] for name, sense in own.items()}))
        if not loss.requires_grad:
            break
        optimizer.zero_grad()
        loss.backward()
        mean = processes.averaged(fusion, loss)
        optimizer.step()
        if not course.took(mean):
            break
        losses.append(mean)
        if len(losses) % KEEP == 0:
            if not course.sound():
                break
            course.keep()
    if course.stopped or not course.sound():
        course.restore()
    return course.history


def _groups(model: LabelModel) -> list[dict[str, object]]:
    """Parameters with their rates: the scalars are as good as known, the fusion has a rate of its own."""
    scalars = list(model.prototypes.parameters())
    fusion = list(model.fusion.parameters())
    known = {id(parameter) for parameter in scalars + fusion}
    return [
        {"params": scalars, "weight_decay": 0.0},
        {"params": fusion, "lr": model.fusion.learning_rate, "weight_decay": 0.0},
        {"params": [parameter for parameter in model.parameters() if id(parameter) not in known]},
    ]


def examples_of(target: Target, part: NDArray[np.int64]) -> Tensor:
    """Some of the labelled entities and their classes, one of several in as many columns: ``(2, m)``."""
    place, classes = target.pairs(part)
    return torch.from_numpy(np.stack([target.entities[place], classes]))


@torch.no_grad()
def logits_of(model: LabelModel, graph: JointGraph, rows: Tensor, memory: Memory | None = None) -> Tensor:
    """Logits of some entities, in blocks: ``(b, classes)``."""
    model.eval()
    seen = memory or model.remember(graph)
    parts = [
        model.logits(model.view(seen.senses, graph.affinity, part), seen) for part in torch.split(rows, BATCH)
    ]
    return torch.cat(parts) if parts else seen.free.new_empty(0, len(seen.free))


@torch.no_grad()
def learn_kept(model: LabelModel, graph: JointGraph, rows: Tensor, labels: Tensor) -> None:
    """How much of the learned term holds for who lacks a modality: by the loss of rows bereft of it.

    What it has learned of several senses together may say nothing, or the wrong thing, of the rest.
    """
    memory = model.remember(graph)
    for name in model.fusion.modalities if len(rows) else ():
        parts = []
        for part in torch.split(rows, BATCH):
            gone = {name: torch.ones_like(part, dtype=torch.bool)}
            view = model.view(memory.senses, graph.affinity, part, gone)
            parts.append((model.likeness(view, memory), model.learned(view, memory)))
        likeness, learned = (torch.cat(column) for column in zip(*parts, strict=True))
        losses = [functional.cross_entropy(likeness + share * learned, labels) for share in KEPT]
        model.kept[model.fusion.senses.index(name)] = KEPT[int(torch.stack(losses).argmin())]


def class_weights(labels: Tensor, count: int) -> Tensor:
    """Weights by class that even out how often each is met, mean 1 over the examples: ``(count,)``.

    Shapes: ``labels (b,)`` classes, or ``(b, count)`` shares of several.
    """
    shares = labels if labels.ndim == 2 else functional.one_hot(labels, count).to(torch.float32)
    met = shares.sum(0)
    weight = 1 / torch.where(met > 0, met, 1)
    even: Tensor = weight / (shares @ weight).mean()
    return even


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature of the least validation loss (arXiv 1706.04599), on a grid from 1/10 to 100.

    Few labels move it little from 1: three that happen to be right are no reason to be certain.
    """
    if not len(labels):
        return 1.0
    grid = torch.logspace(-1, 2, 121, device=logits.device)
    losses = torch.stack([functional.cross_entropy(logits / t, labels) for t in grid])
    doubt = DOUBT / len(labels) * grid.log() ** 2
    return float(grid[(losses + doubt).argmin()])


def _visible(graph: JointGraph, held: NDArray[np.int64]) -> Tensor:
    """Entities that training may look at: all but the held-out ones, ``(n,) bool``."""
    visible = torch.ones(graph.num_entities, dtype=torch.bool, device=graph.log_weight.device)
    visible[torch.from_numpy(held).to(visible.device)] = False
    return visible


def _drawn(model: LabelModel, memory: Memory, rows: Tensor, settings: Settings) -> View:
    """The rows' view with some senses hidden, whole sources of evidence at a time, and all disturbed."""
    hidden: dict[str, Tensor] = {}
    groups = evidence_groups(memory.senses)
    if len(groups) > 1:
        taken = torch.rand(len(rows), len(groups), device=rows.device) < settings.modality_dropout
        taken &= ~taken.all(1, keepdim=True)
        for place, names in enumerate(groups.values()):
            hidden |= {name: taken[:, place] for name in names}
    view = model.view(memory.senses, memory.affinity, rows, hidden)
    if not settings.feature_noise:
        return view
    noisy = {
        name: sense if name == STRUCTURE else disturbed(sense, settings.feature_noise)
        for name, sense in view.senses.items()
    }
    return View(noisy, view.affinity, view.entities)


def _loss(model: LabelModel, graph: JointGraph, rows: Tensor, labels: Tensor) -> float:
    if not len(rows):
        return 0.0
    return float(functional.cross_entropy(logits_of(model, graph, rows), labels))
