"""What every fusion is given: the joint graph, and what is known of some entities. Tensors only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from fusion.names import Names
from fusion.sparse_rows import SparseRows
from kg.sparse import SortedEdges

CONTEXT = "context:"
NAMED = "named"
STRUCTURE = "structure"


class Observed(Protocol):
    """What was observed of entities: ``features[modality] (m, d)`` with ``owners[modality] (m,) int64``."""

    @property
    def num_entities(self) -> int:
        """How many entities there are."""

    @property
    def features(self) -> Mapping[str, Tensor]:
        """The encoders' rows."""

    @property
    def owners(self) -> Mapping[str, Tensor]:
        """The entity of each row."""

    @property
    def names(self) -> Names | None:
        """What an encoder can say by itself in another sense."""


@dataclass(frozen=True)
class JointGraph:
    """Entities, what was observed of them, and the facts between them.

    Shapes: ``features[modality] (m, d)`` with ``owners[modality] (m,) int64``, the entity of each row
    (an entity may own any number of rows); ``edges`` are the facts, both directions, relation ``r``
    and its inverse apart; ``log_weight (E,)`` in their sorted order; ``affinity`` a sparse CSR
    ``(num_entities, num_entities)`` in [0, 1] from `kg.diffusion`, or None where there are no facts;
    ``names`` what an encoder can say by itself in another sense.
    """

    num_entities: int
    features: Mapping[str, Tensor]
    owners: Mapping[str, Tensor]
    edges: SortedEdges
    log_weight: Tensor
    affinity: Tensor | None
    names: Names | None = None

    def to(self, device: torch.device | str) -> JointGraph:
        """The same graph on another device."""
        return JointGraph(
            self.num_entities,
            {name: rows.to(device) for name, rows in self.features.items()},
            {name: rows.to(device) for name, rows in self.owners.items()},
            self.edges.to(device),
            self.log_weight.to(device),
            None if self.affinity is None else self.affinity.to(device),
            None if self.names is None else self.names.to(device),
        )


@dataclass(frozen=True)
class Sense:
    """One sense of several entities: unit vectors, and who has it.

    Shapes: ``vectors (n, d)``, zero rows where ``present (n,) bool`` is false. A mask rather than NaN: a
    diverged encoder must not look like a missing picture.
    """

    vectors: Tensor
    present: Tensor

    def __getitem__(self, rows: Tensor | slice) -> Sense:
        """The sense of these rows."""
        return Sense(self.vectors[rows], self.present[rows])

    def hidden_where(self, hidden: Tensor) -> Sense:
        """The same sense, taken away from some rows."""
        present = self.present & ~hidden
        return replace(self, vectors=self.vectors * present.unsqueeze(1), present=present)

    @classmethod
    def absent(cls, like: Sense, num_rows: int) -> Sense:
        """A sense that nobody has, as wide as another."""
        vectors = like.vectors.new_zeros(num_rows, like.vectors.shape[1])
        return cls(vectors, torch.zeros(num_rows, dtype=torch.bool, device=vectors.device))


Senses = dict[str, Sense]


@dataclass(frozen=True)
class View:
    """What is known of some entities (or queries): their senses, and their nearness to all entities.

    Shapes: each sense ``(b, width)``; ``affinity (b, num_entities)``, or None without facts;
    ``entities (b,) int64``, whose rows of the memory are their own: no sense is inferred from them.
    """

    senses: Senses
    affinity: SparseRows | None = None
    entities: Tensor | None = None

    def __len__(self) -> int:
        return len(next(iter(self.senses.values())).present)

    def __getitem__(self, rows: Tensor | slice) -> View:
        """What is known of these rows."""
        return View(
            {name: sense[rows] for name, sense in self.senses.items()},
            None if self.affinity is None else self.affinity[rows],
            None if self.entities is None else self.entities[rows],
        )


def view_of(memory: Senses, graph: JointGraph, rows: Tensor) -> View:
    """Everything known of some entities of the graph."""
    affinity = None if graph.affinity is None else SparseRows.of(graph.affinity, rows)
    return View({name: sense[rows] for name, sense in memory.items()}, affinity)


def unit(vectors: Tensor) -> Tensor:
    """Rows scaled to length 1; a zero row stays zero. ``(n, d) -> (n, d)``."""
    scaled: Tensor = vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return scaled


def pooled(features: Tensor, owners: Tensor, num_entities: int) -> Sense:
    """Mean of each entity's own observations, as unit vectors: ``(m, d), (m,) -> (n, d)``."""
    total = features.new_zeros(num_entities, features.shape[1]).index_add(0, owners, features)
    count = torch.bincount(owners, minlength=num_entities)
    return Sense(unit(total), count > 0)
