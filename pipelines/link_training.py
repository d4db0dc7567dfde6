"""The link objective: structure vectors that find the other end of a fact. Deterministic on the CPU."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion.base import JointGraph
from fusion.structure import StructureEncoder
from kg.links import Answers, ComplEx, answer_loss, both_directions, filtered_ranks
from kg.ranking import mean_reciprocal_rank
from kg.sampling import NeighborSampler
from kg.sparse import SortedEdges
from kg.splits import Split
from pipelines.history import History, Progress
from pipelines.settings import Settings

FRESH = 0.1
"""Share of the entities that a step encodes as if they were new."""


class LinkModel(nn.Module):
    """Structure encoder and link scorer, trained together."""

    def __init__(self, num_entities: int, num_relations: int, settings: Settings) -> None:
        super().__init__()
        self.encoder = StructureEncoder(num_entities, 2 * num_relations, settings.structure_width)
        self.scorer = ComplEx(num_relations, settings.structure_width // 2)
        self.num_relations = num_relations

    def loss(self, rows: Tensor, facts: Tensor, n3: float) -> Tensor:
        """Mean cross-entropy of the facts' tails, each distinct query scored once, and the N3 penalty."""
        asked = Answers.of(facts, 2 * self.num_relations)
        row, tail = asked.take(torch.arange(len(asked), device=facts.device))
        queries = self.scorer.queries(rows[asked.head], asked.relation)
        share = rows.new_full((len(row),), 1 / max(len(row), 1))
        penalty = self.scorer.n3(rows[asked.head[row]], asked.relation[row], rows[tail])
        return answer_loss(queries, rows, row, tail, share) + n3 * penalty


def train_links(
    graph: JointGraph,
    triples: Tensor,
    split: Split,
    num_relations: int,
    settings: Settings,
    progress: Progress,
) -> tuple[LinkModel, History]:
    """Train the structure vectors to find the other end of each fact, both directions.

    A fact in the batch is taken out of the attention while it is asked for; held-out facts are never
    in it. Keeps the state of the best validation MRR. With `neighbors` in the settings a step sees a
    sample of the facts around its batch, and ranks among the batch and as many other entities.
    """
    torch.manual_seed(settings.seed)
    device = graph.log_weight.device
    model = LinkModel(graph.num_entities, num_relations, settings).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    place = edge_places(graph, len(triples))
    hidden = np.concatenate([split.valid, split.test])
    log_weight = masked(graph.log_weight, place, torch.from_numpy(hidden))
    train = torch.from_numpy(split.train)
    sampler = _sampler(model, graph, settings) if settings.neighbors else None
    history, best = History(), copy.deepcopy(model.state_dict())
    for epoch in range(settings.epochs):
        model.train()
        losses = []
        for batch in torch.split(train[torch.randperm(len(train))], settings.batch):
            facts = both_directions(triples[batch], num_relations).to(device)
            if sampler is None:
                fresh = torch.rand(graph.num_entities, device=device) < FRESH
                rows = model.encoder(graph.edges, masked(log_weight, place, batch), fresh)
            else:
                hidden_edges = place[batch.to(device)].reshape(-1)
                rows, facts = _sampled(model, graph, sampler, log_weight, hidden_edges, facts)
            loss = model.loss(rows, facts, settings.n3)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        history.losses.append(float(np.mean(losses)))
        if (epoch + 1) % 2 == 0 or epoch + 1 == settings.epochs:
            ranks = link_ranks(model, graph, log_weight, triples, split.valid)
            history.scores.append(mean_reciprocal_rank(ranks) if len(ranks) else -history.losses[-1])
            if history.scores[-1] >= max(history.scores):
                best = copy.deepcopy(model.state_dict())
            if history.stale(settings.patience):
                break
        progress("links", epoch + 1, settings.epochs)
    done = len(history.losses)
    progress("links", done, done)
    model.load_state_dict(best)
    model.eval()
    return model, history


def _sampler(model: LinkModel, graph: JointGraph, settings: Settings) -> NeighborSampler:
    fanout = (settings.neighbors,) * len(model.encoder.layers)
    return NeighborSampler(graph.edges.edge_index, graph.num_entities, fanout, seed=settings.seed)


def _sampled(
    model: LinkModel,
    graph: JointGraph,
    sampler: NeighborSampler,
    log_weight: Tensor,
    hidden: Tensor,
    facts: Tensor,
) -> tuple[Tensor, Tensor]:
    """Rows of the batch's entities and as many others, by facts drawn around them; the facts among those.

    Memory is bound by the batch: no tensor here is as long as the graph.
    """
    others = torch.randint(graph.num_entities, (len(facts),), device=facts.device)
    seeds = torch.cat([facts[:, 0], facts[:, 2], others]).unique()
    drawn = sampler.sample(seeds)
    kinds = int(graph.edges.relations.num_columns)
    index = torch.stack([drawn.row, drawn.col])
    edges = SortedEdges.of(index, graph.edges.edge_type[drawn.edge], len(drawn.node), kinds)
    weight = log_weight[drawn.edge].masked_fill(torch.isin(drawn.edge, hidden), float("-inf"))
    fresh = torch.rand(len(drawn.node), device=facts.device) < FRESH
    rows = model.encoder(edges, weight[edges.order], fresh, drawn.node)[: len(seeds)]
    head, tail = (torch.searchsorted(seeds, facts[:, end].contiguous()) for end in (0, 2))
    return rows, torch.stack([head, facts[:, 1], tail], dim=1)


@torch.no_grad()
def link_ranks(
    model: LinkModel, graph: JointGraph, log_weight: Tensor, triples: Tensor, asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Filtered realistic ranks of the asked facts, tails first, then heads: ``(2 * asked,)``."""
    model.eval()
    if not len(asked):
        return np.empty(0)
    rows = model.encoder(graph.edges, log_weight)
    both = 2 * model.num_relations
    known = Answers.of(both_directions(triples, model.num_relations).to(rows.device), both)
    asked_both = both_directions(triples[asked], model.num_relations).to(rows.device)
    return filtered_ranks(model.scorer, rows, asked_both, known).cpu().numpy()


def edge_places(graph: JointGraph, num_triples: int) -> Tensor:
    """Where each triple's two edges stand among the sorted edges: ``(num_triples, 2)``."""
    place = torch.empty_like(graph.edges.order)
    place[graph.edges.order] = torch.arange(len(place), device=place.device)
    return place.view(2, num_triples).t()


def masked(log_weight: Tensor, place: Tensor, triples: Tensor) -> Tensor:
    """The edges' log weights with some triples taken out."""
    return log_weight.index_fill(0, place[triples.to(place.device)].reshape(-1), float("-inf"))


@torch.no_grad()
def structure_of(model: LinkModel, graph: JointGraph) -> Tensor:
    """Structure vectors of all entities, by all facts."""
    model.eval()
    vectors: Tensor = model.encoder(graph.edges, graph.log_weight)
    return vectors
