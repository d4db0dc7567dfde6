"""From a query as a person asks it to one in a store's terms: encoded, and what it names recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from itertools import islice

import torch
from torch import Tensor

from encoders import make_encoder
from encoders.base import Encoder, MediaError
from kg.kinds import members
from kg.vocabulary import Vocabulary
from pipelines.search.constraint import matching, preferences
from pipelines.search.explain import recognised_names
from pipelines.search.negation import named
from pipelines.search.question import (
    Asked,
    Exclusion,
    Query,
    QueryError,
    Question,
    checked_weights,
    recognise,
)
from pipelines.search.scoring import Scorer
from pipelines.store.store import Store

SAME = 0.98
"""Similarity of two pictures or sounds above which they count as the same one."""


class Asker:
    """Puts queries in the terms of one store; encoders are loaded when they are first needed.

    Args:
        store: the opened store.
        scorer: finds what of the store a picture or sound is the same as.
        device: where encoders run.
        vocabulary: which predicates give names.
    """

    def __init__(self, store: Store, scorer: Scorer, device: str, vocabulary: Vocabulary) -> None:
        self.store, self.device, self.vocabulary = store, device, vocabulary
        self._scorer = scorer
        self.encoders: dict[str, Encoder] = {}

    def _encoder(self, modality: str) -> Encoder:
        if modality not in self.encoders:
            chosen = self.store.settings.encoder.get(modality)
            encoder = make_encoder(modality, chosen, self.device)
            stored = self.store.manifest["encoders"][modality]
            if encoder.name != stored:
                raise QueryError(
                    f"expected the {modality} encoder {stored} that the store was built with "
                    f"(got {encoder.name}): rebuild the store or install the same version"
                )
            self.encoders[modality] = encoder
        return self.encoders[modality]

    def asked(self, questions: Sequence[Question]) -> list[Asked]:
        """Questions in the store's terms: encoded, and what they name, do not want and prefer recognised.

        Encoders run once for all.

        Raises:
            QueryError: see `Searcher.search`.
            ConstraintError: see `Searcher.search`.
        """
        match = cache(partial(matching, self.store))
        preferred = [
            preferences(one.query.prefer or {}, partial(match, inferred=one.inferred)) for one in questions
        ]
        unwanted = [(query, one.inferred) for one in questions for query in one.query.unwanted()]
        known = [self._named(query, inferred) for query, inferred in unwanted]
        unclear = [one for one, found in zip(unwanted, known, strict=True) if not found.is_kind]
        plain = self._plain([*(one.query for one in questions), *(query for query, _ in unclear)])
        seen = iter(plain[len(questions) :])
        clear = iter(
            [
                found if found.is_kind else self._unlike(found, next(seen), inferred)
                for found, (_, inferred) in zip(known, unwanted, strict=True)
            ]
        )
        return [
            replace(found, excluded=tuple(islice(clear, len(one.query.unwanted()))), preferred=tuple(soft))
            for found, one, soft in zip(plain, questions, preferred, strict=False)
        ]

    def _named(self, query: Query, inferred: bool) -> Exclusion:
        """What is not wanted as far as its words or its IRI tell."""
        kinds = [] if query.text is None else named(query.text, self.names)
        if query.entity is not None:
            kinds = [self._entity(query.entity)]
        return self._excluded(query.said, kinds, inferred)

    def _unlike(self, found: Exclusion, asked: Asked, inferred: bool) -> Exclusion:
        """What is not wanted and no kind by its words: a picture or sound may be that of a known one."""
        if not found.kinds and "text" not in asked.features:
            found = self._excluded(found.said, asked.anchors, inferred)
        return found if found.is_kind else replace(found, unlike=asked)

    def _excluded(self, said: str, kinds: Sequence[int], inferred: bool) -> Exclusion:
        hierarchy = self.store.settings.hierarchy
        ids = members(self.store.graph, kinds, self.vocabulary, inferred=inferred, hierarchy=hierarchy)
        return Exclusion(said, kinds, ids)

    def _plain(self, queries: Sequence[Query]) -> list[Asked]:
        """Questions by what they show and name."""
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
        entity = None if query.entity is None else self._entity(query.entity)
        if not features and entity is None:
            raise QueryError("expected a question by text, image, audio or entity (got none of them)")
        weights = checked_weights(query.weights)
        anchors = [] if entity is None else [entity]
        if query.text is not None:
            anchors += recognise(query.text, self.names)
        for modality in ("image", "audio"):
            if modality not in features:
                continue
            near = self._scorer.same_sense(modality, features[modality])
            anchors += [int(i) for i in torch.nonzero(near >= SAME).squeeze(1)[:8]]
        return Asked(features, list(dict.fromkeys(anchors)), entity, weights)

    def _entity(self, name: str) -> int:
        try:
            return self.store.graph.entity_id(self.expanded(name))
        except ValueError as error:
            raise QueryError(str(error)) from None

    def expanded(self, name: str) -> str:
        """An IRI that may be written with a prefix of the data."""
        prefix, colon, local = name.partition(":")
        base = self.store.graph.prefixes.get(prefix) if colon and not local.startswith("//") else None
        return base + local if base is not None else name

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """Entities by the names that questions may call them."""
        return recognised_names(self.store.graph, self.vocabulary)
