"""The runs of the retrieval benchmark: ours and the rivals on one split, as scores and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.retrieval_rivals import Items, rival_scores, unit
from kg.memory import kept_memory
from kg.ranking import realistic_ranks, summary
from kg.splits import Split, grouped_split
from pipelines.senses.joint import Observations, concept_groups, joint_graph
from pipelines.training.alignment import retrieval_similarities, retrieval_tasks, train_alignment
from pipelines.training.concept_ranks import learnable
from pipelines.training.train import concept_split, linked

if TYPE_CHECKING:
    from fusion.base import JointGraph
    from fusion.names import Names
    from fusion.senses import SenseFusion
    from kg.graph import KnowledgeGraph
    from pipelines.settings import Settings

ABOUT, FOLDER = "https://schema.org/about", "https://schema.org/category"
FOLDERS = "https://example.org/stamps/folder/"
TRUE, SHUFFLED, NONE = "graph", "shuffled links", "no graph"
Ids = NDArray[np.int64]
Scores = dict[str, dict[str, float]]
"""By task, such as `text to image`, what its ranks come to."""
Linked = tuple["JointGraph", torch.Tensor | None]
"""The facts as a joint graph, and the structure vectors that links were trained to."""


@dataclass(frozen=True)
class Work:
    """One split of the items, and what is known of them."""

    graph: KnowledgeGraph
    observations: Observations
    settings: Settings
    split: Split
    groups: Ids

    @classmethod
    def of(cls, graph: KnowledgeGraph, observations: Observations, settings: Settings, random: bool) -> Work:
        """The concept-disjoint split of the settings' seed, or one that deals the same items at random."""
        graph = graph.stated()
        split = concept_split(graph, observations, settings)
        if random:
            rows = np.sort(np.concatenate([split.train, split.valid, split.test]))
            shares = {"valid": settings.valid_share, "test": settings.test_share}
            parts = grouped_split(np.arange(len(rows)), **shares, seed=settings.seed)
            split = Split(rows[parts.train], rows[parts.valid], rows[parts.test])
        return cls(graph, observations, settings, split, concept_groups(graph))


def shuffled(graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
    """The graph, the concepts that things are about dealt among them at random."""
    rows = graph.triples[:, 1] == graph.relation_id(ABOUT)
    triples = graph.triples.copy()
    triples[rows, 2] = np.random.default_rng(seed).permutation(triples[rows, 2])
    order = np.lexsort(triples.T[::-1])
    return replace(graph, triples=triples[order], weights=graph.weights[order], origin=graph.origin[order])


@kept_memory()
def linked_facts(work: Work, facts: str) -> Linked:
    """The facts of a seed, folders left out, with their structure; they do not depend on the split."""
    graph = work.graph if facts == TRUE else shuffled(work.graph, work.settings.seed)
    out = frozenset([FOLDER])
    joint = joint_graph(graph, work.observations, work.settings, without=out, facts=facts != NONE)
    if facts == NONE:
        return joint, None
    return joint, linked(graph, work.observations, work.settings, joint, out, _silent)[1]


@kept_memory()
def ours(work: Work, facts: Linked, *, names: bool = True) -> Scores:
    """Train the product's model as build_kg does, and score it on the test part."""
    joint, structure = facts
    seen = work.observations
    joint = replace(joint, features=seen.features, owners=seen.owners, names=seen.names if names else None)
    known = learnable(joint, work.split)
    model, _ = train_alignment(known, structure, work.groups, work.split.learning(), work.settings, _silent)
    return scored(work, model, joint, structure)


def scored(work: Work, model: SenseFusion, joint: JointGraph, structure: torch.Tensor | None) -> Scores:
    """What the test part comes to, each task; those of text and picture also within the true folders."""
    own = model.observe(joint, structure)
    visible = torch.zeros(joint.num_entities, dtype=torch.bool)
    visible[torch.from_numpy(np.concatenate([work.split.train, work.split.valid]))] = True
    out: Scores = {}
    for one, other in retrieval_tasks(own, model.modalities, work.split.test):
        forth, back, asked = retrieval_similarities(model, joint, own, work.split.test, visible, (one, other))
        out |= _both(forth, back, one, other)
        if {one, other} == {"text", "image"}:
            for name, folder in folders(work.graph).items():
                outside = folder[asked][:, None] != folder[asked]
                out |= _both(forth, back, one, other, f", {name} folder given", outside)
    return out


def rivals(work: Work) -> dict[str, Scores]:
    """The hand-built rows of one split."""
    items, split = items_of(work)
    return {
        name: _both(forth, back, "text", "image")
        for name, (forth, back) in rival_scores(items, split, work.settings.seed).items()
    }


def _both(
    forth: NDArray[np.floating],
    back: NDArray[np.floating],
    one: str,
    other: str,
    said: str = "",
    outside: NDArray[np.bool_] | None = None,
) -> Scores:
    answers = np.arange(len(forth))
    return {
        f"{one} to {other}{said}": summary(realistic_ranks(forth, answers, outside)),
        f"{other} to {one}{said}": summary(realistic_ranks(back, answers, outside)),
    }


def folders(graph: KnowledgeGraph) -> dict[str, Ids]:
    """Number of the folder of each entity ``(n,)``: the topmost one, and the one that it lies in."""
    names = [""] * graph.num_entities
    iris = graph.entities.to_pylist()
    for head, _, tail in graph.triples[graph.triples[:, 1] == graph.relation_id(FOLDER)].tolist():
        names[head] = iris[tail].removeprefix(FOLDERS)
    tops = [name.partition("/")[0] for name in names]
    return {
        kind: np.unique(found, return_inverse=True)[1].astype(np.int64)
        for kind, found in (("top", tops), ("leaf", names))
    }


def items_of(work: Work) -> tuple[Items, Split]:
    """The items with picture and caption as the rivals know them, and the split by their numbers."""
    graph, seen = work.graph, work.observations
    joint = joint_graph(graph, seen, work.settings, without=frozenset([FOLDER]))
    assert joint.affinity is not None
    rows = np.sort(np.concatenate([work.split.train, work.split.valid, work.split.test]))
    rows = rows[np.isin(rows, seen.owners["image"]) & np.isin(rows, seen.owners["text"])]
    text = _mean(seen, "text", graph.num_entities)
    concept = np.zeros_like(text)
    about = graph.triples[graph.triples[:, 1] == graph.relation_id(ABOUT)]
    np.add.at(concept, about[:, 0], text[about[:, 2]])
    image = _mean(seen, "image", graph.num_entities)
    known = rows[np.isin(rows, work.split.train)]
    named = text * 0 if seen.names is None else _named(seen.names, image)
    text, image, concept, named = (
        unit(part - part[known].mean(0))[rows] for part in (text, image, unit(concept), named)
    )
    near = joint.affinity.to_dense().numpy()[np.ix_(rows, rows)]
    split = Split(
        *(
            np.flatnonzero(np.isin(rows, part))
            for part in (work.split.train, work.split.valid, work.split.test)
        )
    )
    return Items(text, image, concept, named, near), split


def _named(names: Names, image: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(names.of(torch.from_numpy(image).float()).numpy(), dtype=np.float64)


def _mean(seen: Observations, modality: str, size: int) -> NDArray[np.floating]:
    rows = seen.features[modality].double().numpy()
    out = np.zeros((size, rows.shape[1]))
    np.add.at(out, seen.owners[modality].numpy(), rows)
    return unit(out)


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody of the progress."""
