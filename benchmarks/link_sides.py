"""The two sides of `benchmarks.links`: ComplEx with a free row for each entity, ours and PyKEEN's.

Both begin with rows of deviation 0.1. PyKEEN's own default of 1 gives first scores of deviation 20, so that a
quarter of the softmax's gradient lies below the least normal float, and the product of its gradients takes
ten times as long: a matter of the start, not of PyKEEN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from kg.links import Answers, ComplEx, answer_loss, both_directions, filtered_ranks

BATCH = 256  # queries: PyKEEN is as fast with 1000, and we are faster
RATE, N3 = 0.1, 0.1
START = 0.1  # the deviation of all rows at first


@dataclass(frozen=True)
class Facts:
    """The parts of a data set over one list of entities and relations, each ``(t, 3)``."""

    num_entities: int
    num_relations: int
    parts: dict[str, Tensor]


class Free(nn.Module):
    """A free row for each entity under the link scorer, and how it is trained."""

    def __init__(self, facts: Facts, rank: int, *, half: bool = False, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.rows = nn.Parameter(START * torch.randn(facts.num_entities, 2 * rank))
        self.scorer = ComplEx(facts.num_relations, rank)
        self.num_relations, self.in_bfloat16 = facts.num_relations, half
        self.optimizer = torch.optim.Adagrad(self.parameters(), lr=RATE, fused=True)

    def epoch(self, triples: Tensor, n3: float = 0.0, *, by_fact: bool = False) -> None:
        """One pass over all facts in both directions, in which each query weighs the same, or each fact."""
        answers = Answers.of(both_directions(triples, self.num_relations), 2 * self.num_relations)
        for places in torch.randperm(len(answers)).split(BATCH):
            row, tail = answers.take(places)
            head, relation = self.rows[answers.head[places]], answers.relation[places]
            answered = torch.bincount(row, minlength=len(places))[row] * len(places)  # as PyKEEN weighs
            share = torch.full((len(row),), 1 / len(row)) if by_fact else 1 / answered
            queries = self.scorer.queries(head, relation)
            loss = answer_loss(queries, self.rows, row, tail, share, half=self.in_bfloat16)
            if n3:
                loss = loss + n3 * self.scorer.n3(head[row], relation[row], self.rows[tail])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def ranks(self, asked: Tensor, *known: Tensor) -> Tensor:
        """Filtered ranks of facts, both directions, given all that is known besides."""
        both = both_directions(torch.cat([*known, asked]), self.num_relations)
        answers = Answers.of(both, 2 * self.num_relations)
        rows = self.rows.detach()
        return filtered_ranks(self.scorer, rows, both_directions(asked, self.num_relations), answers)


class Rival:
    """PyKEEN's ComplEx under one LCWA training loop, which goes on from epoch to epoch.

    Its search for a batch that fits, two steps more at the start of each call, is off.
    """

    def __init__(self, facts: Facts, rank: int) -> None:
        from pykeen.models import ComplEx as Model
        from pykeen.training import LCWATrainingLoop

        self.facts = facts
        factory = self.factory(facts.parts["train"])
        start = partial(nn.init.normal_, std=START)
        self.model = Model(
            triples_factory=factory,
            embedding_dim=rank,
            entity_initializer=start,
            relation_initializer=start,
            loss="crossentropy",
            regularizer=None,
            random_seed=0,
        )
        self.epochs = 0
        self.loop = LCWATrainingLoop(
            model=self.model,
            triples_factory=factory,
            optimizer=torch.optim.Adagrad(self.model.parameters(), lr=RATE, fused=True),
            automatic_memory_optimization=False,
        )

    def factory(self, triples: Tensor) -> Any:
        """Facts as PyKEEN takes them, inverse relations added."""
        from pykeen.triples import CoreTriplesFactory

        return CoreTriplesFactory(
            triples,
            num_entities=self.facts.num_entities,
            num_relations=self.facts.num_relations,
            create_inverse_triples=True,
        )

    def epoch(self, triples: Tensor) -> None:
        """One pass over all facts in both directions."""
        self.epochs += 1
        self.loop.train(
            self.factory(triples),
            num_epochs=self.epochs,  # in all: one more than before
            continue_training=self.epochs > 1,
            batch_size=BATCH,
            use_tqdm=False,
            use_tqdm_batch=False,
        )

    def mean_reciprocal_rank(self, asked: Tensor, known: Tensor) -> float:
        """Of facts, both directions, filtered."""
        from pykeen.evaluation import RankBasedEvaluator

        result = RankBasedEvaluator().evaluate(
            self.model, asked, batch_size=BATCH, additional_filter_triples=[known], use_tqdm=False
        )
        return float(result.get_metric("both.realistic.inverse_harmonic_mean_rank"))

    def ours(self, rank: int) -> Free:
        """The same weights in our model: PyKEEN's inverse of relation r is r + 1, its relations are even."""
        free = Free(self.facts, rank)
        entity, relation = (
            representation[0](None).detach()
            for representation in (self.model.entity_representations, self.model.relation_representations)
        )
        relation = torch.cat([relation[0::2], relation[1::2]])
        with torch.no_grad():
            free.rows.copy_(torch.cat([entity.real, entity.imag], dim=1))
            free.scorer.relation.copy_(torch.cat([relation.real, relation.imag], dim=1))
        return free
