"""The same store as if something were otherwise: other priors, fewer facts, fewer observations.

Every entity is embedded anew with the weights that are there; nothing is trained, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fusion.base import STRUCTURE, JointGraph
from kg.graph import KnowledgeGraph
from pipelines.building.embedding import diffusion_of
from pipelines.search.retrieval import Searcher
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.links import LinkModel, structure_of
from pipelines.training.train import embedded, stated_joint

Fact = tuple[int, int, int]
"""Head, relation and tail as ids."""


def with_prior(searcher: Searcher, priors: Mapping[str, float]) -> Searcher:
    """Ask as if the store had been embedded with other priors of some relations.

    A prior multiplies the weight of each fact of its relation: 1 takes them as they are, 0 as if they were
    not there. Relations that are not named keep the prior that the store was built with.

    Args:
        searcher: asks the store as it is.
        priors: prior in [0, 1] by the relation's IRI.

    Raises:
        ValueError: a prior outside [0, 1], or a relation that the graph does not have.
    """
    store = searcher.store
    settings = replace(store.settings, prior={**store.settings.prior, **priors})
    return searcher.over(embedded_anew(store, settings=settings))


def without_facts(store: Store, facts: Iterable[Fact]) -> Store:
    """The store as if some facts were not stated."""
    graph = store.graph
    gone = np.array(sorted(set(facts)), dtype=np.int64).reshape(-1, 3)
    kept = ~(graph.triples[:, None] == gone).all(2).any(1)
    rows = {name: getattr(graph, name)[kept] for name in ("triples", "weights", "origin")}
    return embedded_anew(store, graph=replace(graph, **rows))


def without_observations(store: Store, rows: Mapping[str, Iterable[int]]) -> Store:
    """The store as if some observations, given by modality and row, had not been made."""
    seen = store.observations
    features, owners = dict(seen.features), dict(seen.owners)
    for name, gone in rows.items():
        kept = torch.ones(len(owners[name]), dtype=torch.bool)
        kept[list(gone)] = False
        features[name], owners[name] = features[name][kept], owners[name][kept]
    return embedded_anew(store, observations=replace(seen, features=features, owners=owners))


@torch.no_grad()
def embedded_anew(
    store: Store,
    *,
    settings: Settings | None = None,
    graph: KnowledgeGraph | None = None,
    observations: Observations | None = None,
) -> Store:
    """The store with other settings, facts or observations, all its vectors made anew."""
    same_facts = (settings, graph) == (None, None)
    settings = settings or store.settings
    graph = graph or store.graph
    observations = observations or store.observations
    joint = joint_graph(graph, observations, settings, diffusion=not same_facts)
    if same_facts:
        joint, structure = replace(joint, affinity=diffusion_of(store)), store.tensors.get(STRUCTURE)
    else:
        structure = _structure(store, stated_joint(graph, observations, settings, joint), settings)
    tensors = embedded(store.model, joint, structure, settings, lambda stage, done, total: None)
    return store.as_if(settings, graph=graph, observations=observations, tensors=tensors)


def _structure(store: Store, joint: JointGraph, settings: Settings) -> Tensor | None:
    """Structure vectors by other stated facts, with the weights that are there."""
    if STRUCTURE not in store.tensors:
        return None
    links = LinkModel(store.graph.num_entities, store.graph.num_relations, settings)
    links.load_state_dict(store.part("links."))
    return structure_of(links, joint)
