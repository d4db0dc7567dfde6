"""What a store knows of a property that entities lack: the likeliest value, how sure, and by which sense.

The entities are those of the store, or those of new files, which join the graph without any training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion.label import LabelModel, Memory, evidence_groups
from kg.graph import KnowledgeGraph
from kg.merge import merged
from pipelines.labels.learn import observed_without
from pipelines.labels.store import Kept
from pipelines.prediction.predicted import Place, Prediction, PredictionError
from pipelines.prediction.suggestion import suggested
from pipelines.senses.joint import Observations, joint_graph, with_senses
from pipelines.senses.numbers import scaled
from pipelines.store.store import Store

__all__ = ["Place", "Prediction", "PredictionError", "Predictor"]

BATCH = 512


class Predictor:
    """Predicts one property over a store's graph, or over that and new facts.

    `problems` has a sentence for each observation of the new files that could not be read.
    """

    def __init__(
        self,
        kept: Kept,
        graph: KnowledgeGraph,
        observations: Observations,
        store: Store,
        problems: Sequence[str] = (),
    ) -> None:
        self._kept, self.graph, self.store, self.problems = kept, graph, store, tuple(problems)
        relations = frozenset(graph.relations.to_pylist()) & frozenset(kept.about["hidden"])
        self.joint = joint_graph(graph, observations, store.settings, without=relations)
        old = graph.entity_ids(store.graph.entities.to_pylist())
        self.model: LabelModel = kept.labeller(store.settings, old, graph.num_entities)

    @classmethod
    def open(
        cls,
        store: Store,
        target: str,
        new: Sequence[str | Path] = (),
        *,
        media_root: str | Path | None = None,
        device: str = "cpu",
    ) -> Predictor:
        """Open a store for predicting one of its targets.

        Args:
            store: the opened store.
            target: IRI of a property that it was built with (`--target`).
            new: RDF files of new entities, which join the graph.
            media_root: folder of the new files' media; by default that of the first file.
            device: where the encoders run.

        Raises:
            PredictionError: the store was not built for this target, or a new file cannot be read.
        """
        known = [one["target"] for one in store.manifest.get("targets", [])]
        if target not in known:
            held = ", ".join(known) or "none"
            raise PredictionError(
                f"expected a target that the store was built with ({held}) (got {target}): "
                f"build it with --target {target}"
            )
        kept = Kept.load(store.folder / "labels", known.index(target))
        graph, observations, table = store.graph, store.observations, store.observed
        hidden = frozenset(kept.about["hidden"])
        observations = observed_without(graph, observations, table, hidden)
        problems: list[str] = []
        if new:
            graph, observations, problems = _joined(store, observations, hidden, new, media_root, device)
        if kept.standard is not None:
            observations = scaled(observations, kept.standard)
        sizes = kept.about["fusion"]["feature_sizes"]
        observations = with_senses(observations, sizes)
        return cls(kept, graph, observations, store, problems)

    @cached_property
    def labels(self) -> list[str]:
        """A label for each entity of the graph."""
        return self.graph.labels(self.store.settings.languages)

    @cached_property
    def memory(self) -> Memory:
        """What the model remembers of the graph."""
        with torch.no_grad():
            return self.model.remember(self.joint)

    @property
    def names(self) -> list[str]:
        """The classes."""
        return list(self._kept.about["names"])

    def candidates(self) -> NDArray[np.int64]:
        """Entities of the target's kind without a value, those of new files included."""
        labelled = np.zeros(self.graph.num_entities, dtype=bool)
        labelled[self._labelled()] = True
        mask = self.model.candidates.numpy() & ~labelled & self._observed()
        return np.flatnonzero(mask)

    def predict(self, entities: NDArray[np.int64], *, abstain: float = 0.0) -> list[Prediction]:
        """Predict for some entities, by id; one whose value is known is not its own example.

        Args:
            entities: ids in `graph`.
            abstain: least probability of a prediction; below it there is none.
        """
        probability, without = self.evidence(entities)
        best = probability.argmax(1)
        out = []
        for row, entity in enumerate(entities.tolist()):
            name, sure = self.names[best[row]], float(probability[row, best[row]])
            gains = {
                source: sure - float(rows[row, best[row]])
                for source, rows in without.items()
                if self._has(source, entity)
            }
            out.append(
                Prediction(
                    entity=self.graph.entities[entity].as_py(),
                    label=self.labels[entity],
                    prediction=name if sure >= abstain else None,
                    likeliest=name,
                    likeliest_label=self._class_label(int(best[row])),
                    probability=sure,
                    modalities=gains,
                )
            )
        return out

    def evidence(
        self, entities: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Probabilities ``(m, classes)``, and the same without each source of evidence."""
        sources = evidence_groups(self.memory.senses)
        whole = self._probability(entities, ())
        return whole, {name: self._probability(entities, senses) for name, senses in sources.items()}

    def suggest(self, count: int) -> list[Prediction]:
        """The candidates whose label to ask for next: unsure, and unlike each other."""
        entities = self.candidates()
        rows = torch.from_numpy(entities)
        with torch.no_grad():
            view = self.model.view(self.memory.senses, self.joint.affinity, rows)
            told = torch.cat([sense.vectors for sense in self.model.fusion.told(view).values()], dim=1)
        chosen = suggested(self._probability(entities, ()), told.numpy(), count)
        return self.predict(entities[chosen])

    @torch.no_grad()
    def _probability(self, entities: NDArray[np.int64], hidden: Sequence[str]) -> NDArray[np.float64]:
        parts: list[Tensor] = []
        for rows in torch.split(torch.from_numpy(entities), BATCH):
            away = {name: torch.ones(len(rows), dtype=torch.bool) for name in hidden}
            view = self.model.view(self.memory.senses, self.joint.affinity, rows, away)
            logits = (
                self.model.logits(view, self.memory, self.model.counted(rows))
                / self._kept.about["temperature"]
            )
            parts.append(logits.double().softmax(1))
        return torch.cat(parts).numpy() if parts else np.empty((0, len(self.names)))

    def _labelled(self) -> NDArray[np.int64]:
        from pipelines.labels.target import find_target

        return find_target(self.graph, self._kept.about["target"]).entities

    def _observed(self) -> NDArray[np.bool_]:
        has = [sense.present for sense in self.memory.senses.values()]
        return np.asarray(torch.stack(has).any(0).numpy())

    def _has(self, source: str, entity: int) -> bool:
        senses = evidence_groups(self.memory.senses)[source]
        return any(bool(self.memory.senses[name].present[entity]) for name in senses)

    def _class_label(self, number: int) -> str:
        entity = int(self.model.class_entities[number])
        return self.labels[entity] if entity >= 0 else self.names[number]


def _joined(
    store: Store,
    observations: Observations,
    hidden: frozenset[str],
    files: Sequence[str | Path],
    media_root: str | Path | None,
    device: str,
) -> tuple[KnowledgeGraph, Observations, list[str]]:
    """The store's graph and the files' with what follows from both, and the observations of both.

    Also what of the files could not be read.
    """
    from kg.rdf import read
    from kg.vocabulary import DEFAULT
    from pipelines.building.build import cache_folder, media_folder
    from pipelines.building.following import what_follows
    from pipelines.senses.encoding import MediaAccess, encode_observations
    from pipelines.senses.known import Known
    from pipelines.updating.carrying import Training

    fresh, _ = read(list(files))
    media = MediaAccess(media_folder(files, media_root), cache_folder())
    # numbers come in the units of the training, and a sense that it did not know is not observed
    known = Known({}, {}, store.manifest["encoders"], Training.of(store).units)
    encoded = encode_observations(
        fresh,
        DEFAULT,
        store.settings,
        media,
        device=device,
        progress=lambda stage, done, total: None,
        known=known,
    )
    both = merged(store.graph, fresh)
    graph, old, new = both.graph, both.old, both.new
    if (inferred := what_follows(store, files)) is not None:
        more = merged(graph, inferred)
        graph, old, new = more.graph, more.old[old], more.old[new]
    told = observed_without(fresh, encoded.observations, encoded.table, hidden)
    problems = [text for text in encoded.table["problem"].to_pylist() if text is not None]
    return graph, _both(observations, old, told, new), problems


def _both(
    one: Observations, one_moved: NDArray[np.int64], two: Observations, two_moved: NDArray[np.int64]
) -> Observations:
    """The observations of two graphs over the merged one."""
    from pipelines.senses.numbers import joined

    features, owners = {}, {}
    for name in one.features.keys() | two.features.keys():
        parts = [
            (part.features[name], torch.from_numpy(moved)[part.owners[name]])
            for part, moved in ((one, one_moved), (two, two_moved))
            if name in part.features
        ]
        features[name], owners[name] = (torch.cat(column) for column in zip(*parts, strict=True))
    numbers = [
        replace(part.numbers, entity=moved[part.numbers.entity])
        for part, moved in ((one, one_moved), (two, two_moved))
        if part.numbers is not None
    ]
    return Observations(features, owners, joined(numbers))
