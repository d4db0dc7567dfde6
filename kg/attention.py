"""Relational graph attention as a torch-geometric layer.

Tensors only: nothing here knows of RDF, files or modalities. The products it stands on are in `kg.sparse`.
"""

from __future__ import annotations

import warnings
from typing import cast

import torch
from torch import Tensor, nn

from kg.sparse import SortedEdges, csr_matrix, end_sum, row_sum, segment_softmax, weighted_sum

with warnings.catch_warnings():
    # its own affair: torch-geometric 2.8 compiles with torch.jit, which torch 2.14 calls outdated
    warnings.filterwarnings("ignore", message=".*torch.jit.*")
    from torch_geometric.nn import MessagePassing


class RelationalAttention(MessagePassing):
    r"""Graph attention with a key and a value term for each relation, and a prior on each edge.

    .. math::
        \ell_{ij} &= \mathrm{LeakyReLU}(a_s^\top W x_j + a_t^\top W x_i + b_{r}) + \log w_{ij} \\
        x'_i &= \sum_j \mathrm{softmax}_j(\ell_{ij}) \, (W x_j + e_{r})

    The logits are those of GAT (arXiv 1710.10903) with an additive relation term as in RGAT (arXiv
    1904.05811); :math:`\log w` brings in what is known of the edge before any learning: its
    confidence, its relation's prior. A weight of 0 removes the edge.

    Shapes: ``x (num_nodes, in_channels)`` -> ``(num_nodes, heads * out_channels)``; a tuple
    ``(x_source, x_target)`` where senders and receivers differ. ``log_weight (E,)`` is in the order
    of the sorted edges. Many passes on a CPU are twice as fast inside `kg.memory.kept_memory`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_relations: int,
        *,
        heads: int = 4,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(aggr="add", node_dim=0)
        self.heads, self.out_channels, self.negative_slope = heads, out_channels, negative_slope
        self.project = nn.Linear(in_channels, heads * out_channels, bias=False)
        self.source_key = nn.Parameter(torch.empty(heads, out_channels))
        self.target_key = nn.Parameter(torch.empty(heads, out_channels))
        self.relation_key = nn.Parameter(torch.zeros(num_relations, heads))
        self.relation_value = nn.Parameter(torch.zeros(num_relations, heads, out_channels))
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the projections anew; relation terms start at zero: a rare one stays 'any'."""
        nn.init.xavier_uniform_(self.project.weight)
        nn.init.xavier_uniform_(self.source_key)
        nn.init.xavier_uniform_(self.target_key)
        nn.init.zeros_(self.relation_key)
        nn.init.zeros_(self.relation_value)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edges: SortedEdges,
        log_weight: Tensor | None = None,
    ) -> Tensor:
        """Attend once; a node without incoming edges gets zeros."""
        value, alpha = self.attention(x, edges, log_weight)
        adjacency = csr_matrix(edges.sources, alpha.detach()[:, 0].contiguous())
        out = self.propagate(adjacency, value=value, alpha=self.dropout(alpha), edges=edges)
        return cast(Tensor, out).flatten(1)

    def attention(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        edges: SortedEdges,
        log_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Values ``(num_sources, heads, channels)`` and attention ``(E, heads)``."""
        x_source, x_target = x if isinstance(x, tuple) else (x, x)
        value = self.project(x_source).view(-1, self.heads, self.out_channels)
        # the keys are applied to the weights, not to the values: a narrow product in place of a wide one
        by_head = self.project.weight.view(self.heads, self.out_channels, -1)
        source_key, target_key = (
            torch.einsum("hc,hcd->dh", key, by_head) for key in (self.source_key, self.target_key)
        )
        heard = end_sum(self.relation_key, x_target @ target_key, edges.relations)
        logits = end_sum(x_source @ source_key, heard, edges.pairs)
        logits = nn.functional.leaky_relu_(logits, self.negative_slope)
        if log_weight is not None:
            logits = logits + log_weight.unsqueeze(1)
        return value, segment_softmax(logits, edges.sources)

    def message_and_aggregate(
        self, adj_t: Tensor, value: Tensor, alpha: Tensor, edges: SortedEdges
    ) -> Tensor:
        """Two sparse products: over the senders and over the relations."""
        sent = weighted_sum(alpha, value, edges.sources)
        by_relation = row_sum(alpha, edges.pairs)
        return sent.add_(weighted_sum(by_relation, self.relation_value, edges.relations))

    def message(self, value_j: Tensor, alpha: Tensor, edges: SortedEdges) -> Tensor:
        """The same by a message for each edge: for explainers, and as the tests' oracle."""
        return (value_j + self.relation_value[edges.edge_type]) * alpha.unsqueeze(-1)
