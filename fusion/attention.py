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

from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from fusion.base import JointGraph, Sense, Senses, pooled, unit
from kg.sparse import segment_softmax, weighted_sum

CONTEXT = "context:"
STRUCTURE = "structure"
FEW = 32
HOPS, DECAY = 3, 0.7


@dataclass(frozen=True)
class View:
    """What is known of some entities (or queries): their senses, and their nearness to all entities.

    Shapes: each sense ``(b, width)``; ``affinity (b, num_entities)`` dense, or None without facts.
    """

    senses: Senses
    affinity: Tensor | None = None

    def __len__(self) -> int:
        return len(next(iter(self.senses.values())).present)


class CrossModalAttention(nn.Module):
    """The fusion by attention.

    Args:
        feature_sizes: modality -> width of its encoder's features.
        num_relations: number of relations of the joint graph's edges (inverses counted).
        context: modalities whose context is a sense of its own.
        structure_width: width of the structure vectors, 0 for none.
        width: width to which each modality is reduced (principal components).
    """

    def __init__(
        self,
        feature_sizes: dict[str, int],
        num_relations: int,
        *,
        context: tuple[str, ...] = (),
        structure_width: int = 0,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.modalities = tuple(feature_sizes)
        self.context = context
        self.widths = {name: min(width, size) for name, size in feature_sizes.items()}
        for name, size in feature_sizes.items():
            self.register_buffer(f"mean_{name}", torch.zeros(size))
            self.register_buffer(f"basis_{name}", _random_basis(size, self.widths[name]))
        self.widths |= {CONTEXT + name: self.widths[name] for name in context}
        if structure_width:
            self.widths[STRUCTURE] = structure_width
        self.senses = tuple(self.widths)
        count = len(self.senses)
        # [target sense, sense compared]: how much nearness in one sense says about another
        self.nearness = nn.Parameter(torch.full((count, count), 4.0))
        self.diffusion = nn.Parameter(torch.full((count,), 2.0))
        self.relation_prior = nn.Parameter(torch.zeros(num_relations, 1))
        self.own_gain = nn.Parameter(torch.zeros(count))
        self.inferred_gain = nn.Parameter(torch.full((count,), -0.5))
        self.log_scale = nn.Parameter(torch.tensor(2.5))

    @torch.no_grad()
    def fit_senses(self, graph: JointGraph, visible: Tensor) -> None:
        """Find each modality's mean and principal components from the visible entities' observations.

        A modality with fewer than `FEW` rows keeps its random basis, which preserves angles: the mean and
        components of two pictures say nothing of pictures.
        """
        for name in self.modalities:
            rows = graph.features[name][visible[graph.owners[name]]]
            if len(rows) < FEW:
                continue
            mean = rows.mean(0)
            basis = getattr(self, f"basis_{name}")
            _, _, directions = torch.linalg.svd(rows - mean, full_matrices=False)
            kept = directions[: basis.shape[1]].t()
            basis[:, : kept.shape[1]] = kept
            basis[:, kept.shape[1] :] = 0
            getattr(self, f"mean_{name}").copy_(mean)

    def project(self, modality: str, features: Tensor) -> Tensor:
        """Features of one modality in the model's own space: ``(m, d) -> (m, width)`` unit rows."""
        centred = features - getattr(self, f"mean_{modality}")
        return unit(centred @ getattr(self, f"basis_{modality}"))

    def observe(self, graph: JointGraph, structure: Tensor | None) -> Senses:
        """The senses of all entities that do not depend on who may be seen: their own, and structure.

        Raises:
            ValueError: if the fusion was made for structure vectors and there are none.
        """
        senses = {
            name: pooled(self.project(name, graph.features[name]), graph.owners[name], graph.num_entities)
            for name in self.modalities
        }
        if STRUCTURE in self.senses:
            if structure is None:
                raise ValueError(f"expected structure vectors of width {self.widths[STRUCTURE]} (got none)")
            linked = graph.edges.sources.indptr.diff() > 0
            senses[STRUCTURE] = Sense(unit(structure) * linked.unsqueeze(1), linked)
        return senses

    def contexts(self, graph: JointGraph, senses: Senses, visible: Tensor) -> Senses:
        """What the visible entities around each one are like, by relational attention over the facts.

        Neighbours count in full, those `HOPS` facts away at most, less by `DECAY` for each fact between.
        """
        rows = graph.edges.sources
        prior = self.relation_prior[graph.edges.edge_type] + graph.log_weight.unsqueeze(1)
        out = {}
        for name in self.context:
            told = senses[name].hidden_where(~visible)
            total, heard_any = torch.zeros_like(told.vectors), torch.zeros_like(visible)
            for hop in range(HOPS):
                heard = told.present[rows.column] & (graph.log_weight > float("-inf"))
                alpha = segment_softmax(prior.masked_fill(~heard.unsqueeze(1), float("-inf")), rows)
                mixed = unit(weighted_sum(alpha, told.vectors.unsqueeze(1), rows).squeeze(1))
                hears = torch.zeros_like(visible).index_put((rows.row[heard],), heard.new_ones(()))
                total, heard_any = total + DECAY**hop * mixed, heard_any | hears
                told = Sense(mixed, hears).hidden_where(~visible)
            out[CONTEXT + name] = Sense(unit(total), heard_any)
        return out

    def infer(self, view: View, memory: Senses, visible: Tensor, target: str) -> tuple[Tensor, Tensor]:
        """One sense of the view's rows, inferred from the visible entities that have it.

        Returns:
            ``(b, width)`` unit vectors (zero where nothing is near), and the attention ``(b, keys)``
            over ``memory[target].present & visible``.
        """
        keys = (memory[target].present & visible).nonzero().squeeze(1)
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
            near = view.affinity[:, keys]
            logits = logits + self.diffusion[place].clamp(min=0) * near
            shared |= near > 0
        alpha = _softmax_where(logits, shared) if len(keys) else view_logits
        return unit(alpha @ memory[target].vectors[keys]), alpha

    def complete(self, view: View, memory: Senses, visible: Tensor) -> Senses:
        """All senses of the view's rows, own where present, else inferred; scaled by their gains."""
        out = {}
        for place, name in enumerate(self.senses):
            own = view.senses.get(name) or Sense.absent(memory[name], len(view))
            lacking = (~own.present).nonzero().squeeze(1)
            vectors = own.vectors * self.own_gain[place].exp()
            if len(lacking):
                part = View(
                    {key: sense[lacking] for key, sense in view.senses.items()},
                    None if view.affinity is None else view.affinity[lacking],
                )
                inferred, _ = self.infer(part, memory, visible, name)
                vectors = vectors.index_add(0, lacking, inferred * self.inferred_gain[place].exp())
            out[name] = Sense(vectors, own.present)
        return out

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """Joint unit vectors of the view's rows, the senses side by side: ``(b, sum of widths)``."""
        completed = self.complete(view, memory, visible)
        return unit(torch.cat([completed[name].vectors for name in self.senses], dim=1))

    def memory(self, graph: JointGraph, structure: Tensor | None, visible: Tensor) -> Senses:
        """Everything attention may look up: the entities' own senses and their contexts."""
        senses = self.observe(graph, structure)
        return {**senses, **self.contexts(graph, senses, visible)}

    def forward(self, graph: JointGraph, structure: Tensor | None = None, *, block: int = 512) -> Tensor:
        """Embed all entities, each seeing all: ``(num_entities, sum of widths)``, unit length."""
        visible = torch.ones(graph.num_entities, dtype=torch.bool, device=graph.log_weight.device)
        memory = self.memory(graph, structure, visible)
        rows = torch.arange(graph.num_entities, device=visible.device)
        return torch.cat(
            [self.embed(view_of(memory, graph, part), memory, visible) for part in torch.split(rows, block)]
        )

    def blocks(self) -> dict[str, slice]:
        """Where each sense lies in the joint vector."""
        ends = pairwise(accumulate(self.widths.values(), initial=0))
        return {name: slice(*end) for name, end in zip(self.senses, ends, strict=True)}


def view_of(memory: Senses, graph: JointGraph, rows: Tensor) -> View:
    """Everything known of some entities of the graph."""
    affinity = None if graph.affinity is None else dense_rows(graph.affinity, rows)
    return View({name: sense[rows] for name, sense in memory.items()}, affinity)


def dense_rows(matrix: Tensor, rows: Tensor) -> Tensor:
    """Some rows of a sparse CSR matrix, dense: ``(n, m), (b,) -> (b, m)``."""
    indptr, column, value = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    length = indptr[rows + 1] - indptr[rows]
    place = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), length)
    offset = torch.arange(len(place), device=rows.device) - (length.cumsum(0) - length)[place]
    entry = indptr[rows][place] + offset
    out = value.new_zeros(len(rows), matrix.shape[1])
    filled: Tensor = out.index_put((place, column[entry]), value[entry])
    return filled


def _random_basis(size: int, width: int) -> Tensor:
    """Orthonormal columns ``(size, width)``, the same at each call."""
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(size, width, generator=generator))
    columns: Tensor = basis.contiguous()
    return columns


def _softmax_where(logits: Tensor, allowed: Tensor) -> Tensor:
    """Softmax over the allowed entries of each row; zeros for a row without any."""
    masked = logits.masked_fill(~allowed, float("-inf"))
    some = allowed.any(1, keepdim=True)
    return torch.where(some, torch.where(some, masked, torch.zeros_like(masked)).softmax(1), 0.0)
