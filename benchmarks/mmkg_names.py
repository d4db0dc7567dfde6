"""A scorer that knows what entities are called, and nothing else of them: for those that no fact tells of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from kg.links import Answers, answer_loss, both_directions
from kg.rdf import read

BATCH, EPOCHS = 256, 10


def name_rows(entities: list[str], labels: Path, width: int = 256) -> Tensor:
    """Character n-grams of the labels by TF-IDF, made narrow by SVD: ``(n, width)``, unit length.

    An entity without a label is read by the end of its IRI.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    graph, _ = read([labels])
    known = dict(zip(graph.entities.to_pylist(), graph.labels(), strict=True))
    texts = [known.get(iri, iri.rsplit("/", 1)[-1]).replace("_", " ") for iri in entities]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    rows = TruncatedSVD(width, random_state=0).fit_transform(grams.fit_transform(texts))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return torch.from_numpy(rows.astype(np.float32))


class Names(nn.Module):
    """Head name and relation through a small network, against a projection of the tails' names."""

    def __init__(self, names: Tensor, num_relations: int, width: int = 128) -> None:
        super().__init__()
        self.names = names * names.shape[1] ** 0.5
        self.relation = nn.Embedding(2 * num_relations, width)
        self.query = nn.Sequential(
            nn.Linear(names.shape[1] + width, 2 * width),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(2 * width, width),
        )
        self.answer = nn.Linear(names.shape[1], width, bias=False)

    @classmethod
    def trained(cls, names: Tensor, facts: Tensor, num_relations: int, seed: int) -> Names:
        """Learn to find the tails of facts ``(t, 3)``, both directions, among all entities."""
        torch.manual_seed(seed)
        model = cls(names, num_relations)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        answers = Answers.of(both_directions(facts, num_relations), 2 * num_relations)
        for _ in range(EPOCHS):
            for places in torch.randperm(len(answers)).split(BATCH):
                row, tail = answers.take(places)
                share = 1 / (torch.bincount(row, minlength=len(places))[row] * len(places))
                queries = model.queries(answers.head[places], answers.relation[places])
                loss = answer_loss(queries, model.answer(model.names), row, tail, share)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model.eval()

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """What the projection of a tail's name must resemble."""
        found: Tensor = self.query(torch.cat([self.names[head], self.relation(relation)], dim=1))
        return found

    @torch.no_grad()
    def forward(self, head: Tensor, relation: Tensor) -> Tensor:
        """Scores of all candidates: ``(b,), (b,) -> (b, n)``."""
        scores: Tensor = self.queries(head, relation) @ self.answer(self.names).t()
        return scores
