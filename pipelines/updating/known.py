"""What a store has observed already, by entity and reference, so that an update need not look again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc
from torch import Tensor

from kg.graph import KnowledgeGraph
from kg.vocabulary import DEFAULT
from pipelines.senses.encoding import MISSING, UNREADABLE, Asked, Outcome, asked_of
from pipelines.settings import ENCODED
from pipelines.store.store import Store


@dataclass(frozen=True)
class Known:
    """Outcomes by modality, entity's IRI and reference, and the rows that they speak of.

    `encoders` names the encoder of each sense that the model knows; others are not observed. `units` are
    those in which the training knew the numbers, by predicate.
    """

    found: dict[str, dict[tuple[str, str], Outcome]]
    features: dict[str, Tensor]
    encoders: Mapping[str, str]
    units: Mapping[str, str]

    @classmethod
    def of(cls, store: Store, units: Mapping[str, str], anew: Collection[tuple[str, str]]) -> Known:
        """What a store knows; not that of references (modality, reference) to be looked at anew.

        What was not there may be there now, so it is not known either.
        """
        found: dict[str, dict[tuple[str, str], Outcome]] = {}
        graph = store.graph
        for modality in set(ENCODED) & store.manifest["encoders"].keys():
            asked = asked_of(graph, DEFAULT, store.settings, modality)
            table = store.observed.filter(pc.equal(store.observed["modality"], modality))
            if table["entity"].to_pylist() != asked.entities:
                continue  # it was counted by other rules, so it is looked at anew
            names = graph.entities.take(table["entity"].combine_chunks()).to_pylist()
            outcomes = zip(*(table[name].to_pylist() for name in ("status", "problem", "row")), strict=True)
            found[modality] = {
                (name, reference): outcome
                for name, reference, outcome in zip(names, asked.references, outcomes, strict=True)
                if outcome[0] != MISSING and (modality, reference) not in anew
            }
        return cls(found, store.observations.features, store.manifest["encoders"], units)

    def sense(self, modality: str) -> tuple[str, Tensor | None]:
        """The encoder of a sense, and its rows."""
        return self.encoders.get(modality, ""), self.features.get(modality)

    def outcomes(self, modality: str, graph: KnowledgeGraph, asked: Asked) -> list[Outcome | None]:
        """What became of each reference; None for those that are to be looked at."""
        if modality not in self.encoders:
            known = ", ".join(self.encoders) or "none"
            problem = f"expected a sense that the store was built with ({known}) (got {modality}): build anew"
            return [(UNREADABLE, problem, -1)] * len(asked.entities)
        names = graph.entities.take(asked.entities).to_pylist()
        known_here = self.found.get(modality, {})
        return [known_here.get(key) for key in zip(names, asked.references, strict=True)]
