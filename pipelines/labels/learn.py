"""What a build learns of one target: the split, the leaks that were left out, the model, its scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from encoders.number import Standard
from fusion.base import JointGraph
from kg.graph import KnowledgeGraph
from kg.splits import Seal, Split
from kg.vocabulary import DEFAULT, Vocabulary
from pipelines.labels.leaks import Leak, leaks
from pipelines.labels.scores import label_scores
from pipelines.labels.split import Taught, fewer_labels, label_split
from pipelines.labels.target import Target, find_target
from pipelines.labels.training import Labeller, examples_of, logits_of, train_labels
from pipelines.senses.joint import Observations, joint_graph
from pipelines.senses.numbers import NUMBER, scaled, without_predicates
from pipelines.settings import Settings
from pipelines.training.history import Progress
from pipelines.wording import counted


@dataclass(frozen=True)
class Lesson:
    """Everything that the label objective of one target is given.

    The joint graph is free of the target and of what gives it away; numbers are scaled by what training sees.
    """

    target: Target
    split: Split
    leaks: tuple[Leak, ...]
    standard: Standard | None
    joint: JointGraph

    @property
    def taught(self) -> Taught:
        """What training is given of it: no value of the test."""
        return Taught.of(self.target, self.split)

    @property
    def hidden(self) -> frozenset[str]:
        """Properties that the model must not see."""
        return frozenset({self.target.iri, *(leak.iri for leak in self.leaks)})


@dataclass(frozen=True)
class Learned:
    """A lesson, the labeller that came of it, its scores on the test part, and when that was opened."""

    lesson: Lesson
    labeller: Labeller
    scores: dict[str, float]
    opened: dict[str, Any] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What a user should know of the target, one sentence each."""
        target, split = self.lesson.target, self.lesson.split
        out = [f"left out of {target.iri}: {leak.iri} ({leak.reason})" for leak in self.lesson.leaks]
        if target.several:
            out.append(
                f"{target.several} of {counted(len(target.entities), 'entity', 'entities')} "
                f"{'has' if target.several == 1 else 'have'} several values of {target.iri}: "
                "each teaches as a part of an example, and a prediction that hits one of them is right"
            )
        count = target.counts(split.train)
        rare = [target.names[i] for i in np.flatnonzero(count <= 1)]
        if rare:
            shown = ", ".join(rare[:3])
            of_it, have = f"of {target.iri}", "has" if len(rare) == 1 else "have"
            out.append(
                f"{counted(len(rare), 'value')} {of_it} {have} a single example to learn from: {shown}"
            )
        return out


def prepare(
    graph: KnowledgeGraph,
    observations: Observations,
    texts: pa.Table,
    iri: str,
    settings: Settings,
    *,
    facts: bool = True,
) -> Lesson:
    """Find the target, split its labels, and take away what would give them away.

    Args:
        graph: the facts.
        observations: the encoded observations.
        texts: the table of observations (see pipelines.senses.encoding).
        iri: the property to predict.
        settings: shares, seeds, priors.
        facts: False leaves out all facts: the same model without the graph.

    Raises:
        ValueError: see `find_target`.
    """
    target = find_target(graph, iri, settings.group)
    found = tuple(leaks(graph, target))
    split = label_split(target, valid=settings.valid_share, test=settings.test_share, seed=settings.seed)
    split = fewer_labels(split, target, settings.label_share, settings.seed)
    hidden = frozenset({iri, *(leak.iri for leak in found)})
    seen = observed_without(graph, observations, texts, hidden)
    visible = np.ones(graph.num_entities, dtype=bool)
    visible[target.entities[np.concatenate([split.valid, split.test])]] = False
    standard = None
    if seen.numbers is not None and len(seen.numbers.value):
        standard = Standard.fit(seen.numbers, visible[seen.numbers.entity])
        seen = scaled(seen, standard)
    relations = frozenset(graph.relations.to_pylist()) & hidden
    joint = joint_graph(graph, seen, settings, without=relations, facts=facts)
    return Lesson(target, split, found, standard, joint)


def learn(lesson: Lesson, settings: Settings, progress: Progress, *, device: str = "cpu") -> Learned:
    """Train on the lesson and score it on its test part."""
    lesson = replace(lesson, joint=lesson.joint.to(device))
    labeller = train_labels(lesson.joint, lesson.taught, settings, progress)
    seal, scores = Seal(), {}
    test = seal.open(lesson.split, {"labels": labeller.history.chosen()})
    if len(test):
        probability = probabilities(labeller, lesson.joint, lesson.target.entities[test])
        scores = label_scores(probability, lesson.target.judged(test, probability.argmax(1)))
        # scored: from here on every label is an example
        everyone = np.arange(len(lesson.target.entities))
        labeller.model.examples = examples_of(lesson.target, everyone).to(device)
    return Learned(lesson, labeller, scores, seal.record)


def probabilities(labeller: Labeller, joint: JointGraph, entities: NDArray[np.int64]) -> NDArray[np.float64]:
    """Calibrated probabilities of some entities: ``(m,) -> (m, classes)``."""
    rows = torch.from_numpy(entities).to(joint.log_weight.device)
    found = labeller.probabilities(logits_of(labeller.model, joint, rows))
    return np.asarray(found.double().cpu().numpy())


def observed_without(
    graph: KnowledgeGraph,
    observations: Observations,
    texts: pa.Table,
    hidden: frozenset[str],
    vocabulary: Vocabulary = DEFAULT,
) -> Observations:
    """The observations without texts and numbers that stand under hidden properties alone."""
    numbers = None if observations.numbers is None else without_predicates(observations.numbers, hidden)
    # rows of numbers are made anew from what is left: those of the store hold every property
    observations = replace(
        observations,
        features={name: rows for name, rows in observations.features.items() if name != NUMBER},
        owners={name: rows for name, rows in observations.owners.items() if name != NUMBER},
        numbers=numbers,
    )
    roles = ("label", "alt_label", "text")
    spoken = [iri for iri in hidden if any(vocabulary.has(role, iri) for role in roles)]
    if not spoken or "text" not in observations.features:
        return observations
    literals = graph.literals
    rows = literals.filter(pc.is_in(literals["predicate"], value_set=pa.array(spoken)))
    gone = {(entity, value[:200]) for entity, value in _pairs(rows["entity"], rows["value"])}
    table = texts.filter(pc.and_(pc.equal(texts["modality"], "text"), pc.greater_equal(texts["row"], 0)))
    kept = torch.tensor([pair not in gone for pair in _pairs(table["entity"], table["reference"])])
    features = {**observations.features, "text": observations.features["text"][kept]}
    owners = {**observations.owners, "text": observations.owners["text"][kept]}
    if not len(features["text"]):
        del features["text"], owners["text"]
    return replace(observations, features=features, owners=owners)


def _pairs(*columns: pa.ChunkedArray) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in columns), strict=True))
