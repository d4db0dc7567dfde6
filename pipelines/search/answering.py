"""From scores to an answer: the best of those that may answer, how alike they are, what facts lead there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from kg.nearest import best
from pipelines.search.explain import Answer, Hit
from pipelines.search.question import LONGEST_PATH, Asked, Exclusion, Ids, Preference, Question

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher
    from pipelines.search.scoring import Terms


def answered(
    searcher: Searcher,
    asked: Asked,
    terms: Terms,
    allowed: Ids,
    k: int,
    question: Question,
    among: Ids | None = None,
) -> Answer:
    """The k best of the entities that the constraint allows and the question does not leave out.

    The scores of all of them are compared, preferences included: nothing is a rerank of a shorter list. Or
    of those `among` them that are known to hold the k best (see pipelines.search.narrowing).
    """
    graph, score, ids = searcher.store.graph, terms.score(), asked.candidates(allowed)
    candidates = torch.from_numpy(ids if among is None else among)
    found = best(score[candidates].unsqueeze(0), k, candidates)[1][0].tolist()
    paths = searcher.finder.paths(asked.anchors, found, max_length=LONGEST_PATH) if asked.anchors else {}
    paths = {i: [searcher.steps.best(step) for step in path] for i, path in paths.items()}
    hits = [
        Hit(
            entity=graph.entities[i].as_py(),
            label=searcher.labels[i],
            score=float(score[i]),
            modalities={name: float(terms.parts[name][i]) for name in searcher.scorer.telling(terms, i)},
            path=searcher.named(paths.get(i, [])),
            rules=[searcher.steps.rule(step) for step in paths.get(i, [])],
            anchor=i in asked.anchors,
            exhibit=searcher.exhibit,
        )
        for i in found
    ]
    names = [graph.entities[i].as_py() for i in asked.anchors]
    remarks = understood(asked, allowed, searcher.labels)
    return Answer(hits, len(ids), names, question, searcher.exhibit, remarks)


def understood(asked: Asked, allowed: Ids, labels: Sequence[str]) -> list[str]:
    """A line on each thing that is not wanted and each preference: how it was taken, whom it concerns."""
    lines = [_without(one, allowed, labels) for one in asked.excluded]
    return lines + [_with(one, asked.candidates(allowed)) for one in asked.preferred]


def _without(found: Exclusion, allowed: Ids, labels: Sequence[str]) -> str:
    count = len(np.intersect1d(found.ids, allowed))
    by_facts = f"by the facts, {count:,} {'entity' if count == 1 else 'entities'} left out"
    if not found.kinds:
        return f"not: {found.said} (by likeness; it is the name of nothing in the graph)"
    names = ", ".join(list(dict.fromkeys(labels[kind] for kind in found.kinds))[:8])
    return f"not: {names} ({by_facts}{'' if found.unlike is None else '; what is like it, by likeness'})"


def _with(found: Preference, candidates: Ids) -> str:
    count = len(np.intersect1d(found.ids, candidates))
    return f"prefers: {found.pattern} ({found.weight:+g}, {count:,} of {len(candidates):,} entities)"
