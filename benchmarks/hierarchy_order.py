"""How many held-out facts of hierarchies a link model has the wrong way round; see benchmarks.priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.store.store import Store


@torch.no_grad()
def order(store: Store, settings: Settings) -> dict[str, float]:
    """Held-out facts of hierarchies: shares the wrong way round, by row and by score; and the MRR of all."""
    from fusion.objectives import disorder
    from kg.hierarchy import hierarchy_of
    from kg.links import both_directions
    from kg.ranking import mean_reciprocal_rank
    from kg.splits import triple_split
    from pipelines.senses.joint import joint_graph
    from pipelines.training.link_facts import LinkFacts
    from pipelines.training.links import link_ranks, train_links
    from pipelines.training.train import joint_triples

    graph, share = store.graph.stated(), settings.link_share
    joint = joint_graph(graph, store.observations, settings, diffusion=False)
    facts = joint_triples(graph, joint)
    split = triple_split(facts, valid=share, test=share, seed=settings.seed)
    triples = torch.from_numpy(facts)
    given = LinkFacts.of(joint, triples, split.learning())
    hierarchy = hierarchy_of(graph, settings.hierarchy, facts=given.train.numpy())
    with torch.enable_grad():
        links, history = train_links(given, settings, lambda stage, done, total: None, hierarchy)
    rows = links.encoder(given.graph.edges, given.graph.log_weight)
    test = triples[torch.from_numpy(split.test)]
    asked = both_directions(test, graph.num_relations)
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
        "test MRR": mean_reciprocal_rank(link_ranks(links, given.graph, test, triples)),
    }
