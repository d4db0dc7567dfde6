"""All entities embedded by weights that are there: what a training does at its end, and every update."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from fusion.senses import SenseFusion
from kg.graph import KnowledgeGraph
from kg.rediffusion import changed_affinity
from pipelines.senses.joint import Observations, joint_graph, walked_facts
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.history import Progress
from pipelines.training.links import LinkModel, structure_of
from pipelines.training.train import embedded, stated_joint


@torch.no_grad()
def embed_graph(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    model: SenseFusion,
    links: LinkModel | None,
    *,
    before: Store | None = None,
    device: str = "cpu",
    progress: Progress,
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Vectors of all entities as training leaves them, and the structure as the link scorer knows it.

    Args:
        graph: the facts.
        observations: the encoded observations, all senses of the model among them.
        settings: priors, damping, seed.
        model: the trained fusion.
        links: the trained structure encoder, its rows by the graph's entities; None where there is none.
        before: a store of older facts whose diffusion holds where nothing has changed.
        device: where it is computed.
        progress: told of the stage.
    """
    old = None if before is None else diffusion_of(before)
    joint = joint_graph(graph, observations, settings, diffusion=old is None)
    if before is not None and old is not None and len(graph.triples):
        joint = replace(joint, affinity=_near(graph, settings, before, old))
    joint = joint.to(device)
    stated = stated_joint(graph, observations, settings, joint)
    structure = None if links is None else structure_of(links.to(device), stated)
    tensors = embedded(model.to(device), joint, structure, settings, progress)
    return tensors, None if structure is None else structure.cpu()


def diffusion_of(store: Store) -> Tensor | None:
    """The diffusion over the facts as the store holds it."""
    if "affinity.indptr" not in store.tensors:
        return None
    indptr, column, value = (store.tensors[f"affinity.{name}"] for name in ("indptr", "column", "value"))
    size = (store.graph.num_entities,) * 2
    return torch.sparse_csr_tensor(indptr, column, value, size, check_invariants=False)


def _near(graph: KnowledgeGraph, settings: Settings, before: Store, old: Tensor) -> Tensor:
    """The diffusion over the facts, walked again only where facts have changed."""
    return changed_affinity(
        *walked_facts(graph, settings),
        graph.num_entities,
        *walked_facts(before.graph, settings),
        old,
        graph.entity_ids(before.graph.entities.to_pylist()),
        damping=settings.damping,
    )
