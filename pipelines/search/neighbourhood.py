"""The facts around an entity as a networkx graph: how much each carries, and chains of reasons.

Attention tells how an entity's vector came about. Why it answers a question, its paths and ranks tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import networkx
import torch
from torch import Tensor

from fusion.attention import CrossModalAttention
from fusion.base import CONTEXT, JointGraph
from kg.sparse import segment_softmax
from pipelines.search.explain import Fact, last_word
from pipelines.senses.joint import joint_graph

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher
    from pipelines.search.scoring import Scorer


def neighbourhood(
    searcher: Searcher, entity: str, k: int = 20, paths: Sequence[Sequence[Fact]] = ()
) -> networkx.MultiDiGraph:
    """The `k` entities that an entity hears most of, near or passed on, and the facts among all of them.

    Args:
        searcher: asks the store.
        entity: IRI of the entity in the middle; the graph's attribute `centre` names it.
        k: most entities around it.
        paths: chains of facts that are to be in the graph as well.

    Returns:
        Nodes are IRIs with a `label` and `heard`, the share of what the centre hears that comes by way of it
        (1 for the centre, 0 for one that is there for a path alone). Edges run as the facts do, keyed by
        relation, with `label`, `weight` (the fact's, times its relation's prior), `attention` (the larger of
        what its two ends hear of each other by it) and `path` (whether it is in one of the paths).

    Raises:
        ValueError: the entity is unknown, or k is below 1.
    """
    if k < 1:
        raise ValueError(f"expected at least 1 neighbour (got {k})")
    store = searcher.store
    centre = store.graph.entity_id(searcher.asker.expanded(entity))
    joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
    attention = neighbour_attention(searcher.scorer, joint)
    heard = _most_heard(joint, attention, centre, k)
    steps = {step for path in paths for step in path}
    ends = store.graph.entity_ids([iri for head, _, tail in steps for iri in (head, tail)])
    heard |= {int(end): 0.0 for end in ends if int(end) not in heard}
    out = networkx.MultiDiGraph(centre=store.graph.entities[centre].as_py())
    for place, share in heard.items():
        iri = store.graph.entities[place].as_py()
        out.add_node(iri, label=searcher.labels[place], heard=share)
    for head, relation, tail, carried, weight in _facts_among(joint, attention, heard):
        (fact,) = searcher.named([(head, relation, tail)])
        out.add_edge(
            fact[0],
            fact[2],
            key=fact[1],
            label=last_word(fact[1]),
            weight=weight,
            attention=carried,
            path=fact in steps,
        )
    return out


@torch.no_grad()
def neighbour_attention(scorer: Scorer, joint: JointGraph) -> Tensor:
    """How much each entity hears by each fact, ``(E,)`` in the sorted order of the edges; 1 over an entity's.

    The mean over the senses whose context the model attends to. A fusion that sees no facts has none: there
    each fact counts by its weight.
    """
    rows, model = joint.edges.sources, scorer.store.model
    if not isinstance(model, CrossModalAttention) or not model.context:
        return segment_softmax(joint.log_weight.unsqueeze(1), rows).squeeze(1)
    total = torch.zeros_like(joint.log_weight)
    for name in model.context:
        told = scorer.memory[name].present | scorer.memory[CONTEXT + name].present
        total += model.listening(joint, told)[0].squeeze(1)
    heard = torch.zeros(joint.num_entities).index_add(0, rows.row, total)
    return total / heard.clamp(min=1e-12)[rows.row]


def _most_heard(joint: JointGraph, attention: Tensor, centre: int, k: int) -> dict[int, float]:
    """The centre and the `k` entities by way of which it hears most: products of attention, largest first."""
    rows = joint.edges.sources
    best: dict[int, float] = {}
    waiting = [(-1.0, centre)]
    while waiting and len(best) <= k:
        share, here = heapq.heappop(waiting)
        if here in best:
            continue
        best[here] = -share
        edges = slice(int(rows.indptr[here]), int(rows.indptr[here + 1]))
        for other, part in zip(rows.column[edges].tolist(), attention[edges].tolist(), strict=True):
            if part > 0 and other not in best:
                heapq.heappush(waiting, (share * part, other))
    return best


def _facts_among(
    joint: JointGraph, attention: Tensor, places: Iterable[int]
) -> list[tuple[int, int, int, float, float]]:
    """Facts between some entities: head, relation, tail, the larger attention of its two edges, weight."""
    edges, inside = joint.edges, torch.zeros(joint.num_entities, dtype=torch.bool)
    inside[list(places)] = True
    row, column = edges.sources.row, edges.sources.column
    num_relations = edges.relations.num_columns // 2
    found: dict[tuple[int, int, int], tuple[float, float]] = {}
    for place in torch.nonzero(inside[row] & inside[column]).squeeze(1).tolist():
        kind, ends = int(edges.edge_type[place]), (int(column[place]), int(row[place]))
        head, tail = ends if kind < num_relations else ends[::-1]
        fact = (head, kind % num_relations, tail)
        carried = max(found.get(fact, (0.0, 0.0))[0], float(attention[place]))
        found[fact] = (carried, float(joint.log_weight[place].exp()))
    return [(*fact, *values) for fact, values in sorted(found.items())]
