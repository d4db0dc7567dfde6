"""How many held-out facts of hierarchies a link model has the wrong way round; see benchmarks.priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.store import Store


@torch.no_grad()
def order(store: Store, settings: Settings) -> dict[str, float]:
    """Held-out facts of hierarchies: shares the wrong way round, by row and by score; and the MRR of all."""
    from fusion.objectives import disorder
    from kg.hierarchy import hierarchy_of
    from kg.links import both_directions
    from kg.ranking import mean_reciprocal_rank
    from kg.splits import triple_split
    from pipelines.joint import joint_graph
    from pipelines.link_training import edge_places, link_ranks, masked, train_links
    from pipelines.training import joint_triples

    graph, share = store.graph.stated(), settings.link_share
    joint = joint_graph(graph, store.observations, settings, diffusion=False)
    facts = joint_triples(graph, joint)
    split = triple_split(facts, valid=share, test=share, seed=settings.seed)
    triples, hierarchy = torch.from_numpy(facts), hierarchy_of(graph, settings.hierarchy)
    with torch.enable_grad():
        links, history = train_links(
            joint, triples, split, graph.num_relations, settings, lambda stage, done, total: None, hierarchy
        )
    held = torch.from_numpy(np.concatenate([split.valid, split.test]))
    seen = masked(joint.log_weight, edge_places(joint, len(triples)), held)
    rows = links.encoder(joint.edges, seen)
    asked = both_directions(triples[torch.from_numpy(split.test)], graph.num_relations)
    low, up, high = asked[torch.isin(asked[:, 1], torch.from_numpy(hierarchy.upward))].unbind(1)
    right, reverse = (
        (links.scorer.queries(rows[one], up) * rows[other]).sum(1)
        for one, other in ((low, high), (high, low))
    )
    return {
        "pairs": len(low),
        "wrong by row": float(
            (disorder(rows[low], rows[high]) >= disorder(rows[high], rows[low])).float().mean()
        ),
        "wrong by score": float((reverse >= right).float().mean()),
        "validation MRR": max(history.scores),
        "test MRR": mean_reciprocal_rank(link_ranks(links, joint, seen, triples, split.test)),
    }
