"""What a step of the link objective sees of a graph too large for a full pass: the surroundings of its batch.

No tensor that a step makes is as long as the graph. Candidates are the entities of the batch and as many
others; how likely each was to be among them is told, so that the loss can stand for one over all entities.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fusion.base import JointGraph
from kg.sampling import NeighborSampler
from kg.sparse import SortedEdges


@dataclass(frozen=True)
class Surroundings:
    """Candidates, the facts drawn around them, and the batch in their terms.

    Shapes: ``nodes (m,)`` entities, the ``c`` candidates first; ``edges`` and ``log_weight`` between them;
    ``facts (b, 3)`` with places among the candidates for entities; ``log_chance (c,)``.
    """

    nodes: Tensor
    edges: SortedEdges
    log_weight: Tensor
    facts: Tensor
    log_chance: Tensor


class LinkSampler:
    """Draws the surroundings of a batch of training facts.

    Args:
        graph: the joint graph.
        log_weight: ``(E,)`` of its sorted edges; -inf for facts that training must not see.
        triples: ``(t, 3)`` the training facts that batches are taken from.
        fanout: most edges to draw into each entity, for each layer.
        seed: of the draws of neighbours.
    """

    def __init__(
        self, graph: JointGraph, log_weight: Tensor, triples: Tensor, fanout: tuple[int, ...], *, seed: int
    ) -> None:
        self.neighbors = NeighborSampler(graph.edges.edge_index, graph.num_entities, fanout, seed=seed)
        self.edge_type, self.log_weight = graph.edges.edge_type, log_weight
        self.num_entities, self.num_relations = graph.num_entities, graph.edges.relations.num_columns
        self.num_facts = len(triples)
        ends = triples[:, [0, 2]].reshape(-1).to(log_weight.device)
        self.degree = torch.bincount(ends, minlength=graph.num_entities)

    def around(self, facts: Tensor, hidden: Tensor) -> Surroundings:
        """Draw around facts in both directions ``(b, 3)``; the edges ``hidden`` weigh nothing."""
        others = torch.randint(self.num_entities, (len(facts),), device=facts.device)
        candidates = torch.cat([facts[:, 0], facts[:, 2], others]).unique()
        drawn = self.neighbors.sample(candidates)
        edges = SortedEdges.of(
            torch.stack([drawn.row, drawn.col]),
            self.edge_type[drawn.edge],
            len(drawn.node),
            self.num_relations,
        )
        weight = self.log_weight[drawn.edge].masked_fill(torch.isin(drawn.edge, hidden), float("-inf"))
        head, tail = (torch.searchsorted(candidates, facts[:, end].contiguous()) for end in (0, 2))
        return Surroundings(
            nodes=drawn.node,
            edges=edges,
            log_weight=weight[edges.order],
            facts=torch.stack([head, facts[:, 1], tail], dim=1),
            log_chance=self._log_chance(self.degree[candidates], len(facts)),
        )

    def _log_chance(self, degree: Tensor, count: int) -> Tensor:
        """Log of the chance of entities to be candidates: by a fact of theirs, or among the others."""
        share = min(count / 2 / self.num_facts, 1 - 1e-6)
        one_fact = torch.tensor(-share, dtype=torch.float64).log1p()
        one_other = torch.tensor(-1 / self.num_entities, dtype=torch.float64).log1p()
        missed = degree * one_fact + count * one_other
        return (-missed.expm1()).log().float()
