"""Train a store's model: structure by links, attention by alignment, and the same without the graph.

Two objectives in two stages, since they share no parameter: the links have some hundred thousand, the
alignment a few dozen, and each stops by its own validation score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion.base import STRUCTURE, JointGraph, Senses, View
from fusion.senses import SenseFusion
from kg.graph import KnowledgeGraph
from kg.hierarchy import hierarchy_of
from kg.memory import kept_memory
from kg.ranking import summary
from kg.splits import Split, grouped_split, triple_split
from pipelines.alignment_training import held_out_scores, hubness, train_alignment
from pipelines.completion_training import LearnedCompletion, learn_completion
from pipelines.history import History, Progress
from pipelines.joint import Observations, concept_groups, joint_graph
from pipelines.link_training import (
    LinkModel,
    edge_places,
    link_ranks,
    masked,
    structure_of,
    train_links,
)
from pipelines.numbers import NUMBER, with_numbers
from pipelines.settings import Settings

BANK = 1000
"""Entities whose single senses serve as the queries by which hubs are found."""


@dataclass(frozen=True)
class Trained:
    """Everything that training adds to a store.

    `weights` are the parameters, `histories` the losses and scores by objective, `tensors` what queries need:
    ``joint (n, d)``, ``hub.MODALITY (n,)``, ``structure (n, width)``, ``affinity.*`` the diffusion as CSR
    arrays. `shape` rebuilds the model. `completion` finds missing facts, where there are
    facts to learn from.
    """

    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]
    shape: dict[str, Any]
    histories: dict[str, History]
    held_out: dict[str, dict[str, float]]
    completion: LearnedCompletion | None = None


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
    links, histories, held_out = None, {}, {}
    structure, completion = None, None
    stated = stated_joint(graph, observations, settings, joint)
    if len(stated.edges.order):
        links, histories["links"], link_scores = _links(graph, stated, settings, progress)
        structure = structure_of(links, stated)
        if link_scores["queries"]:
            held_out["links (filtered, both directions)"] = link_scores
        progress("rules", 0, 1)
        completion = learn_completion(links, stated, joint_triples(graph, stated), settings, rejected)
        held_out |= completion.held_out
        progress("rules", 1, 1)
    split = concept_split(graph, observations, settings)
    groups = concept_groups(graph)
    model, history = train_alignment(joint, structure, groups, split, settings, progress)
    histories["alignment"] = history
    held_out |= held_out_scores(model, joint, structure, split)
    if len(graph.triples) and history.losses:
        held_out |= without_graph(graph, observations, split, settings, device, progress)
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
    return Trained(weights, tensors, shape, histories, held_out, completion)


def concept_split(graph: KnowledgeGraph, observations: Observations, settings: Settings) -> Split:
    """Concept-disjoint parts of the entities that were observed by two senses or more, numbers apart."""
    count = np.zeros(graph.num_entities, dtype=np.int64)
    for name, owners in observations.owners.items():
        if name != NUMBER:  # its scale depends on the split, so the split must not depend on it
            count[np.unique(owners.numpy())] += 1
    rows = np.flatnonzero(count >= 2)
    parts = grouped_split(
        concept_groups(graph)[rows], valid=settings.valid_share, test=settings.test_share, seed=settings.seed
    )
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
    model, _ = train_alignment(joint, structure, groups, split, settings, progress)
    return Aligned(model, links, split, observations), joint, structure


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
    links = _links(graph, stated, settings, progress)[0]
    return links, structure_of(links, stated)


@kept_memory()
def retrieval_scores(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    *,
    without: frozenset[str] = frozenset(),
    device: str = "cpu",
    progress: Progress,
) -> dict[str, dict[str, float]]:
    """Train attention on one concept-disjoint split and score it, with the graph and without it."""
    found, joint, structure = aligned(
        graph, observations, settings, without=without, device=device, progress=progress
    )
    scores = held_out_scores(found.model, joint, structure, found.split)
    return scores | without_graph(graph, found.observations, found.split, settings, device, progress)


def without_graph(
    graph: KnowledgeGraph,
    observations: Observations,
    split: Split,
    settings: Settings,
    device: str,
    progress: Progress,
) -> dict[str, dict[str, float]]:
    """Held-out scores of the same model, trained the same way, without any fact."""
    bare = joint_graph(graph, observations, settings, facts=False).to(device)

    def report(stage: str, done: int, total: int) -> None:
        progress("without graph", done, total)

    model, _ = train_alignment(bare, None, concept_groups(graph), split, settings, report)
    scores = held_out_scores(model, bare, None, split)
    return {f"{name}, no graph": row for name, row in scores.items()}


def _links(
    graph: KnowledgeGraph, joint: JointGraph, settings: Settings, progress: Progress
) -> tuple[LinkModel, History, dict[str, float]]:
    """Train the link objective on a part of the facts and score it on the rest."""
    used = joint_triples(graph, joint)
    triples = torch.from_numpy(used)
    share = settings.link_share
    split = triple_split(used, valid=share, test=share, seed=settings.seed)
    hierarchy = hierarchy_of(graph, settings.hierarchy)
    links, history = train_links(joint, triples, split, graph.num_relations, settings, progress, hierarchy)
    held = torch.from_numpy(np.concatenate([split.valid, split.test]))
    seen = masked(joint.log_weight, edge_places(joint, len(triples)), held)
    return links, history, summary(link_ranks(links, joint, seen, triples, split.test))


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
