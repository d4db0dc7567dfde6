"""Whether reasons name what carried an answer: take it away, and compare with taking something else.

python -m benchmarks.faithfulness [--store stores/demo] [--quick]

Each question is a picture of one thing or words about it; the hit judged is the best that is another thing.
The evidence that `Searcher.explain` names is taken out of the store, all vectors are made anew with the
same weights, and the hit is scored again by the same question: what it loses is the drop. The rival is
evidence of the same size drawn at random near the hit: another of its own observations; as many other facts
that touch the entities of the chain. A question counts for facts if a chain leads to its hit, for
observations if the hit has another one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.measure import Row, parser, report
from pipelines.training.deviation import deviation

if TYPE_CHECKING:
    from pipelines.search.question import Asked, Question
    from pipelines.search.reasons import Reasons
    from pipelines.search.retrieval import Searcher
    from pipelines.store.store import Store

COUNT, QUICK_COUNT, SEED = 320, 12, 0
"""Questions of a whole run and of a quick one; half of them are pictures."""
PATHS = 200
"""Of the questions with a chain, the first so many: without facts the whole diffusion is made anew."""
PHRASE = "something like {}"

Fact = tuple[int, int, int]
Place = tuple[str, int]
"""Modality and row of an observation."""


@dataclass(frozen=True)
class Case:
    """One question, the hit that is judged, and what may be taken away."""

    asked: Asked
    hit: int
    observation: Place | None
    others: list[Place]
    path: list[Fact]


def questions(searcher: Searcher, count: int) -> Iterator[tuple[int, Question]]:
    """A thing, and a question by its picture or by words that hold its name, in turn."""
    from pipelines.search.question import Query, Question

    graph = searcher.store.graph
    things = searcher.allowed(None).tolist()
    random.Random(SEED).shuffle(things)
    for turn, thing in enumerate(things[:count]):
        observed = searcher.exhibit.observations(graph.entities[thing].as_py())
        picture = next((one.path for one in observed if one.modality == "image" and one.path), None)
        query = Query(text=PHRASE.format(searcher.labels[thing]))
        if turn % 2 and picture is not None:
            query = Query(image=picture)
        yield thing, Question(query)


def case(searcher: Searcher, thing: int, question: Question) -> Case | None:
    """What a question's best other hit is explained by; None if it has no hit."""
    from pipelines.search.reasons import explain

    store = searcher.store
    answer = searcher.search_batch([question.query], k=2)[0]
    iri = store.graph.entities[thing].as_py()
    hit = next((one for one in answer if one.entity != iri), None)
    if hit is None:
        return None
    reasons = explain(searcher, question, [hit.entity])[0]
    place = store.graph.entity_id(hit.entity)
    named = named_observation(reasons)
    own = [
        (modality, row)
        for modality, owners in store.observations.owners.items()
        for row in torch.nonzero(owners == place).squeeze(1).tolist()
    ]
    path = [] if not reasons.paths else [as_ids(store, step) for step in reasons.paths[0]]
    asked = searcher.asker.asked([question])[0]
    return Case(asked, place, named, [one for one in own if one != named], path)


def named_observation(reasons: Reasons) -> Place | None:
    """The nearest observation that reasons name."""
    if not reasons.evidence:
        return None
    first = reasons.evidence[0].observed
    return first.modality, first.row


def as_ids(store: Store, fact: tuple[str, str, str]) -> Fact:
    """A fact by its ids."""
    graph = store.graph
    return graph.entity_id(fact[0]), graph.relation_id(fact[1]), graph.entity_id(fact[2])


def other_facts(store: Store, path: Sequence[Fact], draw: np.random.Generator) -> list[Fact]:
    """As many facts as the path has that touch its entities and are not in it, drawn at random."""
    triples = store.graph.triples
    ends = np.unique([end for head, _, tail in path for end in (head, tail)])
    touching = triples[np.isin(triples[:, 0], ends) | np.isin(triples[:, 2], ends)]
    rest = sorted({tuple(fact) for fact in touching.tolist()} - set(path))
    chosen = draw.permutation(len(rest))[: len(path)]
    return [rest[place] for place in chosen]


def score(searcher: Searcher, one: Case, store: Store | None = None) -> float:
    """The hit's score, in the store as it is or in another."""
    scorer = searcher.scorer if store is None else searcher.over(store).scorer
    return float(scorer.terms([one.asked])[0].score()[one.hit])


def drops(searcher: Searcher, cases: Sequence[Case]) -> dict[str, list[tuple[float, float]]]:
    """What a hit loses without the evidence named and without the evidence drawn, for each kind."""
    from pipelines.search.alternative import without_facts, without_observations

    store, draw = searcher.store, np.random.default_rng(SEED)
    found: dict[str, list[tuple[float, float]]] = {"observation": [], "path": []}
    for number, one in enumerate(cases):
        whole = score(searcher, one)
        if one.observation is not None and one.others:
            other = one.others[int(draw.integers(len(one.others)))]
            pair = [
                whole - score(searcher, one, without_observations(store, {name: [row]}))
                for name, row in (one.observation, other)
            ]
            found["observation"].append((pair[0], pair[1]))
        others = other_facts(store, one.path, draw)
        if one.path and len(others) == len(one.path) and len(found["path"]) < PATHS:
            pair = [whole - score(searcher, one, without_facts(store, facts)) for facts in (one.path, others)]
            found["path"].append((pair[0], pair[1]))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {len(cases)}", end="", file=sys.stderr)
    return found


def summary(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Mean and spread of both drops, and the share of questions where the named evidence loses more."""
    named, drawn = ([pair[side] for pair in pairs] for side in (0, 1))
    return {
        "questions": len(pairs),
        "named mean": statistics.mean(named),
        "named spread": deviation(named),
        "random mean": statistics.mean(drawn),
        "random spread": deviation(drawn),
        "wins": statistics.mean(one > other for one, other in pairs),
    }


def rows(found: dict[str, dict[str, Any]]) -> list[Row]:
    """The claims."""
    out = []
    for kind, one in found.items():
        named, drawn = one["named mean"], one["random mean"]
        title = f"score lost without the named {kind}, against random evidence of that size near the hit"
        out.append(Row(title, "score", named, drawn, named - drawn, "ours - rival > 0", named > drawn))
        title = f"questions in which the named {kind} loses more than the random"
        wins = one["wins"]
        out.append(Row(title, "share", wins, 0.5, wins - 0.5, "ours > 0.5", wins > 0.5))
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, take away, report."""
    flags = _parser().parse_args(argv)
    from pipelines.search.retrieval import Searcher
    from pipelines.store.store import StoreError

    try:
        searcher = Searcher.open(flags.store)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    asked = questions(searcher, QUICK_COUNT if flags.quick else COUNT)
    cases = [one for thing, question in asked if (one := case(searcher, thing, question)) is not None]
    found = {kind: summary(pairs) for kind, pairs in drops(searcher, cases).items() if pairs}
    print(json.dumps(found))
    return report("faithfulness", rows(found), quick=flags.quick, details=found)


def _parser() -> argparse.ArgumentParser:
    from pipelines.building.build import DEMO_STORE

    out = parser("Whether reasons name what carried an answer.")
    out.add_argument("--store", type=Path, default=DEMO_STORE, help=f"the store to ask ({DEMO_STORE})")
    return out


if __name__ == "__main__":
    sys.exit(main())
