"""The link objective from end to end: learn, let validation choose, and then open the test, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kg.completion import Completion, Platt, completion_ranks
from kg.hierarchy import Hierarchy
from kg.links import Answers, both_directions
from pipelines.settings import Settings
from pipelines.training.completion import MOST, choose_completion, some
from pipelines.training.history import History, Progress
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import LinkModel, link_ranks, train_links

Open = Callable[[dict[str, Any]], NDArray[np.int64]]
"""Gives the test facts ``(q, 3)`` for what validation has chosen, once (see `kg.splits.Seal`)."""


@dataclass(frozen=True)
class LinkTest:
    """How test facts were ranked.

    Shapes: ``facts (q, 3)``; ``ranks (q, 2)`` of the tail and of the head by the link scorer;
    ``ruled (q, 2)`` by scorer, rules, prior and senses together, NaN for facts that these were not asked of;
    ``met (q,) bool`` whether training saw both entities.
    """

    facts: NDArray[np.int64]
    ranks: NDArray[np.float64]
    ruled: NDArray[np.float64]
    met: NDArray[np.bool_]


@dataclass(frozen=True)
class LinkRun:
    """What was trained and chosen, and what the test told of it."""

    model: LinkModel
    history: History
    chosen: tuple[Completion, Platt | None]
    test: LinkTest


def run_links(
    facts: LinkFacts,
    open_test: Open,
    settings: Settings,
    progress: Progress,
    hierarchy: Hierarchy | None = None,
    rejected: NDArray[np.int64] | None = None,
    most: int = MOST,
) -> LinkRun:
    """Train links, choose how rules, prior and senses count beside them, and rank the test facts.

    Args:
        facts: to learn from and to choose by.
        open_test: called once all is chosen.
        settings: rates, sizes, the seed.
        progress: told of the stage.
        hierarchy: what is below what, by the training facts.
        rejected: ``(k, 3)`` what a person refused.
        most: test facts to rank by rules, prior and senses as well.

    Raises:
        TrainingError: a loss is no number before the first validation.
    """
    denied = np.empty((0, 3), np.int64) if rejected is None else rejected
    model, history = train_links(facts, settings, progress, hierarchy)
    progress("rules", 0, 1)
    chosen = choose_completion(model, facts, settings, denied)
    progress("rules", 1, 1)
    blend = chosen[0].blend
    told = {
        "links": history.chosen(),
        "evidence": blend.evidence,
        "prior": blend.prior,
        "senses": blend.further,
    }
    asked = torch.from_numpy(open_test(told))
    part = some(len(asked), settings.seed, most)
    return LinkRun(model, history, chosen, _tested(model, chosen[0], facts, asked, part))


def _tested(
    model: LinkModel, completion: Completion, facts: LinkFacts, asked: Tensor, part: Tensor
) -> LinkTest:
    known = torch.cat([facts.facts, asked])
    ranks = link_ranks(model, facts.graph, asked, known).reshape(2, -1).T
    ruled = np.full(ranks.shape, np.nan)
    if len(part):
        answers = Answers.of(both_directions(known, facts.num_relations), 2 * facts.num_relations)
        both = both_directions(asked[part], facts.num_relations)
        ruled[part.numpy()] = completion_ranks(completion, both, answers).reshape(2, -1).T.numpy()
    met = facts.met[asked[:, [0, 2]]].all(1).numpy()
    return LinkTest(asked.numpy(), ranks, ruled, met)
