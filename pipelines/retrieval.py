"""Ask a store: by text, picture, sound, entity or any mix, under a SPARQL constraint, with reasons.

A query is a new entity: what it shows are its observations, what it names are its facts. The constraint
becomes a set of ids before anything is scored, so the answer holds k hits or all that are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders import make_encoder
from encoders.base import Encoder, MediaError
from fusion.attention import DECAY
from fusion.base import CONTEXT, STRUCTURE, Sense, Senses, View, unit
from kg.nearest import best
from kg.paths import PathFinder
from kg.vocabulary import DEFAULT, Vocabulary
from pipelines.explain import Hit, InferredSteps, recognised_names
from pipelines.joint import RDF_TYPE, joint_graph
from pipelines.question import GRAPH, JOINT, Asked, Query, QueryError, checked_weights, recognise
from pipelines.store import Store

LONGEST_PATH = 6
"""Facts in a chain at most: through a taxonomy, up to a common kind and down again."""
SAME = 0.98
"""Similarity of two pictures or sounds above which they count as the same one."""
EXACT = 0.9999
"""Similarity above which an observation is the very one that was shown; what is left is rounding."""


class Answer(list[Hit]):
    """Hits, best first; `candidates` entities were allowed by the constraint, `anchors` were recognised."""

    def __init__(self, hits: Sequence[Hit], candidates: int, anchors: Sequence[str]) -> None:
        super().__init__(hits)
        self.candidates = candidates
        self.anchors = list(anchors)


class Searcher:
    """Answers questions about one store; opened once, asked often.

    Args:
        store: the opened store.
        device: where encoders run.
        vocabulary: which classes are vocabulary rather than things.
    """

    def __init__(self, store: Store, *, device: str = "cpu", vocabulary: Vocabulary = DEFAULT) -> None:
        self.store, self.device, self.vocabulary = store, device, vocabulary
        self._encoders: dict[str, Encoder] = {}

    @classmethod
    def open(cls, folder: str | Path, *, device: str = "cpu") -> Searcher:
        """Open a store folder for asking.

        Raises:
            StoreError: if there is no whole store of this format.
        """
        return cls(Store.open(folder), device=device)

    def search(
        self,
        text: str | None = None,
        *,
        image: str | Path | None = None,
        audio: str | Path | None = None,
        entity: str | None = None,
        where: str | None = None,
        weights: Mapping[str, float] | None = None,
        inferred: bool = True,
        k: int = 10,
    ) -> Answer:
        """Answer one question.

        Args:
            text: any words.
            image: a picture file.
            audio: a sound file.
            entity: IRI of an entity to be like and near to; it is not among its own answers.
            where: SPARQL graph pattern, or a whole SELECT, that binds ``?x``.
            weights: by what counts (joint, graph, text, image, audio); 1 is the default's measure.
            inferred: whether the constraint sees what follows from the facts, or only what was stated. It
                does by default: who builds with rules or an ontology wants a cat to be an animal.
            k: most hits wanted.

        Raises:
            QueryError: nothing asked, an unknown entity or weight, an unreadable file.
            ConstraintError: the SPARQL is wrong.
        """
        query = Query(text, image, audio, entity, weights or {})
        return self.search_batch([query], where=where, inferred=inferred, k=k)[0]

    def search_batch(
        self, queries: Sequence[Query], *, where: str | None = None, inferred: bool = True, k: int = 10
    ) -> list[Answer]:
        """Answer several questions under one constraint; encoders and products run once for all.

        Raises:
            QueryError: see `search`.
            ConstraintError: see `search`.
        """
        if k < 1:
            raise QueryError(f"expected k of at least 1 (got {k})")
        allowed = self.allowed(where, inferred=inferred)
        asked = self._asked(queries)
        if not asked:
            return []
        near = [self._near(one) for one in asked]
        vectors = self._embed(asked, near)
        return [self._answer(*one, allowed, k) for one in zip(asked, vectors, near, strict=True)]

    def allowed(self, where: str | None, *, inferred: bool = True) -> NDArray[np.int64]:
        """Ids that a constraint leaves; without one, all things (terms of a vocabulary left out)."""
        if where is None:
            return self._things
        iris = self.store.facts.select_entities(where, self.store.graph.prefixes, inferred=inferred)
        ids = self.store.graph.entity_ids(iris)
        return np.unique(ids[ids >= 0])

    @cached_property
    def labels(self) -> list[str]:
        """A label for each entity."""
        return self.store.graph.labels(self.store.settings.languages)

    def label(self, iri: str) -> str:
        """The label of one entity."""
        return self.labels[self.store.graph.entity_id(iri)]

    @cached_property
    def _things(self) -> NDArray[np.int64]:
        graph = self.store.graph
        entities, classes = graph.types()
        names = graph.entities.take(np.unique(classes)).to_pylist()
        terms = [c for c, iri in zip(np.unique(classes), names, strict=True) if self._is_schema(iri)]
        schema = np.union1d(entities[np.isin(classes, terms)], classes)
        things = np.setdiff1d(np.arange(graph.num_entities), schema)
        return things if len(things) else np.arange(graph.num_entities)

    def _is_schema(self, iri: str) -> bool:
        return self.vocabulary.has("schema_types", iri)

    @cached_property
    def _finder(self) -> PathFinder:
        graph = self.store.graph
        return PathFinder(graph.triples, graph.num_entities, self._ignored)

    @cached_property
    def _ignored(self) -> list[int]:
        relations = self.store.graph.relations.to_pylist()
        return [relations.index(RDF_TYPE)] if RDF_TYPE in relations else []

    @cached_property
    def _steps(self) -> InferredSteps:
        return InferredSteps(self.store.graph, self._ignored)

    @cached_property
    def _names(self) -> dict[str, list[int]]:
        return recognised_names(self.store.graph, self.vocabulary)

    @cached_property
    def _memory(self) -> Senses:
        """What attention looks up when a query lacks a sense."""
        store = self.store
        joint = joint_graph(store.graph, store.observations, store.settings, diffusion=False)
        with torch.no_grad():
            everyone = torch.ones(joint.num_entities, dtype=torch.bool)
            return store.model.memory(joint, store.tensors.get(STRUCTURE), everyone)

    @property
    def _has_facts(self) -> bool:
        return "affinity.indptr" in self.store.tensors

    def _encoder(self, modality: str) -> Encoder:
        if modality not in self._encoders:
            chosen = self.store.settings.encoder.get(modality)
            encoder = make_encoder(modality, chosen, self.device)
            stored = self.store.manifest["encoders"][modality]
            if encoder.name != stored:
                raise QueryError(
                    f"expected the {modality} encoder {stored} that the store was built with "
                    f"(got {encoder.name}): rebuild the store or install the same version"
                )
            self._encoders[modality] = encoder
        return self._encoders[modality]

    def _asked(self, queries: Sequence[Query]) -> list[Asked]:
        features: list[dict[str, Tensor]] = [{} for _ in queries]
        for modality in ("text", "image", "audio"):
            places = [i for i, query in enumerate(queries) if modality in query.observations()]
            if not places:
                continue
            if modality not in self.store.manifest["encoders"]:
                held = ", ".join(self.store.manifest["encoders"]) or "none"
                raise QueryError(
                    f"expected a question by what the store's entities have ({held}) (got {modality})"
                )
            encoder = self._encoder(modality)
            try:
                items = [encoder.load(queries[i].observations()[modality]) for i in places]
            except MediaError as error:
                raise QueryError(str(error)) from None
            for place, row in zip(places, encoder.encode(items), strict=True):
                features[place][modality] = row
        return [self._asked_one(query, rows) for query, rows in zip(queries, features, strict=True)]

    def _asked_one(self, query: Query, features: dict[str, Tensor]) -> Asked:
        graph = self.store.graph
        entity = None
        if query.entity is not None:
            try:
                entity = graph.entity_id(self._expanded(query.entity))
            except ValueError as error:
                raise QueryError(str(error)) from None
        if not features and entity is None:
            raise QueryError("expected a question by text, image, audio or entity (got none of them)")
        weights = checked_weights(query.weights)
        anchors = [] if entity is None else [entity]
        if query.text is not None:
            anchors += recognise(query.text, self._names)
        for modality in features.keys() & {"image", "audio"}:
            near = self._same_sense(modality, features[modality])
            anchors += [int(i) for i in torch.nonzero(near >= SAME).squeeze(1)[:8]]
        return Asked(features, list(dict.fromkeys(anchors)), entity, weights)

    def _expanded(self, name: str) -> str:
        prefix, colon, local = name.partition(":")
        base = self.store.graph.prefixes.get(prefix) if colon and not local.startswith("//") else None
        return base + local if base is not None else name

    @torch.no_grad()
    def _embed(self, asked: Sequence[Asked], near: list[Tensor]) -> Tensor:
        """Joint vectors of the queries, whose nearness to all entities is known: ``(q, d)``."""
        model, memory = self.store.model, self._memory
        senses: Senses = {}
        for name in model.modalities:
            sense = Sense.absent(memory[name], len(asked))
            vectors, present = sense.vectors, sense.present
            for row, one in enumerate(asked):
                shown = [model.project(name, one.features[name][None])] if name in one.features else []
                if one.entity is not None and bool(memory[name].present[one.entity]):
                    shown.append(memory[name].vectors[one.entity][None])
                if shown:
                    vectors[row], present[row] = unit(torch.cat(shown).mean(0)), True
            senses[name] = Sense(vectors, present)
        for name in model.context:
            own, around = memory[name], memory[CONTEXT + name]
            # one fact further than the anchors' own context
            told = Sense(own.vectors + DECAY * around.vectors, own.present | around.present)
            senses[CONTEXT + name] = self._heard(asked, told)
        if STRUCTURE in memory:
            senses[STRUCTURE] = self._heard(asked, memory[STRUCTURE])
        everyone = torch.ones(self.store.graph.num_entities, dtype=torch.bool)
        return model.embed(View(senses, torch.stack(near) if self._has_facts else None), memory, everyone)

    def _heard(self, asked: Sequence[Asked], sense: Sense) -> Sense:
        """What the anchors of each query tell by one sense: a query's facts are its ties to them."""
        out = Sense.absent(sense, len(asked))
        for row, one in enumerate(asked):
            heard = [anchor for anchor in one.anchors if bool(sense.present[anchor])]
            if heard:
                out.vectors[row] = unit(sense.vectors[heard].mean(0))
                out.present[row] = True
        return out

    def _near(self, one: Asked) -> Tensor:
        """Nearness of all entities to a query's anchors, ``(n,)`` in [0, 1]."""
        tensors, out = self.store.tensors, torch.zeros(self.store.graph.num_entities)
        for anchor in one.anchors if self._has_facts else ():
            start, end = tensors["affinity.indptr"][anchor : anchor + 2].tolist()
            column, value = (tensors[f"affinity.{name}"][start:end] for name in ("column", "value"))
            out[column] = torch.maximum(out[column], value)
        return out

    def _same_sense(self, modality: str, features: Tensor) -> Tensor:
        """Best similarity of each entity's observations of one modality, ``(n,)``; 0 where it has none."""
        rows, owners = (
            self.store.observations.features[modality],
            self.store.observations.owners[modality],
        )
        out = torch.zeros(self.store.graph.num_entities)
        return out.scatter_reduce(0, owners, rows @ features, "amax")

    def _answer(self, one: Asked, vector: Tensor, near: Tensor, allowed: NDArray[np.int64], k: int) -> Answer:
        tensors, graph = self.store.tensors, self.store.graph
        joint = tensors["joint"].float() @ vector
        hubs = [tensors[f"hub.{name}"] for name in one.features if f"hub.{name}" in tensors]
        hub = torch.stack(hubs).mean(0) if hubs else torch.zeros_like(joint)
        parts: dict[str, Tensor] = {JOINT: joint}
        for modality, rows in self._shown(one).items():
            parts[modality] = torch.stack([self._same_sense(modality, row) for row in rows]).amax(0)
        if one.anchors and self._has_facts:
            parts[GRAPH] = near
        score = sum((one.weights[name] * part for name, part in parts.items()), -one.weights[JOINT] * hub)
        for name in one.features:  # near twins abound: the very picture or words count once more
            score = score + one.weights[name] * (parts[name] >= EXACT)
        ids = torch.from_numpy(allowed)
        if one.entity is not None:
            ids = ids[ids != one.entity]
        found = best(score[ids].unsqueeze(0), k, ids)[1][0].tolist()
        paths = self._finder.paths(one.anchors, found, max_length=LONGEST_PATH) if one.anchors else {}
        paths = {i: [self._steps.best(step) for step in path] for i, path in paths.items()}
        hits = [
            Hit(
                entity=graph.entities[i].as_py(),
                label=self.labels[i],
                score=float(score[i]),
                modalities={name: float(part[i]) for name, part in parts.items() if self._has(name, i)},
                path=self._named(paths.get(i, [])),
                rules=[self._steps.rule(step) for step in paths.get(i, [])],
                anchor=i in one.anchors,
            )
            for i in found
        ]
        names = [graph.entities[i].as_py() for i in one.anchors]
        return Answer(hits, len(ids), names)

    def _shown(self, one: Asked) -> dict[str, list[Tensor]]:
        """The query's observations by modality; an entity in it brings its own."""
        shown = {name: [row] for name, row in one.features.items()}
        if one.entity is not None:
            for name, owners in self.store.observations.owners.items():
                own = self.store.observations.features[name][owners == one.entity]
                if len(own):
                    shown.setdefault(name, []).extend(own)
        return shown

    def _has(self, name: str, entity: int) -> bool:
        return name in (JOINT, GRAPH) or bool(self._memory[name].present[entity])

    def _named(self, path: Sequence[tuple[int, int, int]]) -> list[tuple[str, str, str]]:
        graph = self.store.graph
        return [
            (graph.entities[h].as_py(), graph.relations[r].as_py(), graph.entities[t].as_py())
            for h, r, t in path
        ]
