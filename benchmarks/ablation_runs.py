"""The runs of the ablation: each benchmark whole and without each part, as ranks of its validation part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.ablation_parts import AGAIN, ENCODER, LABELS, LINKS, RETRIEVAL
from benchmarks.ablation_switches import Part
from benchmarks.retrieval import with_names
from benchmarks.retrieval_runs import FOLDER, NONE, TRUE, Linked, Work, linked_facts
from kg.completion import Completion, choose_blend, completion_ranks
from kg.hierarchy import hierarchy_of
from kg.links import Answers, both_directions
from kg.memory import kept_memory
from kg.ranking import realistic_ranks
from pipelines.evaluation.damage import without_observations
from pipelines.labels.learn import Lesson, prepare
from pipelines.labels.training import Labeller, examples_of, logits_of, train_labels
from pipelines.senses.joint import joint_graph
from pipelines.training.alignment import retrieval_ranks, retrieval_tasks, train_alignment
from pipelines.training.completion import choose_completion
from pipelines.training.concept_ranks import learnable
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import LinkModel, link_ranks, train_links
from pipelines.training.ranked import Ranked
from pipelines.training.sense_links import learn_sense_links
from pipelines.training.train import joint_triples, link_split

if TYPE_CHECKING:
    from fusion.base import JointGraph
    from kg.graph import KnowledgeGraph
    from pipelines.settings import Settings
    from pipelines.store.store import Store

WHOLE = "whole"
BETWEEN, SOUND = "text and image", "sound and either"
ALL, STRUCTURE = "all terms", "structure alone"
OBSERVED, BEREFT = "as observed", "a sense missing"
TAKEN = ("text", "image")
"""What is taken from all that are judged, one at a time, to see what labels are worth then."""
Found = dict[str, Ranked]
"""By task, the ranks of what was asked; that which decides comes first."""


def retrieval(store: Store, settings: Settings) -> Iterator[tuple[str, Found]]:
    """Retrieval across senses, the folders left out: links once, attention anew for each part."""
    work = Work.of(store.graph, with_names(store), settings, random=False)
    facts = linked_facts(work, TRUE)
    yield WHOLE, aligned(work, facts)
    for part in RETRIEVAL:
        with part.out():
            changed = replace(work, settings=replace(settings, **part.settings))
            found = aligned(changed, _lacking(work, facts, part.lacks))
        yield part.name, found
    for part in AGAIN:
        yield part.name, aligned(work, _linked_without(work, part))


def _linked_without(work: Work, part: Part) -> Linked:
    """The facts with structure by links without a part."""
    with part.out():
        changed = replace(work, settings=replace(work.settings, **part.settings))
        joint, structure = linked_facts(changed, TRUE)
    # an encoder of no layers gives its very parameters
    return joint, None if structure is None else structure.detach()


def _lacking(work: Work, facts: Linked, what: str) -> Linked:
    """The facts of a split without one kind of input."""
    joint, structure = facts
    if what == "graph":
        return linked_facts(work, NONE)
    if what == "structure":
        return joint, None
    return _bereft(joint, what), structure


def _bereft(joint: JointGraph, what: str) -> JointGraph:
    """The joint graph without diffusion, names or a sense; the same for ''."""
    if what == "diffusion":
        return replace(joint, affinity=None)
    if what == "names":
        return replace(joint, names=None)
    return replace(
        joint,
        features={name: rows for name, rows in joint.features.items() if name != what},
        owners={name: rows for name, rows in joint.owners.items() if name != what},
    )


@kept_memory()
def aligned(work: Work, facts: Linked) -> Found:
    """Train attention as build_kg does, and rank the validation part, both directions of each pair."""
    joint, structure = facts
    learning = work.split.learning()
    known = learnable(joint, work.split)
    model, _ = train_alignment(known, structure, work.groups, learning, work.settings, silent)
    own = model.observe(known, structure)
    seen = torch.zeros(known.num_entities, dtype=torch.bool)
    seen[torch.from_numpy(learning.train)] = True
    names: dict[str, list[str]] = {BETWEEN: [], SOUND: []}
    ranks: dict[str, list[NDArray[np.float64]]] = {BETWEEN: [], SOUND: []}
    for one, other in retrieval_tasks(own, model.modalities, learning.train):
        task = SOUND if "audio" in (one, other) else BETWEEN
        both = (own[one].present & own[other].present).numpy()[learning.valid]
        if both.sum() < 2:
            continue
        names[task] += [f"{one} {other} {entity}" for entity in learning.valid[both]]
        found = retrieval_ranks(model, known, own, learning.valid, seen, (one, other))
        ranks[task].append(np.stack(found, axis=1))
    return {task: Ranked.of(names[task], np.concatenate(parts)) for task, parts in ranks.items() if parts}


def links(store: Store, settings: Settings) -> Iterator[tuple[str, Found]]:
    """Missing facts of the demo: links anew for each part of the encoder, the terms beside them once."""
    graph = store.graph.stated()
    facts = _link_facts(graph, store, settings)
    model = _linked(graph, facts, settings)
    completion, _ = choose_completion(model, facts, settings, np.empty((0, 3), np.int64))
    structure = _structure_alone(model, facts)
    yield WHOLE, {ALL: cross_fitted(completion, facts), STRUCTURE: structure}
    for part in ENCODER:
        with part.out():
            other = _linked(graph, facts, replace(settings, **part.settings))
            found = _over(other, completion, facts)
        yield part.name, {ALL: cross_fitted(found, facts), STRUCTURE: _structure_alone(other, facts)}
    for part in LINKS:
        found = _without_term(completion, facts, part.lacks, settings.seed)
        kept = {name: name != part.lacks for name in ("rules", "prior")}
        yield part.name, {ALL: cross_fitted(found, facts, **kept)}


def _link_facts(graph: KnowledgeGraph, store: Store, settings: Settings) -> LinkFacts:
    """The facts as a build splits them, without those of the test."""
    joint = joint_graph(graph, store.observations, settings, diffusion=False)
    found = joint_triples(graph, joint)
    return LinkFacts.of(joint, torch.from_numpy(found), link_split(found, settings).learning())


@kept_memory()
def _linked(graph: KnowledgeGraph, facts: LinkFacts, settings: Settings) -> LinkModel:
    hierarchy = hierarchy_of(graph, settings.hierarchy, facts=facts.train.numpy())
    return train_links(facts, settings, silent, hierarchy)[0]


@torch.no_grad()
def _over(model: LinkModel, completion: Completion, facts: LinkFacts) -> Completion:
    """The same rules and senses beside other links."""
    rows = model.eval().encoder(facts.graph.edges, facts.graph.log_weight)
    return replace(completion, scorer=model.scorer, rows=rows)


def _without_term(completion: Completion, facts: LinkFacts, what: str, seed: int) -> Completion:
    """Without the structure, all senses, or one of them; the same for what a blend can leave out."""
    if what == "structure":
        return replace(completion, scorer=None, rows=None)
    if what == "senses":
        return replace(completion, further=None)
    seen = facts.observed
    if seen is None or what not in seen.features:
        return completion
    left = {name: rows for name, rows in seen.features.items() if name != what}
    rest = replace(seen, features=left, owners={name: seen.owners[name] for name in left})
    found = learn_sense_links(rest, facts.train, facts.num_relations, seed)
    return replace(completion, further=None if found is None else found[1])


def cross_fitted(
    completion: Completion, facts: LinkFacts, *, rules: bool = True, prior: bool = True
) -> Ranked:
    """Each half of the validation facts, ranked by the blend that the other half has chosen.

    By the facts that have chosen it, a blend of more terms is never worse.
    """
    count = facts.num_relations
    known = Answers.of(both_directions(facts.facts, count), 2 * count)
    halves = np.array_split(np.random.default_rng(0).permutation(len(facts.valid)), 2)
    ranks = np.empty((len(facts.valid), 2))
    for judged, chooses in (halves, halves[::-1]):
        asked, shown = (both_directions(facts.valid[part], count) for part in (judged, chooses))
        chosen, _ = choose_blend(completion, shown, known, evidence=rules, prior=prior)
        ranks[judged] = completion_ranks(chosen, asked, known).numpy().reshape(2, -1).T
    return Ranked.of(_named(facts), ranks)


def _structure_alone(model: LinkModel, facts: LinkFacts) -> Ranked:
    ranks = link_ranks(model, facts.graph, facts.valid, facts.facts)
    return Ranked.of(_named(facts), ranks.reshape(2, -1).T)


def _named(facts: LinkFacts) -> list[str]:
    return [" ".join(map(str, fact)) for fact in facts.valid.tolist()]


def labels(store: Store, settings: Settings, iri: str = FOLDER) -> Iterator[tuple[str, Found]]:
    """A property of the demo's things, by default the folder: the label model anew for each part."""
    given = store.graph_without_hints(iri), store.observations, store.observed, iri, settings
    lesson, bare = prepare(*given), prepare(*given, facts=False)
    yield WHOLE, labelled(lesson, lesson.joint, settings)
    for part in LABELS:
        joint = bare.joint if part.lacks == "graph" else _bereft(lesson.joint, part.lacks)
        with part.out():
            found = labelled(lesson, joint, replace(settings, **part.settings))
        yield part.name, found


@kept_memory()
def labelled(lesson: Lesson, joint: JointGraph, settings: Settings) -> Found:
    """Train the label model, and rank the true class of each of the validation part: as it is, and bereft."""
    taught = lesson.taught
    target, split = taught.target, taught.split
    labeller = train_labels(joint, taught, settings, silent)
    # who is judged must not be an example
    labeller.model.examples = examples_of(target, split.train)
    entities = target.entities[split.valid]
    ranks = {OBSERVED: _label_ranks(labeller, lesson, joint)[:, None]}
    if joint.features.keys() >= set(TAKEN):  # else nothing can be paired with the whole
        bereft = [without_observations(joint, name, entities) for name in TAKEN]
        ranks[BEREFT] = np.stack([_label_ranks(labeller, lesson, one) for one in bereft], axis=1)
    return {task: Ranked.of(map(str, entities), one) for task, one in ranks.items()}


def _label_ranks(labeller: Labeller, lesson: Lesson, joint: JointGraph) -> NDArray[np.float64]:
    target, rows = lesson.taught.target, lesson.taught.split.valid
    logits = logits_of(labeller.model, joint, torch.from_numpy(target.entities[rows])).numpy()
    return realistic_ranks(logits, target.judged(rows, logits.argmax(1)))


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody of the progress."""
