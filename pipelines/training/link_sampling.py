"""What a step of the link objective sees of a graph too large for a full pass: the surroundings of its batch.

No tensor that a step makes is as long as the graph. An answer is ranked among the batch's entities and as
many others. Their scores are not corrected for the chance to be drawn: on DB15K that was no gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fusion.base import JointGraph
from kg.sampling import NeighborSampler
from kg.sparse import SortedEdges
from pipelines.training import processes


@dataclass(frozen=True)
class Surroundings:
    """Candidates, the facts drawn around those that this process encodes, and the batch in their terms.

    Shapes: ``candidates (c,)`` entities, ascending, all of them where there is one process; ``nodes (m,)``
    entities, the ``num_own`` candidates of this process first; ``edges`` and ``log_weight`` between them;
    ``facts (b, 3)`` with places among the candidates for entities.
    """

    candidates: Tensor
    nodes: Tensor
    edges: SortedEdges
    log_weight: Tensor
    facts: Tensor
    num_own: int


class LinkSampler:
    """Draws the surroundings of a batch of training facts.

    Args:
        graph: the joint graph.
        log_weight: ``(E,)`` of its sorted edges; -inf for facts that training must not see.
        fanout: most edges to draw into each entity, for each layer.
        seed: of the draws of neighbours.
    """

    def __init__(self, graph: JointGraph, log_weight: Tensor, fanout: tuple[int, ...], *, seed: int) -> None:
        self.neighbors = NeighborSampler(graph.edges.edge_index, graph.num_entities, fanout, seed=seed)
        self.edge_type, self.log_weight = graph.edges.edge_type, log_weight
        self.num_entities, self.num_relations = graph.num_entities, graph.edges.relations.num_columns

    def around(self, facts: Tensor, hidden: Tensor) -> Surroundings:
        """Draw around facts in both directions ``(b, 3)``; the edges ``hidden`` weigh nothing."""
        others = processes.agreed(torch.randint(self.num_entities, (len(facts),), device=facts.device))
        candidates = torch.cat([facts[:, 0], facts[:, 2], others]).unique()
        own = candidates[processes.share(len(candidates))]
        drawn = self.neighbors.sample(own)
        edges = SortedEdges.of(
            torch.stack([drawn.row, drawn.col]),
            self.edge_type[drawn.edge],
            len(drawn.node),
            self.num_relations,
        )
        weight = self.log_weight[drawn.edge].masked_fill(torch.isin(drawn.edge, hidden), float("-inf"))
        head, tail = (torch.searchsorted(candidates, facts[:, end].contiguous()) for end in (0, 2))
        return Surroundings(
            candidates=candidates,
            nodes=drawn.node,
            edges=edges,
            log_weight=weight[edges.order],
            facts=torch.stack([head, facts[:, 1], tail], dim=1),
            num_own=len(own),
        )
