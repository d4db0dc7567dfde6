"""Train a store's model: structure by links, attention by alignment, and the same without the graph.

Two objectives in two stages, since they share no parameter: the links have some hundred thousand, the
alignment a few dozen, and each stops by its own validation score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from fusion.base import STRUCTURE, JointGraph, Senses, View
from fusion.senses import SenseFusion
from kg.graph import KnowledgeGraph
from kg.hierarchy import hierarchy_of
from kg.leakage import Leakage, leakage
from kg.memory import kept_memory
from kg.splits import Seal, Split, grouped_split, triple_split
from pipelines.senses.joint import Observations, concept_groups, joint_graph
from pipelines.senses.numbers import NUMBER, with_numbers
from pipelines.settings import Settings
from pipelines.training.alignment import hubness, train_alignment
from pipelines.training.completion import LearnedCompletion, learn_completion
from pipelines.training.concept_ranks import NO_GRAPH, Arm, Tested, learnable, rank_test_part, without_graph
from pipelines.training.history import History, Progress
from pipelines.training.link_facts import LinkFacts
from pipelines.training.link_rows import as_table, link_rows
from pipelines.training.link_run import LinkRun, run_links
from pipelines.training.links import LinkModel, structure_of, train_links

JUDGED = 10_000
"""Entities that validation judges, and that the test does, at most: of large sets more are learned from."""
BANK = 1000
"""Entities whose single senses serve as the queries by which hubs are found."""


@dataclass(frozen=True)
class Trained:
    """Everything that training adds to a store.

    `weights` are the parameters, `histories` the losses and scores by objective, `tensors` what queries need:
    ``joint (n, d)``, ``hub.MODALITY (n,)``, ``structure (n, width)``, ``affinity.*`` the diffusion as CSR
    arrays. `shape` rebuilds the model. `completion` finds missing facts, where there are facts to learn from,
    and `link_ranks` tells how held-out facts were ranked (see `pipelines.training.link_rows`),
    `given_away` what the training facts tell of them by themselves. `opened` says of each objective when its
    test was opened, and what validation had chosen before.
    """

    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]
    shape: dict[str, Any]
    histories: dict[str, History]
    held_out: dict[str, dict[str, float]]
    completion: LearnedCompletion | None = None
    link_ranks: pa.Table | None = None
    opened: dict[str, dict[str, Any]] = field(default_factory=dict)
    given_away: Leakage | None = None


@kept_memory()
def train(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    *,
    device: str = "cpu",
    progress: Progress,
    rejected: np.ndarray | None = None,
) -> Trained:
    """Train both objectives, score them on held-out parts, and embed every entity.

    Facts that a person rejected, ``(k, 3)``, are known to be none.
    """
    joint = joint_graph(graph, observations, settings).to(device)
    links, histories, opened = None, {}, {}
    held_out: dict[str, dict[str, float]] = {}
    structure, completion, ranks, given = None, None, None, None
    stated = stated_joint(graph, observations, settings, joint)
    if len(stated.edges.order):
        denied = np.empty((0, 3), np.int64) if rejected is None else rejected
        seal, facts = Seal(), joint_triples(graph, stated)
        parts = link_split(facts, settings)
        run = _links(graph, stated, facts, parts, settings, progress, seal, denied)
        links, histories["links"], opened["links"] = run.model, run.history, seal.record
        ranks = as_table(run.test, graph.entities, graph.relations)
        given = leakage(facts[parts.train], run.test.facts, graph.num_relations)
        held_out |= {name: one.row() for name, one in link_rows([ranks], parts=False).items()}
        structure = structure_of(links, stated)
        completion = learn_completion(links, stated, facts, settings, denied, run.chosen)
    split = concept_split(graph, observations, settings)
    model, history = train_alignment(
        learnable(joint, split), structure, concept_groups(graph), split.learning(), settings, progress
    )
    histories["alignment"] = history
    arms = {"": Arm(model, history, joint, structure)}
    if len(graph.triples) and history.losses:
        arms[NO_GRAPH] = without_graph(graph, observations, split, settings, device, progress)
    found = rank_test_part(graph, arms, split)
    held_out |= {name: one.row() for name, one in found.ranked.items()}
    opened["alignment"] = found.opened
    tensors = embedded(model, joint, structure, settings, progress)
    weights = {f"fusion.{name}": value for name, value in model.state_dict().items()}
    if links is not None:
        weights |= {f"links.{name}": value for name, value in links.state_dict().items()}
    shape = {
        "feature_sizes": {name: rows.shape[1] for name, rows in observations.features.items()},
        "num_relations": int(joint.edges.relations.num_columns),
        "context": list(model.context),
        "structure_width": 0 if structure is None else structure.shape[1],
        "named": None if model.named is None else list(model.named),
    }
    return Trained(weights, tensors, shape, histories, held_out, completion, ranks, opened, given)


def concept_split(graph: KnowledgeGraph, observations: Observations, settings: Settings) -> Split:
    """Concept-disjoint parts of the entities that were observed by two senses or more, numbers apart."""
    count = np.zeros(graph.num_entities, dtype=np.int64)
    for name, owners in observations.owners.items():
        if name != NUMBER:  # its scale depends on the split, so the split must not depend on it
            count[np.unique(owners.numpy())] += 1
    rows = np.flatnonzero(count >= 2)
    valid, test = (
        min(share, JUDGED / max(len(rows), 1)) for share in (settings.valid_share, settings.test_share)
    )
    parts = grouped_split(concept_groups(graph)[rows], valid=valid, test=test, seed=settings.seed)
    return Split(rows[parts.train], rows[parts.valid], rows[parts.test])


def with_scaled_numbers(
    graph: KnowledgeGraph, observations: Observations, settings: Settings
) -> Observations:
    """The same observations, the numbers scaled by what the training part of the concepts tells."""
    split = concept_split(graph, observations, settings)
    visible = np.ones(graph.num_entities, dtype=bool)
    visible[np.concatenate([split.valid, split.test])] = False
    return with_numbers(observations, visible)


@dataclass(frozen=True)
class Aligned:
    """What was trained on one split: the fusion, and the links where there are stated facts."""

    model: SenseFusion
    links: LinkModel | None
    split: Split
    observations: Observations
    history: History


@kept_memory()
def aligned(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    *,
    without: frozenset[str] = frozenset(),
    device: str = "cpu",
    progress: Progress,
) -> tuple[Aligned, JointGraph, Tensor | None]:
    """Train links and attention on one concept-disjoint split.

    Returns:
        What was trained, the joint graph that it was trained on, and the structure vectors there.
    """
    if without:  # what follows from the facts that are left out would tell them
        graph = graph.stated()
    observations = with_scaled_numbers(graph, observations, settings)
    joint = joint_graph(graph, observations, settings, without=without).to(device)
    links, structure = linked(graph, observations, settings, joint, without, progress)
    split = concept_split(graph, observations, settings)
    groups = concept_groups(graph)
    model, history = train_alignment(
        learnable(joint, split), structure, groups, split.learning(), settings, progress
    )
    return Aligned(model, links, split, observations, history), joint, structure


def linked(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    joint: JointGraph,
    without: frozenset[str],
    progress: Progress,
) -> tuple[LinkModel | None, Tensor | None]:
    """Train the links of a joint graph: the model and the structure vectors, or nothing."""
    stated = stated_joint(graph, observations, settings, joint, without)
    if not len(stated.edges.order):
        return None, None
    facts = joint_triples(graph, stated)
    learning = LinkFacts.of(stated, torch.from_numpy(facts), link_split(facts, settings).learning())
    hierarchy = hierarchy_of(graph, settings.hierarchy, facts=learning.train.numpy())
    links = train_links(learning, settings, progress, hierarchy)[0]
    return links, structure_of(links, stated)


@kept_memory()
def retrieval_tested(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    *,
    without: frozenset[str] = frozenset(),
    device: str = "cpu",
    progress: Progress,
) -> Tested:
    """Train attention on one concept-disjoint split and test it, with the graph and without it."""
    found, joint, structure = aligned(
        graph, observations, settings, without=without, device=device, progress=progress
    )
    arms = {
        "": Arm(found.model, found.history, joint, structure),
        NO_GRAPH: without_graph(graph, found.observations, found.split, settings, device, progress),
    }
    return rank_test_part(graph, arms, found.split)


def link_split(facts: np.ndarray, settings: Settings) -> Split:
    """The parts of facts ``(t, 3)`` that the link objective learns from, is chosen by and is tested on."""
    share = settings.link_share
    return triple_split(facts, valid=share, test=share, seed=settings.seed)


def _links(
    graph: KnowledgeGraph,
    joint: JointGraph,
    facts: np.ndarray,
    split: Split,
    settings: Settings,
    progress: Progress,
    seal: Seal,
    rejected: np.ndarray,
) -> LinkRun:
    """Learn from a part of the facts, choose by another, and rank the third."""
    learning = LinkFacts.of(joint, torch.from_numpy(facts), split.learning())
    return run_links(
        learning,
        lambda chosen: facts[seal.open(split, chosen)],
        settings,
        progress,
        hierarchy_of(graph, settings.hierarchy, facts=learning.train.numpy()),
        rejected,
    )


def stated_joint(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    joint: JointGraph,
    without: frozenset[str] = frozenset(),
) -> JointGraph:
    """The joint graph for the link objective: what follows from a held-out fact would give it away."""
    stated = graph.stated()
    if stated is graph:
        return joint
    bare = joint_graph(stated, observations, settings, without=without, diffusion=False)
    return bare.to(joint.log_weight.device)


def joint_triples(graph: KnowledgeGraph, joint: JointGraph) -> np.ndarray:
    """The facts that are edges of the joint graph, in the order in which they were given to it."""
    edges = joint.edges
    place = torch.empty_like(edges.order)
    place[edges.order] = torch.arange(len(place), device=place.device)
    first = place[: len(place) // 2]
    columns = (edges.sources.column[first], edges.edge_type[first], edges.sources.row[first])
    return np.asarray(torch.stack(columns, dim=1).cpu().numpy())


@torch.no_grad()
def embedded(
    model: SenseFusion,
    joint: JointGraph,
    structure: Tensor | None,
    settings: Settings,
    progress: Progress,
) -> dict[str, Tensor]:
    """Joint vectors of all entities, and by which of them every query of a modality would be drawn."""
    vectors = model(joint, structure)
    progress("embedding", 1, 2)
    tensors = {"joint": vectors}
    everyone = torch.ones(joint.num_entities, dtype=torch.bool, device=vectors.device)
    memory = model.memory(joint, structure, everyone)
    random = torch.Generator().manual_seed(settings.seed)
    for name in model.modalities:
        has = memory[name].present.nonzero().squeeze(1)
        bank = has[torch.randperm(len(has), generator=random)[:BANK].to(has.device)]
        views: Senses = {sense: memory[sense][bank] for sense in model.seen_by(name)}
        tensors[f"hub.{name}"] = hubness(vectors, model.embed(View(views), memory, everyone))
    if structure is not None:
        tensors[STRUCTURE] = memory[STRUCTURE].vectors
    if joint.affinity is not None:
        tensors["affinity.indptr"] = joint.affinity.crow_indices()
        tensors["affinity.column"] = joint.affinity.col_indices()
        tensors["affinity.value"] = joint.affinity.values()
    progress("embedding", 2, 2)
    return tensors
