"""From a question in a store's terms to the score of every entity: a sum of terms, each kept apart.

What is kept apart can be shown, and left out to see what it did (see pipelines.search.reasons).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor

from fusion.attention import DECAY
from fusion.base import CONTEXT, NAMED, STRUCTURE, Sense, Senses, View, unit
from fusion.sparse_rows import SparseRows
from pipelines.search.question import GRAPH, JOINT, NOT, PREFERS, Asked
from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store

EXACT = 0.9999
"""Similarity above which an observation is the very one that was shown; what is left is rounding."""


@dataclass(frozen=True)
class Terms:
    """What each entity's score is the sum of.

    Shapes: each of `parts` and ``hub`` ``(n,)``.

    Args:
        parts: similarity to the question by sense; `joint` for the fused vectors, `graph` for the nearness by
            facts to what it names; `not` what likeness to what is not wanted takes away, `prefers` what
            preferences add.
        hub: what an entity's joint similarity is lessened by.
        shown: senses that the question itself shows; the very picture or words count once more there.
        weights: how much each part counts.
    """

    parts: dict[str, Tensor]
    hub: Tensor
    shown: frozenset[str]
    weights: Mapping[str, float]

    def score(self) -> Tensor:
        """The score of each entity, ``(n,)``."""
        total = self.penalty()
        for name in self.parts:
            total = total + self.share(name)
        return total

    def penalty(self) -> Tensor:
        """What the correction for hubs adds to the scores, ``(n,)``: nothing or less."""
        return -self.weights[JOINT] * self.hub

    def share(self, name: str) -> Tensor:
        """What one sense brings to the scores, ``(n,)``; the correction for hubs is in none."""
        part = self.parts[name]
        # near twins abound: the very picture or words count once more
        exact = (part >= EXACT).to(part.dtype) if name in self.shown else 0.0
        return self.weights.get(name, 1.0) * (part + exact)


class Scorer:
    """Scores all entities of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @cached_property
    def memory(self) -> Senses:
        """What attention looks up when a question lacks a sense."""
        store = self.store
        joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
        with torch.no_grad():
            everyone = torch.ones(joint.num_entities, dtype=torch.bool)
            return store.model.memory(joint, store.tensors.get(STRUCTURE), everyone)

    @property
    def has_facts(self) -> bool:
        """Whether the store knows which entities are near by the facts."""
        return "affinity.indptr" in self.store.tensors

    def telling(self, terms: Terms, entity: int) -> list[str]:
        """The parts that an entity can be compared by, and those that changed its score."""
        changed = {name for name in (NOT, PREFERS) if name in terms.parts and terms.parts[name][entity] != 0}
        compared = set(terms.parts) - {JOINT, GRAPH, NOT, PREFERS}
        known = {JOINT, GRAPH} | changed | {name for name in compared if self.memory[name].present[entity]}
        return [name for name in terms.parts if name in known]

    def terms(self, asked: Sequence[Asked]) -> list[Terms]:
        """The terms of several questions; products run once for all."""
        found = iter(self.similar([*asked, *(other for one in asked for other in one.unlike())]))
        plain = list(islice(found, len(asked)))
        return [
            replace(terms, parts=terms.parts | self._added(one, list(islice(found, len(one.unlike())))))
            for one, terms in zip(asked, plain, strict=True)
        ]

    def similar(self, asked: Sequence[Asked]) -> list[Terms]:
        """The similarities to several questions, as if nothing were unwanted or preferred."""
        return [self._terms(one, *place) for one, place in zip(asked, self.placed(asked), strict=True)]

    def placed(self, asked: Sequence[Asked]) -> list[tuple[Tensor, Tensor]]:
        """The joint vector of each question, ``(d,)``, and the nearness of all to its anchors, ``(n,)``."""
        near = [self._near(one) for one in asked]
        return list(zip(self._embed(asked, near), near, strict=True))

    def terms_at(self, one: Asked, placed: tuple[Tensor, Tensor], ids: Tensor | None) -> Terms:
        """The terms of a question that is placed, right for some entities; None for all.

        Shapes: ``ids (m,) int64`` ascending.
        """
        if one.unlike():
            return self.terms([one])[0]
        terms = self._terms(one, *placed, ids)
        return replace(terms, parts=terms.parts | self._added(one, []))

    def _added(self, one: Asked, unlike: Sequence[Terms]) -> dict[str, Tensor]:
        """What the scores lose by what is not wanted and gain by preferences."""
        added = {}
        if unlike:
            added[NOT] = -torch.stack([self.above_usual(terms) for terms in unlike]).sum(0)
        if one.preferred:
            added[PREFERS] = torch.zeros(self.store.graph.num_entities)
            for preference in one.preferred:
                added[PREFERS][torch.from_numpy(preference.ids)] += preference.weight
        return added

    def above_usual(self, terms: Terms) -> Tensor:
        """How much more each entity is like a question than entities are in the mean, ``(n,)``: 0 or more.

        The excess of each part counts by its weight, by itself: to be less like it than usual by one sense
        makes up for nothing, and who has no picture is not unlike by picture.
        """
        out = torch.zeros(self.store.graph.num_entities)
        for name, part in terms.parts.items():
            present = self._present(name)
            excess = part - terms.hub if name == JOINT else part
            if present.any():
                above = (excess - excess[present].mean()).clamp(min=0) * present
                out += terms.weights.get(name, 1.0) * above
        return out

    def _present(self, name: str) -> Tensor:
        """Which entities can be compared by a term, ``(n,)`` bool."""
        if name in (JOINT, GRAPH):
            return torch.ones(self.store.graph.num_entities, dtype=torch.bool)
        return self.memory[name].present

    def shown(self, one: Asked) -> dict[str, list[Tensor]]:
        """The question's observations by modality; an entity in it brings its own."""
        shown = {name: [row] for name, row in one.features.items()}
        if one.entity is not None:
            for name, owners in self.store.observations.owners.items():
                own = self.store.observations.features[name][owners == one.entity]
                if len(own) and name not in one.hidden:
                    shown.setdefault(name, []).extend(own)
        return shown

    def same_sense(self, modality: str, features: Tensor, ids: Tensor | None = None) -> Tensor:
        """Best similarity of each entity's observations of one modality, ``(n,)``; 0 where it has none.

        With `ids`, ``(m,) int64``, only these are compared, and the others have 0, too.
        """
        rows, owners = (
            self.store.observations.features[modality],
            self.store.observations.owners[modality],
        )
        if ids is not None:
            kept = torch.isin(owners, ids)
            rows, owners = rows[kept], owners[kept]
        out = torch.zeros(self.store.graph.num_entities)
        return out.scatter_reduce(0, owners, rows @ features, "amax")

    def _terms(self, one: Asked, vector: Tensor, near: Tensor, ids: Tensor | None = None) -> Terms:
        tensors = self.store.tensors
        if ids is None:
            joint = tensors["joint"].float() @ vector
        else:
            joint = torch.zeros(self.store.graph.num_entities)
            joint[ids] = tensors["joint"][ids].float() @ vector
        hubs = [tensors[f"hub.{name}"] for name in one.features if f"hub.{name}" in tensors]
        hub = torch.stack(hubs).mean(0) if hubs else torch.zeros_like(joint)
        parts: dict[str, Tensor] = {JOINT: joint}
        for modality, rows in self.shown(one).items():
            parts[modality] = torch.stack([self.same_sense(modality, row, ids) for row in rows]).amax(0)
        if one.anchors and self.has_facts:
            parts[GRAPH] = near
        return Terms(parts, hub, frozenset(one.features), one.weights)

    @torch.no_grad()
    def _embed(self, asked: Sequence[Asked], near: list[Tensor]) -> Tensor:
        """Joint vectors of the questions, whose nearness to all entities is known: ``(q, d)``."""
        model, memory = self.store.model, self.memory
        senses: Senses = {}
        for name in model.modalities:
            sense = Sense.absent(memory[name], len(asked))
            vectors, present = sense.vectors, sense.present
            for row, one in enumerate(asked):
                shown = [model.project(name, one.features[name][None])] if name in one.features else []
                own = one.entity if name not in one.hidden else None
                if own is not None and bool(memory[name].present[own]):
                    shown.append(memory[name].vectors[own][None])
                if shown:
                    vectors[row], present[row] = unit(torch.cat(shown).mean(0)), True
            senses[name] = Sense(vectors, present)
        if NAMED in memory:
            senses[NAMED] = self._named(asked)
        for name in model.context:
            own_sense, around = memory[name], memory[CONTEXT + name]
            # one fact further than the anchors' own context
            told = Sense(own_sense.vectors + DECAY * around.vectors, own_sense.present | around.present)
            senses[CONTEXT + name] = self._heard(asked, told)
        if STRUCTURE in memory:
            senses[STRUCTURE] = self._heard(asked, memory[STRUCTURE])
        everyone = torch.ones(self.store.graph.num_entities, dtype=torch.bool)
        affinity = SparseRows.of_dense(torch.stack(near)) if self.has_facts else None
        return model.embed(View(senses, affinity), memory, everyone)

    def _named(self, asked: Sequence[Asked]) -> Sense:
        """What the questions' pictures are named by their encoder."""
        names, known = self.store.observations.names, self.memory[NAMED]
        out = Sense.absent(known, len(asked))
        for row, one in enumerate(asked if names is not None else ()):
            assert names is not None
            shown = []
            if names.shown in one.features:
                shown.append(self.store.model.naming(names, one.features[names.shown][None]))
            own = one.entity if names.shown not in one.hidden else None
            if own is not None and bool(known.present[own]):
                shown.append(known.vectors[own][None])
            if shown:
                out.vectors[row], out.present[row] = unit(torch.cat(shown).mean(0)), True
        return out

    def _heard(self, asked: Sequence[Asked], sense: Sense) -> Sense:
        """What the anchors of each question tell by one sense: a question's facts are its ties to them."""
        out = Sense.absent(sense, len(asked))
        for row, one in enumerate(asked):
            heard = [anchor for anchor in one.anchors if bool(sense.present[anchor])]
            if heard:
                out.vectors[row] = unit(sense.vectors[heard].mean(0))
                out.present[row] = True
        return out

    def _near(self, one: Asked) -> Tensor:
        """Nearness of all entities to a question's anchors, ``(n,)`` in [0, 1]."""
        tensors, out = self.store.tensors, torch.zeros(self.store.graph.num_entities)
        for anchor in one.anchors if self.has_facts else ():
            start, end = tensors["affinity.indptr"][anchor : anchor + 2].tolist()
            column, value = (tensors[f"affinity.{name}"][start:end] for name in ("column", "value"))
            out[column] = torch.maximum(out[column], value)
        return out
