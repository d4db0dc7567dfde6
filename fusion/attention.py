"""Cross-modal graph attention: every entity gets every sense, observed or inferred. Tensors only.

Three attentions over the joint graph, in the order of reach:

1. observations -> their entity: its own senses.
2. neighbours by a few facts -> entity: the *context*, what the things around it look, read or sound
   like; a learned prior for each relation steers it.
3. any entity -> any entity: a sense that is missing is inferred from the entities that have it, by one
   logit that adds up nearness in every sense both have, nearness of context, and the diffusion over the
   facts. This is what carries the pictures of near concepts to an entity that has none.

There are few parameters on purpose, one scalar for each pair of senses and for each relation: free
projections overfit a collection of some hundred things. The joint vector is the senses side by side,
so a similarity of two vectors is, exactly, a sum of similarities by sense.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fusion.base import CONTEXT, NAMED, STRUCTURE, JointGraph, Observed, Sense, Senses, View, unit
from fusion.senses import SenseFusion
from kg.sparse import segment_softmax, weighted_sum

HOPS, DECAY = 3, 0.7
KEYS = 16_384
"""Entities that a sense is inferred from at most: with more, time and memory would grow with the square."""
ENOUGH = 8
"""Entities with both senses from which it can be seen what names are worth."""


class CrossModalAttention(SenseFusion):
    """The fusion by attention; the joint vector is the senses side by side, ``size`` their summed widths."""

    learning_rate = 0.05
    has_context = True
    sees_facts = True
    hears_names = True

    def __init__(self, feature_sizes: dict[str, int], num_relations: int, **rest: Any) -> None:
        super().__init__(feature_sizes, num_relations, **rest)
        count = len(self.senses)
        # [target sense, sense compared]: how much nearness in one sense says about another
        self.nearness = nn.Parameter(torch.full((count, count), 4.0))
        self.diffusion = nn.Parameter(torch.full((count,), 2.0))
        self.relation_prior = nn.Parameter(torch.zeros(num_relations, 1))
        self.own_gain = nn.Parameter(torch.zeros(count))
        self.inferred_gain = nn.Parameter(torch.full((count,), -0.5))
        if self.named is not None:
            self.names_gain = nn.Parameter(torch.ones(count))

    @torch.no_grad()
    def fit_senses(self, graph: Observed, visible: Tensor) -> None:
        """As every fusion does; and start the gain of the names at what they are worth here."""
        super().fit_senses(graph, visible)
        if self.named is not None and graph.names is not None:
            self.names_gain.fill_(self._names_worth(graph, visible))

    def _names_worth(self, graph: Observed, visible: Tensor) -> float:
        """How much oftener what an entity is named is nearer to its own text than to another's, than not.

        From 0, where an encoder's names tell nothing of what is written here, to 1; 1 where few tell.
        """
        assert self.named is not None
        own = self.own(graph)
        said, told = own[NAMED], own[self.named[1]]
        rows = (said.present & told.present & visible).nonzero().squeeze(1)
        if len(rows) < ENOUGH:
            return 1.0
        near = said.vectors[rows] @ told.vectors[rows].t()
        further = (near < near.diagonal().unsqueeze(1)).sum() / (len(rows) * (len(rows) - 1))
        return max(0.0, 2 * float(further) - 1)

    def contexts(self, graph: JointGraph, senses: Senses, visible: Tensor) -> Senses:
        """What the visible entities around each one are like, by relational attention over the facts.

        Neighbours count in full, those `HOPS` facts away at most, less by `DECAY` for each fact between.
        """
        rows = graph.edges.sources
        out = {}
        for name in self.context:
            told = senses[name].hidden_where(~visible)
            total, heard_any = torch.zeros_like(told.vectors), torch.zeros_like(visible)
            for hop in range(HOPS):
                alpha, heard = self.listening(graph, told.present)
                mixed = unit(weighted_sum(alpha, told.vectors.unsqueeze(1), rows).squeeze(1))
                hears = torch.zeros_like(visible).index_put((rows.row[heard],), heard.new_ones(()))
                total, heard_any = total + DECAY**hop * mixed, heard_any | hears
                told = Sense(mixed, hears).hidden_where(~visible)
            out[CONTEXT + name] = Sense(unit(total), heard_any)
        return out

    def listening(self, graph: JointGraph, present: Tensor) -> tuple[Tensor, Tensor]:
        """How much each entity hears by each fact, from those that have something to tell.

        Shapes: ``present (n,) bool`` -> attention ``(E, 1)``, which sums to 1 over the edges that an entity
        hears by, and which edges are heard ``(E,) bool``, in the sorted order of the graph's edges.
        """
        rows = graph.edges.sources
        logits = self.relation_prior[graph.edges.edge_type] + graph.log_weight.unsqueeze(1)
        heard = present[rows.column] & (graph.log_weight > float("-inf"))
        return segment_softmax(logits.masked_fill(~heard.unsqueeze(1), float("-inf")), rows), heard

    def infer(self, view: View, memory: Senses, visible: Tensor, target: str) -> tuple[Tensor, Tensor]:
        """One sense of the view's rows, inferred from the visible entities that have it.

        Returns:
            ``(b, width)`` unit vectors (zero where nothing is near), and the attention ``(b, keys)``
            over ``memory[target].present & visible``, or a sample of `KEYS` of them.
        """
        keys = _keys(view, memory[target].present & visible)
        place = self.senses.index(target)
        logits = view_logits = memory[target].vectors.new_zeros(len(view), len(keys))
        shared = torch.zeros_like(logits, dtype=torch.bool)
        for other, name in enumerate(self.senses):
            if name not in view.senses or name == target:
                continue
            mine, theirs = view.senses[name], memory[name][keys]
            near = mine.vectors @ theirs.vectors.t()
            logits = logits + self.nearness[place, other].clamp(min=0) * near
            shared |= mine.present.unsqueeze(1) & theirs.present
        if view.affinity is not None:
            near = view.affinity.at(keys)
            logits = logits + self.diffusion[place].clamp(min=0) * near
            shared |= near > 0
        if view.entities is not None:
            # what is hidden of an entity must not be looked up in its own row
            shared &= view.entities.unsqueeze(1) != keys
        alpha = _softmax_where(logits, shared) if len(keys) else view_logits
        inferred = unit(alpha @ memory[target].vectors[keys])
        if self.named is not None and NAMED in view.senses and target in self._told:
            # beside what others like it are called: what its encoder calls it
            inferred = unit(inferred + self.names_gain[place].clamp(min=0) * view.senses[NAMED].vectors)
        return inferred, alpha

    @property
    def _told(self) -> tuple[str, ...]:
        """Senses that names are said in."""
        return () if self.named is None else (self.named[1], CONTEXT + self.named[1])

    def complete(self, view: View, memory: Senses, visible: Tensor) -> Senses:
        """All senses of the view's rows, own where present, else inferred; scaled by their gains."""
        out = {}
        for place, name in enumerate(self.senses):
            own = view.senses.get(name) or Sense.absent(memory[name], len(view))
            lacking = (~own.present).nonzero().squeeze(1)
            vectors = own.vectors * self.own_gain[place].exp()
            if len(lacking):
                inferred, _ = self.infer(view[lacking], memory, visible, name)
                vectors = vectors.index_add(0, lacking, inferred * self.inferred_gain[place].exp())
            out[name] = Sense(vectors, own.present)
        return out

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the senses that are compared: all but structure, which is no observation."""
        return tuple(name for name in self.senses if name != STRUCTURE)

    def told(self, view: View) -> Senses:
        """Each sense for itself: one that is missing takes nothing from what the others say."""
        return {name: view.senses[name] for name in self.compared}

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """Joint unit vectors of the view's rows, the senses side by side: ``(b, sum of widths)``."""
        completed = self.complete(view, memory, visible)
        return unit(torch.cat([completed[name].vectors for name in self.senses], dim=1))


def _keys(view: View, able: Tensor) -> Tensor:
    """Those who may be attended to: ``(keys,)`` ascending, all that are able ``(n,) bool`` unless too many.

    Then half of them are spread evenly over all, and the others are the nearest to a row by the facts.
    """
    keys: Tensor = able.nonzero().squeeze(1)
    if len(keys) <= KEYS:
        return keys
    spread = keys[torch.arange(KEYS // 2, device=keys.device) * len(keys) // (KEYS // 2)]
    if view.affinity is None:
        return spread
    each = max(1, KEYS // 2 // max(len(view), 1))
    chosen: Tensor = torch.unique(torch.cat([spread, view.affinity.strongest(able, each)]))
    return chosen


def _softmax_where(logits: Tensor, allowed: Tensor) -> Tensor:
    """Softmax over the allowed entries of each row; zeros for a row without any."""
    masked = logits.masked_fill(~allowed, float("-inf"))
    some = allowed.any(1, keepdim=True)
    return torch.where(some, torch.where(some, masked, torch.zeros_like(masked)).softmax(1), 0.0)
