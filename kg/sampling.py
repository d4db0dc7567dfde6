"""Neighbours of a batch, sampled from compressed rows, for graphs too large for a full pass. Tensors only.

What a draw holds in memory is bound by the batch and the fan-out, whatever the size of the graph. Method:
GraphSAGE (arXiv 1706.02216); numbers without repeats by Floyd's algorithm (doi 10.1145/30401.315746).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.sampler import BaseSampler, EdgeSamplerInput, NodeSamplerInput, SamplerOutput

from kg.sparse import row_offsets


class NeighborSampler(BaseSampler):
    """Samples incoming edges, hop by hop, evenly and without repeats; a torch-geometric sampler.

    Give it to a `NodeLoader` as ``node_sampler`` or to a `LinkLoader` as ``link_sampler``, or call `sample`.

    Args:
        edge_index: ``(2, E)`` int64, source above target.
        num_nodes: number of nodes.
        fanout: most edges to sample into each node, for each hop.
        seed: of the draws, which come from the generator `random`.

    Raises:
        ValueError: if a fan-out is below 1 or an edge points outside of the nodes.
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, fanout: Sequence[int], *, seed: int = 0) -> None:
        if not fanout or min(fanout) < 1:
            raise ValueError(f"expected a fan-out of at least 1 for each hop (got {list(fanout)})")
        if edge_index.numel() and not (edge_index.min() >= 0 and edge_index.max() < num_nodes):
            raise ValueError(f"expected edges in [0, {num_nodes}) (got up to {int(edge_index.max())})")
        self.fanout = tuple(fanout)
        self._order = edge_index[1].argsort(stable=True)
        self._source = edge_index[0][self._order]
        self._indptr = row_offsets(edge_index[1], num_nodes)
        self.random = torch.Generator(device=edge_index.device).manual_seed(seed)

    def sample(self, seeds: Tensor) -> SamplerOutput:
        """Sample around distinct seeds.

        Shapes: ``seeds (b,)`` int64 -> ``node (m,)``, the seeds first; ``row, col (e,)`` source and target as
        places in ``node``; ``edge (e,)`` as places in the ``edge_index`` that was given.

        Raises:
            ValueError: if a seed is repeated.
        """
        known, place = seeds.sort()
        if (known[1:] == known[:-1]).any():
            raise ValueError("expected each seed once (got a repeated one)")
        frontier, size = seeds, 0
        nodes, targets, edges = [seeds], [], []
        for most in self.fanout:
            target, edge = self._draw(frontier, most)
            targets.append(target + size)
            edges.append(edge)
            size += len(frontier)
            frontier = _unknown(self._source[edge].unique(), known)
            nodes.append(frontier)
            known, order = torch.cat([known, frontier]).sort()
            place = torch.cat([place, torch.arange(size, size + len(frontier), device=place.device)])[order]
        edge = torch.cat(edges)
        return SamplerOutput(
            node=torch.cat(nodes),
            row=place[torch.searchsorted(known, self._source[edge])],
            col=torch.cat(targets),
            edge=self._order[edge],
            num_sampled_nodes=[len(part) for part in nodes],
            num_sampled_edges=[len(part) for part in edges],
        )

    def _draw(self, nodes: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Up to `most` incoming edges of each node: ``(e,)`` its place among the nodes, ``(e,)`` the edge."""
        start = self._indptr[nodes]
        degree = self._indptr[nodes + 1] - start
        steps = torch.arange(most, device=nodes.device)
        picked = steps.repeat(len(nodes), 1)
        many = (degree > most).nonzero().squeeze(1)
        picked[many] = self._distinct(degree[many], most)
        there = steps < degree.unsqueeze(1)
        target = torch.arange(len(nodes), device=nodes.device).unsqueeze(1).expand_as(picked)
        return target[there], (start.unsqueeze(1) + picked)[there]

    def _distinct(self, sizes: Tensor, count: int) -> Tensor:
        """Distinct numbers below each size, all sets alike: ``(m,) -> (m, count)``."""
        out = sizes.new_empty(len(sizes), count)
        for step in range(count):
            last = sizes - count + step
            share = torch.rand(len(sizes), generator=self.random, device=sizes.device, dtype=torch.float64)
            drawn = (share * (last + 1)).long()
            repeated = (out[:, :step] == drawn.unsqueeze(1)).any(1)
            out[:, step] = torch.where(repeated, last, drawn)
        return out

    def sample_from_nodes(self, index: NodeSamplerInput, **ignored: Any) -> SamplerOutput:
        """What a torch-geometric `NodeLoader` asks for."""
        out = self.sample(index.node)
        out.metadata = (index.input_id, index.time)
        return out

    def sample_from_edges(self, index: EdgeSamplerInput, neg_sampling: Any = None) -> SamplerOutput:
        """What a torch-geometric `LinkLoader` asks for: the neighbours of both ends.

        Raises:
            ValueError: if negative samples are asked for; the 1-vs-all objective needs none.
        """
        if neg_sampling is not None:
            raise ValueError("expected no negative sampling (got one): draw the other ends in the objective")
        seeds, place = torch.cat([index.row, index.col]).unique(return_inverse=True)
        out = self.sample(seeds)
        out.metadata = (index.input_id, place.view(2, -1), index.label, index.time)
        return out


def _unknown(candidates: Tensor, known: Tensor) -> Tensor:
    """Those of the candidates that are not among the known, which are sorted."""
    if not len(known):
        return candidates
    place = torch.searchsorted(known, candidates).clamp(max=len(known) - 1)
    return candidates[known[place] != candidates]
