"""From a KnowledgeGraph and its observations to the joint graph that the fusion runs over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.literals import Numbers
from fusion.base import JointGraph
from fusion.names import Names
from kg.diffusion import affinity
from kg.graph import KnowledgeGraph
from kg.sparse import SortedEdges
from kg.vocabulary import DEFAULT, Vocabulary
from pipelines.settings import Settings

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@dataclass(frozen=True)
class Observations:
    """Encoded observations by modality: rows and the entity of each; numbers as they were read.

    `names` is what the encoder of one modality can say in another (see `pipelines.senses.naming`).

    Shapes: ``features[modality] (m, d)``, ``owners[modality] (m,) int64``.
    """

    features: dict[str, Tensor]
    owners: dict[str, Tensor]
    numbers: Numbers | None = None
    names: Names | None = None


def joint_graph(
    graph: KnowledgeGraph,
    observations: Observations,
    settings: Settings,
    *,
    without: frozenset[str] = frozenset(),
    facts: bool = True,
    diffusion: bool = True,
) -> JointGraph:
    """Put facts and observations together.

    Args:
        graph: the facts.
        observations: the encoded observations.
        settings: priors by relation, damping of the diffusion.
        without: relations to leave out.
        facts: False leaves out all facts: the same model without the graph.
        diffusion: False leaves out the diffusion over the facts, the costly part.
    """
    relations = graph.relations.to_pylist()
    weight, used = _used(graph, settings, without)
    triples = torch.from_numpy(graph.triples[used] if facts else graph.triples[:0])
    weights = torch.from_numpy(weight[used] if facts else weight[:0])
    head, relation, tail = triples.unbind(1)
    edges = SortedEdges.of(
        torch.stack([torch.cat([head, tail]), torch.cat([tail, head])]),
        torch.cat([relation, relation + len(relations)]),
        graph.num_entities,
        max(2 * len(relations), 1),
    )
    near = None
    if len(triples) and diffusion:
        walked = walked_facts(graph, settings, without)
        near = affinity(*walked, graph.num_entities, damping=settings.damping)
    return JointGraph(
        num_entities=graph.num_entities,
        features=observations.features,
        owners=observations.owners,
        edges=edges,
        log_weight=torch.cat([weights, weights])[edges.order].log(),
        affinity=near,
        names=observations.names,
    )


def walked_facts(
    graph: KnowledgeGraph, settings: Settings, without: frozenset[str] = frozenset()
) -> tuple[Tensor, Tensor]:
    """The facts that the diffusion walks along, ``(2, E)``, and their weights ``(E,)``."""
    weight, used = _used(graph, settings, without)
    relations = graph.relations.to_pylist()
    # a class says what a thing is, not what it is near to
    used &= graph.triples[:, 1] != (relations.index(RDF_TYPE) if RDF_TYPE in relations else -1)
    return torch.from_numpy(graph.triples[used][:, ::2].T.copy()), torch.from_numpy(weight[used])


def with_senses(observations: Observations, sizes: Mapping[str, int]) -> Observations:
    """The senses that a model knows, in its order; one that is lacking now is there without a row."""
    features = {name: observations.features.get(name, torch.empty(0, size)) for name, size in sizes.items()}
    owners = {name: observations.owners.get(name, torch.empty(0, dtype=torch.int64)) for name in sizes}
    return Observations(features, owners, observations.numbers, observations.names)


def _used(
    graph: KnowledgeGraph, settings: Settings, without: frozenset[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Weights of the facts, and which of them count."""
    weight = edge_weights(graph, settings.prior)
    hidden = [i for i, name in enumerate(graph.relations.to_pylist()) if name in without]
    return weight, ~np.isin(graph.triples[:, 1], hidden) & (weight > 0)


def edge_weights(graph: KnowledgeGraph, priors: Mapping[str, float]) -> NDArray[np.float32]:
    """Weight of each fact times the prior of its relation, ``(t,)``.

    Raises:
        ValueError: if a prior names a relation that the graph does not have.
    """
    prior = np.ones(max(graph.num_relations, 1), dtype=np.float32)
    for iri, value in priors.items():
        prior[graph.relation_id(iri)] = value
    return np.asarray(graph.weights * prior[graph.triples[:, 1]], dtype=np.float32)


def concept_groups(graph: KnowledgeGraph, vocabulary: Vocabulary = DEFAULT) -> NDArray[np.int64]:
    """Group of each entity ``(n,)``: what it is stated to be about, or itself when nothing says so.

    Entities about the same concepts share a group, so that a split by group is concept-disjoint. A rule that
    finds things to be about ever more general concepts would make one group of all.
    """
    graph = graph.stated()
    groups = np.arange(graph.num_entities, dtype=np.int64)
    concept = [i for i, iri in enumerate(graph.relations.to_pylist()) if vocabulary.has("concept", iri)]
    about = graph.triples[np.isin(graph.triples[:, 1], concept)]
    # an entity about several concepts joins their groups: connected components of "is about"
    changed = True
    while changed:
        before = groups.copy()
        low = np.minimum(groups[about[:, 0]], groups[about[:, 2]])
        np.minimum.at(groups, about[:, 0], low)
        np.minimum.at(groups, about[:, 2], low)
        changed = not np.array_equal(before, groups)
    return groups
