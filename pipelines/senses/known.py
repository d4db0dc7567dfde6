"""What has been observed already, by entity and reference, so that an update need not look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from kg.graph import KnowledgeGraph
from pipelines.senses.encoding import UNREADABLE, Asked, Outcome


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
