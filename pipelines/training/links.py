"""The link objective: structure vectors that find the other end of a fact. Deterministic on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion import objectives
from fusion.base import JointGraph
from fusion.structure import StructureEncoder
from kg.hierarchy import Hierarchy
from kg.links import Answers, ComplEx, answer_loss, both_directions, filtered_ranks
from kg.ranking import mean_reciprocal_rank
from pipelines.settings import Settings
from pipelines.training import processes
from pipelines.training.course import Course
from pipelines.training.history import History, Progress
from pipelines.training.link_facts import LinkFacts, edge_places, shared_edges
from pipelines.training.link_sampling import LinkSampler

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
        """Mean cross-entropy of the facts' tails, each distinct query scored once, and the N3 penalty.

        Several processes share the queries; the mean of their losses is that of all facts.
        """
        asked = Answers.of(facts, 2 * self.num_relations)
        part, every = processes.share(len(asked)), max(len(asked.tail), 1)
        row, tail = asked.take(torch.arange(part.start, part.stop, device=facts.device))
        head, relation = asked.head[part], asked.relation[part]
        queries = self.scorer.queries(rows[head], relation)
        sharers = processes.sharers(len(asked))
        share = rows.new_full((len(row),), sharers / every)
        penalty = self.scorer.n3(rows[head[row]], relation[row], rows[tail])
        return answer_loss(queries, rows, row, tail, share) + n3 * (sharers * len(row) / every) * penalty


@dataclass(frozen=True)
class Order:
    """A hierarchy as tensors: see `kg.hierarchy.Hierarchy`."""

    upward: Tensor
    knot: Tensor

    @classmethod
    def of(cls, hierarchy: Hierarchy, device: torch.device) -> Order:
        """Take a hierarchy to a device."""
        return cls(*(torch.from_numpy(ids).to(device) for ids in (hierarchy.upward, hierarchy.knot)))

    def pairs(self, facts: Tensor, nodes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What is below and what is above by facts in both directions; no pair of a knot that goes round.

        Shapes: ``facts (b, 3)`` with places in `nodes` ``(m,)``, by default entities -> ``(k,), (k,)``.
        """
        low, relation, high = facts.unbind(1)
        ends = (low, high) if nodes is None else (nodes[low], nodes[high])
        kept = torch.isin(relation, self.upward) & (self.knot[ends[0]] != self.knot[ends[1]])
        return low[kept], high[kept]


class LinkSteps:
    """Takes the steps of the link objective: over all facts, or with `neighbors` over those around a batch.

    Of several processes each encodes a part of the entities and asks a part of the batch's queries, among all
    candidates: the gradient is that of one process with the whole batch. Dropout, drawn neighbours and the
    other ends of the order are each process's own.

    Args:
        model: what to train.
        facts: what to learn from.
        settings: rates, sizes and the seed.
        hierarchy: what is below what; the vectors are drawn towards that order.
    """

    def __init__(
        self,
        model: LinkModel,
        facts: LinkFacts,
        settings: Settings,
        hierarchy: Hierarchy | None = None,
    ) -> None:
        graph = facts.graph
        self.model, self.graph, self.triples, self.settings = model, graph, facts.train, settings
        self.order = Order.of(hierarchy, graph.log_weight.device) if hierarchy and settings.order else None
        self.place = edge_places(graph, len(facts.train))
        self.log_weight = graph.log_weight
        self.edges, self.own = shared_edges(graph.edges)
        self.sampler = None
        rows, rate = model.encoder.rows, settings.learning_rate
        if settings.neighbors:
            fanout = (settings.neighbors,) * len(model.encoder.layers)
            seed = settings.seed + processes.rank()
            self.sampler = LinkSampler(graph, self.log_weight, fanout, seed=seed)
            others = [weight for weight in model.parameters() if weight is not rows]
            # moments move for the rows of a step alone
            self.optimizers = [torch.optim.SparseAdam([rows], lr=rate), torch.optim.Adam(others, lr=rate)]
        else:
            self.optimizers = [torch.optim.Adam(model.parameters(), lr=rate)]

    @property
    def generators(self) -> list[torch.Generator]:
        """What draws beside torch's own random numbers."""
        return [] if self.sampler is None else [self.sampler.neighbors.random]

    def step(self, batch: Tensor) -> float:
        """Learn a batch of triples, given by place ``(b,)``; their loss before."""
        facts = both_directions(self.triples[batch], self.model.num_relations).to(self.log_weight.device)
        loss = self._loss(batch, facts)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        mean = processes.averaged(self.model, loss)
        for optimizer in self.optimizers:
            optimizer.step()
        return mean

    def _loss(self, batch: Tensor, facts: Tensor) -> Tensor:
        """The loss of the facts, which the attention does not see."""
        encoder, n3 = self.model.encoder, self.settings.n3
        if self.sampler is None:
            fresh = processes.agreed(torch.rand(self.graph.num_entities, device=facts.device) < FRESH)
            log_weight = masked(self.log_weight, self.place, batch)[self.own]
            rows = encoder(self.edges, log_weight, fresh, whole=processes.summed)
            return self.model.loss(rows, facts, n3) + self._disorder(rows, facts)
        near = self.sampler.around(facts, self.place[batch.to(facts.device)].reshape(-1))
        fresh = torch.rand(len(near.nodes), device=facts.device) < FRESH
        own = encoder(near.edges, near.log_weight, fresh, near.nodes)[: near.num_own]
        rows = processes.gathered(own, len(near.candidates))
        disorder = self._disorder(rows, near.facts, near.candidates)
        return self.model.loss(rows, near.facts, n3) + disorder

    def _disorder(self, rows: Tensor, facts: Tensor, nodes: Tensor | None = None) -> Tensor | float:
        """How much the rows are out of the order that the facts of the hierarchies say, weighed."""
        if self.order is None:
            return 0.0
        below, above = self.order.pairs(facts, nodes)
        return self.settings.order * objectives.order(rows, below, above)


def train_links(
    facts: LinkFacts, settings: Settings, progress: Progress, hierarchy: Hierarchy | None = None
) -> tuple[LinkModel, History]:
    """Train the structure vectors to find the other end of each fact, both directions.

    A fact in the batch is taken out of the attention while it is asked for; those to choose by are never
    in it. Keeps the state of the best validation MRR. With `neighbors` in the settings a step sees a
    sample of the facts around its batch, and ranks among the batch's entities and as many others. A
    hierarchy is a soft constraint besides: see `fusion.objectives.order`.

    Of several processes (see `pipelines.training.processes`) all call this with the same facts.

    Raises:
        TrainingError: a loss is no number before the first validation.
    """
    torch.manual_seed(settings.seed)
    graph, count = facts.graph, len(facts.train)
    model = LinkModel(graph.num_entities, facts.num_relations, settings).to(graph.log_weight.device)
    steps = LinkSteps(model, facts, settings, hierarchy)
    hint = "try a smaller --learning-rate"
    course = Course("links", model, hint, optimizers=steps.optimizers, generators=steps.generators)
    history = course.history
    for epoch in course.turns(settings.epochs, settings.patience):
        model.train()
        batches = processes.agreed(torch.randperm(count)).split(settings.batch)
        losses = list(course.each(steps.step(batch) for batch in batches))
        if course.stopped:
            break
        history.losses.append(float(np.mean(losses)))
        if (epoch + 1) % 2 == 0 or epoch + 1 == settings.epochs:
            if not course.sound():
                break
            ranks = link_ranks(model, graph, facts.valid, facts.facts)
            course.judge(mean_reciprocal_rank(ranks) if len(ranks) else -history.losses[-1])
        progress("links", epoch + 1, settings.epochs)
    done = max(len(history.losses), 1)
    progress("links", done, done)
    course.restore()
    model.eval()
    return model, history


@torch.no_grad()
def link_ranks(model: LinkModel, graph: JointGraph, asked: Tensor, known: Tensor) -> NDArray[np.float64]:
    """Filtered realistic ranks of facts ``(q, 3)``, tails first, then heads: ``(2 * q,)``.

    What `graph` holds is seen; of the facts ``known (k, 3)`` none counts against another answer. Several
    processes share the queries, so all must ask.
    """
    model.eval()
    if not len(asked):
        return np.empty(0)
    rows = model.encoder(graph.edges, graph.log_weight)
    both = 2 * model.num_relations
    answers = Answers.of(both_directions(known, model.num_relations).to(rows.device), both)
    asked_both = both_directions(asked, model.num_relations).to(rows.device)
    part = processes.share(len(asked_both))
    ranks = filtered_ranks(model.scorer, rows, asked_both[part], answers)
    return processes.gathered(ranks, len(asked_both)).cpu().numpy()


def masked(log_weight: Tensor, place: Tensor, triples: Tensor) -> Tensor:
    """The edges' log weights with some triples taken out."""
    return log_weight.index_fill(0, place[triples.to(place.device)].reshape(-1), float("-inf"))


@torch.no_grad()
def structure_of(model: LinkModel, graph: JointGraph) -> Tensor:
    """Structure vectors of all entities, by all facts."""
    model.eval()
    vectors: Tensor = model.encoder(graph.edges, graph.log_weight)
    return vectors
