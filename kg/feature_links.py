"""Links scored by what is known of the entities themselves, such as their names: for those without facts.

Tensors only. A head's features and the relation are asked through a small network, which must resemble a
projection of the tail's features; besides, each relation learns how much likeness of the two says.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kg.links import Answers, answer_loss, both_directions, fast_bfloat16

BATCH, RATE, DROPOUT = 256, 1e-3, 0.4
EPOCHS, STEPS = 6, 1500
"""Passes over the facts at most, and steps after which no further pass begins."""

LIKENESS = 5.0
"""What full likeness is worth at first, so that names that are alike count from the start."""


class FeatureLinks(nn.Module):
    """Scores of all entities as tails of a head and a directed relation, by features alone.

    Args:
        features: ``(n, d)``, rows of unit length, or of zeros where nothing is known.
        num_relations: inverse ones not counted.
        width: numbers of the projections that are compared.
        hidden: width of the network's middle.
    """

    def __init__(self, features: Tensor, num_relations: int, *, width: int = 128, hidden: int = 512) -> None:
        super().__init__()
        size = features.shape[1]
        self.scale = size**0.5
        self.features: Tensor
        self.register_buffer("features", features, persistent=False)
        self.relation = nn.Embedding(2 * num_relations, width)
        self.likeness = nn.Embedding(2 * num_relations, 1)
        nn.init.constant_(self.likeness.weight, LIKENESS)
        self.query = nn.Sequential(
            nn.Linear(size + width, hidden), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(hidden, width)
        )
        self.answer = nn.Linear(size, width, bias=False)

    @classmethod
    def learned(
        cls, features: Tensor, facts: Tensor, num_relations: int, *, epochs: int = EPOCHS, seed: int = 0
    ) -> FeatureLinks:
        """Learn to find the tails of facts ``(t, 3)``, both directions, among all entities.

        Large sets need fewer passes: none begins after `STEPS` steps.
        """
        torch.manual_seed(seed)
        model = cls(features, num_relations).to(features.device)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        asked = both_directions(facts.to(features.device), num_relations)
        answers = Answers.of(asked, 2 * num_relations)
        half = fast_bfloat16(features.device)
        steps = -(-len(answers) // BATCH)
        for _ in range(min(epochs, -(-STEPS // max(steps, 1)))):
            for places in torch.randperm(len(answers)).to(features.device).split(BATCH):
                row, tail = answers.take(places)
                share = features.new_full((len(row),), 1 / len(row))
                queries = model.queries(answers.head[places], answers.relation[places])
                loss = answer_loss(queries, model.candidates(), row, tail, share, half=half)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model.eval()

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """What a row of `candidates` must resemble: ``(b,), (b,) -> (b, width + d)``."""
        own = self.features[head]
        asked = self.query(torch.cat([self.scale * own, self.relation(relation)], dim=1))
        return torch.cat([asked, self.likeness(relation) * own], dim=1)

    def candidates(self) -> Tensor:
        """A row for each entity: ``(n, width + d)``."""
        return torch.cat([self.answer(self.scale * self.features), self.features], dim=1)

    @torch.no_grad()
    def forward(self, head: Tensor, relation: Tensor) -> Tensor:
        """Scores of all entities: ``(b,), (b,) -> (b, n)``."""
        return self.queries(head, relation) @ self.candidates().t()
