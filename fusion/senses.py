"""What the fusions share: each modality in a small space of its own, and what entities have of it.

Tensors only. A fusion says how the senses of an entity become one vector: `embed`. The spaces are principal
components of the frozen encoders' features, found on the entities that training may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from fusion.base import (
    CONTEXT,
    NAMED,
    STRUCTURE,
    JointGraph,
    Observed,
    Sense,
    Senses,
    View,
    pooled,
    unit,
    view_of,
)
from fusion.names import Names

FEW, MANY = 32, 50_000
"""Observations that a modality's mean and components are found from, at least and about at most."""


@dataclass(frozen=True)
class Spectrum:
    """Covariance within classes, by its eigenvalues ``(w,)`` and eigenvectors ``(w, w)``."""

    values: Tensor
    vectors: Tensor

    @classmethod
    def within(cls, rows: Tensor, label: Tensor) -> Spectrum:
        """Of rows ``(m, w)`` about the means of their classes ``(m,)``."""
        count = torch.bincount(label).clamp(min=1).unsqueeze(1)
        means = rows.new_zeros(len(count), rows.shape[1]).index_add(0, label, rows) / count
        covariance = torch.cov((rows - means[label]).double().t())  # float32 fails where its rank is small
        values, vectors = torch.linalg.eigh(covariance)
        return cls(values.to(rows.dtype), vectors.to(rows.dtype))

    def whitening(self, shrinkage: float) -> Tensor:
        """Inverse square root of the covariance, shrunk towards a sphere by a share: ``(w, w)``."""
        values = (1 - shrinkage) * self.values + shrinkage * self.values.mean()
        return self.vectors * values.clamp(min=1e-12).rsqrt() @ self.vectors.t()


class SenseFusion(nn.Module):
    """The contract of every fusion; a subclass gives `embed`.

    Args:
        feature_sizes: modality -> width of its encoder's features.
        num_relations: number of relations of the joint graph's edges (inverses counted).
        context: modalities whose context is a sense of its own, for fusions that have such a sense.
        structure_width: width of the structure vectors, 0 for none.
        width: width to which each modality is reduced (principal components).
        named: modality that an encoder names by itself, and the one that the names are in; None for none,
            and for fusions that make nothing of it.
    """

    learning_rate = 0.003
    has_context = False
    hears_names = False
    sees_facts = False

    def __init__(
        self,
        feature_sizes: dict[str, int],
        num_relations: int,
        *,
        context: tuple[str, ...] = (),
        structure_width: int = 0,
        width: int = 128,
        named: tuple[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.modalities = tuple(feature_sizes)
        self.context = context if self.has_context else ()
        self.named = named if self.hears_names else None
        self.widths = {name: min(width, size) for name, size in feature_sizes.items()}
        for name, size in feature_sizes.items():
            self.register_buffer(f"mean_{name}", torch.zeros(size))
            self.register_buffer(f"basis_{name}", _random_basis(size, self.widths[name]))
        if self.named is not None:
            self.register_buffer("mean_names", torch.zeros(feature_sizes[self.named[1]]))
        self.widths |= {CONTEXT + name: self.widths[name] for name in self.context}
        if structure_width:
            self.widths[STRUCTURE] = structure_width
        self.log_scale = nn.Parameter(torch.tensor(2.5))

    @property
    def senses(self) -> tuple[str, ...]:
        """Names of all senses, in the order of their widths."""
        return tuple(self.widths)

    @property
    def size(self) -> int:
        """Width of the joint vector."""
        return sum(self.widths.values())

    @torch.no_grad()
    def fit_senses(self, graph: Observed, visible: Tensor) -> None:
        """Find each modality's mean and principal components from the visible entities' observations.

        A modality with fewer than `FEW` rows keeps its random basis, which preserves angles: the mean and
        components of two pictures say nothing of pictures.
        """
        for name in self.modalities:
            rows = graph.features[name][visible[graph.owners[name]]]
            rows = rows[:: -(-len(rows) // MANY)] if len(rows) > MANY else rows
            if len(rows) < FEW:
                continue
            mean = rows.mean(0)
            basis = getattr(self, f"basis_{name}")
            _, _, directions = torch.linalg.svd(rows - mean, full_matrices=False)
            kept = directions[: basis.shape[1]].t()
            basis[:, : kept.shape[1]] = kept
            basis[:, kept.shape[1] :] = 0
            getattr(self, f"mean_{name}").copy_(mean)
        if self.named is not None and graph.names is not None:
            shown = self.named[0]
            rows = graph.features[shown][visible[graph.owners[shown]]]
            said = graph.names.vectors if len(rows) < FEW else graph.names.of(rows)
            self.get_buffer("mean_names").copy_(said.mean(0))

    def bases(self) -> dict[str, Tensor]:
        """Each modality's basis as it stands: ``(d, width)``."""
        return {name: getattr(self, f"basis_{name}").clone() for name in self.modalities}

    @torch.no_grad()
    def within_classes(
        self, graph: JointGraph, classes: Tensor, bases: dict[str, Tensor]
    ) -> dict[str, Spectrum]:
        """How each modality varies within classes ``(n,) int64``, -1 for none, in terms of `bases`.

        A modality of which fewer than `FEW` observations have a class has no spectrum.
        """
        out = {}
        for name in self.modalities:
            label = classes[graph.owners[name]]
            told = label >= 0
            if int(told.sum()) >= FEW:
                rows = (graph.features[name][told] - getattr(self, f"mean_{name}")) @ bases[name]
                out[name] = Spectrum.within(rows, label[told])
        return out

    @torch.no_grad()
    def whiten(self, spectra: dict[str, Spectrum], bases: dict[str, Tensor], shrinkage: float) -> None:
        """Scale down what varies within classes, as in linear discriminant analysis."""
        for name, basis in bases.items():
            told = basis @ spectra[name].whitening(shrinkage) if name in spectra else basis
            getattr(self, f"basis_{name}").copy_(told)

    def project(self, modality: str, features: Tensor) -> Tensor:
        """Features of one modality in the model's own space: ``(m, d) -> (m, width)`` unit rows."""
        return unit(self.reduced(modality, features))

    def reduced(self, modality: str, features: Tensor) -> Tensor:
        """The same before it is scaled to unit length: affine, ``(..., d) -> (..., width)``."""
        rows: Tensor = (features - getattr(self, f"mean_{modality}")) @ getattr(self, f"basis_{modality}")
        return rows

    def naming(self, names: Names, features: Tensor) -> Tensor:
        """What an encoder says by itself of what it sees, in the space of the sense that it says it in.

        Shapes: ``(m, d) -> (m, width)`` unit rows.
        """
        centred = names.of(features) - self.get_buffer("mean_names")
        return unit(centred @ getattr(self, f"basis_{names.told}"))

    def own(self, graph: Observed) -> Senses:
        """What was observed of the entities themselves, in the spaces of the modalities.

        Where the fusion hears names, also what they are named by what is seen of them; it is no sense of
        its own, and only tells of the one that it is said in.
        """
        out = {
            name: pooled(self.project(name, graph.features[name]), graph.owners[name], graph.num_entities)
            for name in self.modalities
        }
        if self.named is not None and graph.names is not None:
            shown = self.named[0]
            said = self.naming(graph.names, graph.features[shown])
            out[NAMED] = pooled(said, graph.owners[shown], graph.num_entities)
        return out

    def seen_by(self, modality: str) -> tuple[str, ...]:
        """What an observation of a modality gives: its sense, and its names where an encoder has some."""
        return (modality, NAMED) if self.named is not None and modality == self.named[0] else (modality,)

    def observe(self, graph: JointGraph, structure: Tensor | None, own: Senses | None = None) -> Senses:
        """The senses of all entities that do not depend on who may be seen: their own, and structure.

        Args:
            graph: the joint graph.
            structure: ``(num_entities, structure_width)``, or None without facts.
            own: the entities' own senses, where an earlier call gave them.

        Raises:
            ValueError: if the fusion was made for structure vectors and there are none.
        """
        senses = dict(own or self.own(graph))
        if STRUCTURE in self.widths:
            if structure is None:
                raise ValueError(f"expected structure vectors of width {self.widths[STRUCTURE]} (got none)")
            linked = graph.edges.sources.indptr.diff() > 0
            senses[STRUCTURE] = Sense(unit(structure) * linked.unsqueeze(1), linked)
        return senses

    def contexts(self, graph: JointGraph, senses: Senses, visible: Tensor) -> Senses:
        """Senses that the neighbours bring; none, unless a fusion says otherwise."""
        return {}

    def memory(
        self, graph: JointGraph, structure: Tensor | None, visible: Tensor, own: Senses | None = None
    ) -> Senses:
        """All senses of all entities: what `embed` may look up; `own` where they are known already."""
        senses = self.observe(graph, structure, own)
        return {**senses, **self.contexts(graph, senses, visible)}

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of what `told` gives."""
        return ("joint",)

    def told(self, view: View) -> Senses:
        """What of the view's rows is compared with that of others: by default all senses as one vector.

        A missing sense is then a stretch of zeros, and takes from what the others may say.
        """
        vectors = unit(self.side_by_side(view))
        return {"joint": Sense(vectors, vectors.any(1))}

    def embed(self, view: View, memory: Senses, visible: Tensor) -> Tensor:
        """Joint unit vectors of the view's rows, seeing the visible entities: ``(b, size)``."""
        raise NotImplementedError

    def own_loss(self, view: View) -> Tensor:
        """What the fusion asks of itself beside the objectives: a scalar, 0 unless it says otherwise."""
        return self.log_scale.new_zeros(())

    def forward(self, graph: JointGraph, structure: Tensor | None = None, *, block: int = 512) -> Tensor:
        """Embed all entities, each seeing all: ``(num_entities, size)``, unit length."""
        visible = torch.ones(graph.num_entities, dtype=torch.bool, device=graph.log_weight.device)
        memory = self.memory(graph, structure, visible)
        rows = torch.arange(graph.num_entities, device=visible.device)
        return torch.cat(
            [self.embed(view_of(memory, graph, part), memory, visible) for part in torch.split(rows, block)]
        )

    def blocks(self) -> dict[str, slice]:
        """Where each sense lies when they stand side by side."""
        ends = pairwise(accumulate(self.widths.values(), initial=0))
        return {name: slice(*end) for name, end in zip(self.senses, ends, strict=True)}

    def side_by_side(self, view: View) -> Tensor:
        """The view's senses as one row each, zeros where a sense is missing: ``(b, sum of widths)``."""
        zero = self.log_scale.new_zeros(())
        parts = [
            view.senses[name].vectors if name in view.senses else zero.expand(len(view), width)
            for name, width in self.widths.items()
        ]
        return torch.cat(parts, dim=1)


def _random_basis(size: int, width: int) -> Tensor:
    """Orthonormal columns ``(size, width)``, the same at each call."""
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(size, width, generator=generator))
    columns: Tensor = basis.contiguous()
    return columns
