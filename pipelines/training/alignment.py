"""The alignment objective: attention that finds an entity by one sense from what the others tell.

Each step hides whole concepts, so that attention learns to infer from other concepts and not to look up.
Deterministic on the CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion import FUSIONS, objectives
from fusion.base import CONTEXT, STRUCTURE, JointGraph, Senses, View, view_of
from fusion.senses import SenseFusion
from kg.ranking import mean_reciprocal_rank, realistic_ranks, summary
from kg.splits import Learning, Split
from pipelines.settings import Settings
from pipelines.training import processes
from pipelines.training.course import Course
from pipelines.training.history import History, Progress

ASKED, JUDGED, BANK = 2_048, 4_096, 16_384
"""Most entities that a step asks of, that validation judges, and whose views tell which answers are hubs."""
BLOCK = 65_536
"""Rows of a product at once."""


def at_most(count: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows, or so many of them, spread evenly."""
    return rows if len(rows) <= count else rows[np.arange(count) * len(rows) // count]


def context_modalities(graph: JointGraph) -> tuple[str, ...]:
    """Modalities that a twentieth of the linked entities would hear of from a neighbour."""
    rows = graph.edges.sources
    linked = int((rows.indptr.diff() > 0).sum())
    out = []
    for name, owners in graph.owners.items():
        has = torch.zeros(graph.num_entities, dtype=torch.bool, device=owners.device)
        has[owners] = True
        if linked and len(torch.unique(rows.row[has[rows.column]])) >= linked / 20:
            out.append(name)
    return tuple(out)


def train_alignment(
    graph: JointGraph,
    structure: Tensor | None,
    groups: NDArray[np.int64],
    split: Learning,
    settings: Settings,
    progress: Progress,
) -> tuple[SenseFusion, History]:
    """Train the attention to find an entity by one sense from what the others and the facts tell.

    Each step hides a share of the concepts, whole: their entities may not be attended to, so what is
    asked of them has to be inferred from other concepts. Keeps the state of the best validation MRR.

    Several processes share the rows that are embedded; each row is told from those of all. The memory, the
    reconstruction and the validation are each process's own.

    Raises:
        TrainingError: a loss is no number before the first validation.
    """
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    device = graph.log_weight.device
    sizes = {name: rows.shape[1] for name, rows in graph.features.items()}
    model = FUSIONS[settings.fusion](
        sizes,
        int(graph.edges.relations.num_columns),
        context=context_modalities(graph),
        structure_width=0 if structure is None else structure.shape[1],
        width=settings.width,
        named=None if graph.names is None else (graph.names.shown, graph.names.told),
    ).to(device)
    in_training = _mask(split.train, graph)
    model.fit_senses(graph, in_training | ~_observed(graph))
    optimizer = torch.optim.Adam(model.parameters(), lr=model.learning_rate)
    course = Course("alignments", model, optimizers=[optimizer], generators=[random])
    history = course.history
    own = model.observe(graph, structure)
    tasks = retrieval_tasks(own, model.modalities, split.train)
    if not tasks:
        return model.eval(), history
    has = {name: own[name].present.cpu().numpy()[split.train] for name in model.modalities}
    chances = np.array([(has[one] & has[other]).sum() for one, other in tasks], dtype=float)
    chances /= chances.sum()
    names = np.unique(groups[split.train])
    concept = torch.from_numpy(groups).to(device)
    steps, judged = 5 * settings.epochs, at_most(JUDGED, split.valid)
    for step in course.turns(steps, settings.patience):
        hidden = random.permutation(names)[: max(2, round(settings.hidden_share * len(names)))]
        asked = split.train[np.isin(groups[split.train], hidden)]
        asked, whole = at_most(ASKED, asked), asked
        visible = ~_mask(whole, graph) & (in_training | ~_observed(graph))
        with_facts, bare = random.random(2) < (0.7, 0.5)
        pair = tasks[random.choice(len(tasks), p=chances)]
        memory = {**own, **model.contexts(graph, own, visible)}
        told, rest, rows = _views(model, graph, memory, asked, pair, bool(with_facts), bool(bare))
        if len(rows) >= 2:
            part = processes.share(len(rows))
            told_end, rest_end = (
                processes.gathered(model.embed(view[part], memory, visible), len(rows))
                for view in (told, rest)
            )
            loss = objectives.alignment(
                told_end, rest_end, model.log_scale.exp(), concept[rows], settings.hardness
            )
            if settings.reconstruction:
                known = View({name: sense[rows] for name, sense in own.items()})
                loss = loss + settings.reconstruction * model.own_loss(known)
            optimizer.zero_grad()
            loss.backward()
            mean = processes.averaged(model, loss)
            optimizer.step()
            if not course.took(mean):
                break
            history.losses.append(mean)
        if (step + 1) % 10 == 0:
            if not course.sound():
                break
            scores = [
                mean_reciprocal_rank(ranks)
                for task in tasks
                for ranks in retrieval_ranks(model, graph, own, judged, in_training, task)
            ]
            course.judge(float(np.nanmean(scores)) if scores else 0.0)
        progress("alignment", step + 1, steps)
    progress("alignment", course.taken, course.taken)
    course.restore()
    return model.eval(), history


def retrieval_tasks(
    own: Senses, modalities: tuple[str, ...], rows: NDArray[np.int64], at_least: int = 8
) -> list[tuple[str, str]]:
    """Pairs of modalities that enough of the rows have together; text first where it is in a pair."""
    has = {name: own[name].present.cpu().numpy()[rows] for name in modalities}
    ordered = sorted(modalities, key=lambda name: name != "text")
    return [
        (one, other)
        for place, one in enumerate(ordered)
        for other in ordered[place + 1 :]
        if int((has[one] & has[other]).sum()) >= at_least
    ]


def retrieval_ranks(
    model: SenseFusion,
    graph: JointGraph,
    own: Senses,
    rows: NDArray[np.int64],
    visible: Tensor,
    pair: tuple[str, str],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ranks of held-out entities across two senses, first to second and second to first."""
    forth, back, asked = retrieval_similarities(model, graph, own, rows, visible, pair)
    if len(asked) < 2:
        return np.empty(0), np.empty(0)
    answers = np.arange(len(asked))
    return realistic_ranks(forth, answers), realistic_ranks(back, answers)


@torch.no_grad()
def retrieval_similarities(
    model: SenseFusion,
    graph: JointGraph,
    own: Senses,
    rows: NDArray[np.int64],
    visible: Tensor,
    pair: tuple[str, str],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Scores of held-out entities for each other, by the first sense for the second and the other way.

    The facts stand on the side of the first sense alone: they were often written from the text, so the
    other side must be free of them. No held-out entity may be attended to. Scores are corrected for
    hubs by the views of the training entities.

    Returns:
        Two matrices ``(q, q)``, and the entities ``(q,)`` that have both senses; no scores for one.
    """
    seen = visible | ~_observed(graph)
    memory = {**own, **model.contexts(graph, own, seen)}
    told, bare, asked = _views(model, graph, memory, rows, pair, True)
    if len(asked) < 2:
        return np.empty((0, 0), np.float32), np.empty((0, 0), np.float32), asked.cpu().numpy()
    known = at_most(BANK, visible.nonzero().squeeze(1).cpu().numpy())
    ends = [model.embed(view, memory, seen) for view in (told, bare)]
    bank_views = _views(model, graph, memory, known, pair, True)[:2]
    banks = [model.embed(view, memory, seen) for view in bank_views]
    forth, back = (
        (query @ gallery.t() - hubness(gallery, bank)).cpu().numpy()
        for query, gallery, bank in ((*ends, banks[0]), (*ends[::-1], banks[1]))
    )
    return forth, back, asked.cpu().numpy()


def hubness(gallery: Tensor, bank: Tensor, neighbours: int = 10) -> Tensor:
    """Half the mean similarity of gallery rows to their nearest queries: ``(n, d), (b, d) -> (n,)``.

    Rows that are near to every query would be answers to all; CSLS (arXiv 1710.04087) takes that off.
    """
    if not len(bank):
        return gallery.new_zeros(len(gallery))
    count = min(neighbours, len(bank))
    near = [(part @ bank.t()).topk(count, dim=1).values.mean(1) / 2 for part in gallery.split(BLOCK)]
    return torch.cat(near)


def held_out_scores(
    model: SenseFusion, graph: JointGraph, structure: Tensor | None, split: Split
) -> dict[str, dict[str, float]]:
    """Summary of the test part's ranks for each ordered pair of modalities, as ``text to image``."""
    found = held_out_ranks(model, graph, structure, split.learning(), split.test)
    return {name: summary(ranks) for name, (_, ranks) in found.items()}


def held_out_ranks(
    model: SenseFusion,
    graph: JointGraph,
    structure: Tensor | None,
    split: Learning,
    test: NDArray[np.int64],
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Entities of the test part and their ranks for each ordered pair of modalities: ``(q,), (q,)``."""
    own = model.observe(graph, structure)
    visible = _mask(np.concatenate([split.train, split.valid]), graph)
    found: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for one, other in retrieval_tasks(own, model.modalities, test):
        forth, back = retrieval_ranks(model, graph, own, test, visible, (one, other))
        asked = test[(own[one].present & own[other].present).cpu().numpy()[test]]
        found |= {f"{one} to {other}": (asked, forth), f"{other} to {one}": (asked, back)}
    return found


def _views(
    model: SenseFusion,
    graph: JointGraph,
    memory: Senses,
    asked: NDArray[np.int64],
    pair: tuple[str, str],
    with_facts: bool,
    bare: bool = True,
) -> tuple[View, View, Tensor]:
    """Two views of the asked entities that have both senses, and who they are.

    The first has one sense and, if wanted, the facts; the second the other sense alone or, if not
    `bare`, all senses but the first.
    """
    one, other = pair
    rows = torch.from_numpy(asked).to(graph.log_weight.device)
    rows = rows[(memory[one].present & memory[other].present)[rows]]
    told: Senses = {name: memory[name][rows] for name in model.seen_by(one)}
    near = None
    if with_facts:
        told |= {
            name: sense[rows]
            for name, sense in memory.items()
            if name == STRUCTURE or name.startswith(CONTEXT)
        }
        near = view_of({}, graph, rows).affinity
    names = [other] if bare else [name for name in model.modalities if name != one]
    seen = [sense for name in names for sense in model.seen_by(name)]
    return View(told, near), View({name: memory[name][rows] for name in seen}), rows


def _mask(rows: NDArray[np.int64], graph: JointGraph) -> Tensor:
    mask = torch.zeros(graph.num_entities, dtype=torch.bool)
    mask[torch.from_numpy(rows)] = True
    return mask.to(graph.log_weight.device)


def _observed(graph: JointGraph) -> Tensor:
    """Entities that take part in the split: those with two kinds of observation."""
    count = torch.zeros(graph.num_entities, device=graph.log_weight.device)
    for owners in graph.owners.values():
        count += torch.bincount(owners, minlength=graph.num_entities) > 0
    return count >= 2
