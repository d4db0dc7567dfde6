"""What the facts alone say of an entity: relational graph attention under a link scorer.

Tensors only. A known entity has a free row; a new one has none and gets its vector from its neighbours,
so training now and then takes the free row away.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from kg.attention import RelationalAttention
from kg.sparse import SortedEdges


class StructureEncoder(nn.Module):
    """Free rows refined by layers of `RelationalAttention` over the facts.

    Shapes: ``-> (num_entities, width)``.
    """

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        width: int,
        *,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"expected a width that {heads} heads divide (got {width})")
        self.rows = nn.Parameter(0.1 * torch.randn(num_entities, width))
        self.layers = nn.ModuleList(
            RelationalAttention(width, width // heads, num_relations, heads=heads, dropout=dropout)
            for _ in range(layers)
        )

    def forward(
        self,
        edges: SortedEdges,
        log_weight: Tensor,
        without_row: Tensor | None = None,
        nodes: Tensor | None = None,
        whole: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Encode all entities, or only the given `nodes` ``(m,)``, between which the edges then run.

        Those in the mask `without_row` ``(n,)`` or ``(m,)`` are encoded as if they were new. The gradient
        of the free rows is sparse where `nodes` are given: it holds theirs alone. Where the edges lead into
        some entities only, `whole` adds what others find for the rest, layer by layer.
        """
        state = self.rows if nodes is None else nn.functional.embedding(nodes, self.rows, sparse=True)
        if without_row is not None:
            state = state.masked_fill(without_row.unsqueeze(1), 0.0)
        for layer in self.layers:
            heard = layer(state, edges, log_weight)
            state = state + (heard if whole is None else whole(heard))
        return state
