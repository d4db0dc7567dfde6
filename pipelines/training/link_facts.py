"""What the link objective is given: facts to learn from, facts to choose by, a graph of the first alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fusion.base import JointGraph
from kg.sparse import SortedEdges
from kg.splits import Learning
from pipelines.training import processes
from pipelines.training.sense_links import Observed


@dataclass(frozen=True)
class LinkFacts:
    """Facts of two parts, and no other: no test fact is an edge, an answer or a name here.

    Shapes: the edges of `graph` are the training facts ``train (t, 3)``, both directions, in the order that
    the graph was made of; ``valid (v, 3)``. `observed` may be of all entities.
    """

    graph: JointGraph
    train: Tensor
    valid: Tensor
    num_relations: int
    observed: Observed | None = None

    @classmethod
    def of(cls, joint: JointGraph, triples: Tensor, split: Learning) -> LinkFacts:
        """Take two parts of facts ``(t, 3)``, given in the order that the joint graph was made of."""
        count = int(joint.edges.relations.num_columns) // 2
        train, valid = (triples[torch.from_numpy(rows)] for rows in (split.train, split.valid))
        whole = np.array_equal(split.train, np.arange(len(triples)))
        graph = joint if whole else _restricted(joint, len(triples), torch.from_numpy(split.train))
        observed = Observed.of(joint.num_entities, joint.features, joint.owners)
        return cls(graph, train, valid, count, observed)

    @property
    def facts(self) -> Tensor:
        """Both parts: ``(t + v, 3)``."""
        return torch.cat([self.train, self.valid])

    @property
    def met(self) -> Tensor:
        """Which entities a training fact tells of: ``(n,) bool``."""
        mask = torch.zeros(self.graph.num_entities, dtype=torch.bool)
        mask[self.train[:, [0, 2]].reshape(-1)] = True
        return mask


def edge_places(graph: JointGraph, num_triples: int) -> Tensor:
    """Where each triple's two edges stand among the sorted edges: ``(num_triples, 2)``."""
    place = torch.empty_like(graph.edges.order)
    place[graph.edges.order] = torch.arange(len(place), device=place.device)
    return place.view(2, num_triples).t()


def shared_edges(edges: SortedEdges) -> tuple[SortedEdges, slice]:
    """The edges into the entities that this process encodes, and where they stand among all sorted ones.

    Each process has all edges of some entities, and about as many edges as the others.
    """
    if processes.count() == 1:
        return edges, slice(None)
    start = edges.sources.indptr
    ends = torch.tensor([processes.rank(), processes.rank() + 1]) * len(edges.order) // processes.count()
    own = slice(*start[torch.searchsorted(start, ends.to(start.device))].tolist())
    sizes = (edges.sources.num_columns, edges.sources.num_rows)
    kinds, columns = edges.edge_type[own], edges.relations.num_columns
    return SortedEdges.of(edges.edge_index[:, own], kinds, sizes, columns), own  # sorted as they were


def _restricted(joint: JointGraph, num_triples: int, kept: Tensor) -> JointGraph:
    """The entities and some of the facts, nothing else."""
    place = edge_places(joint, num_triples)[kept.to(joint.log_weight.device)].t().reshape(-1)
    edge_index, edge_type = joint.edges.edge_index, joint.edges.edge_type
    columns = int(joint.edges.relations.num_columns)
    edges = SortedEdges.of(edge_index[:, place], edge_type[place], joint.num_entities, columns)
    return JointGraph(joint.num_entities, {}, {}, edges, joint.log_weight[place][edges.order], None)
