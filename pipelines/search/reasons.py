"""Why an entity answers a question: nearest evidence, chains of facts, its rank if something were not so.

A rank without a sense, or without a relation, is counterfactual: the question is asked anew as if that were
not there, of the same entities. Attention is no reason: it tells how a vector came about, not why it matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from pipelines.search.exhibit import Exhibit, Observed
from pipelines.search.explain import Fact, last_word
from pipelines.search.question import GRAPH, LONGEST_PATH, NOT, PREFERS, Asked, Ids, Question
from pipelines.search.scoring import Scorer, Terms

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher

MOST_PATHS = 3
_WORDS = {
    GRAPH: "without what the question names",
    NOT: "without what it is not to be like",
    PREFERS: "without the preferences",
}


@dataclass(frozen=True)
class Evidence:
    """The observation of a hit that is most similar to what the question shows by the same sense."""

    observed: Observed
    similarity: float


@dataclass(frozen=True)
class Counterfactual:
    """Rank and score as if the question lacked a part (`graph`: all it names), or a relation its facts."""

    without: str
    rank: int
    score: float

    @property
    def words(self) -> str:
        """What is not so, in words."""
        if self.without in _WORDS:
            return _WORDS[self.without]
        if ":" in self.without:  # senses have short names, relations IRIs
            return f"without the facts of {last_word(self.without)}"
        return f"without the question's {self.without}"


@dataclass(frozen=True)
class Reasons:
    """Why one entity answers a question.

    `shares` are what each sense brings to the score, `hubs` included: they sum to it. `evidence` is the
    nearest observation by each sense, the most similar first; `paths` are up to three chains of facts from
    what the question names, no fact in two of them; `without` are ranks as if something were not so, the
    largest loss first. `rank` and these are among the `candidates` that the constraint allows.
    """

    entity: str
    label: str
    rank: int
    score: float
    candidates: int
    shares: dict[str, float]
    evidence: list[Evidence]
    paths: list[list[Fact]]
    without: list[Counterfactual]
    exhibit: Exhibit | None = field(default=None, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The reasons as plain JSON values."""
        evidence = [
            {
                "modality": one.observed.modality,
                "reference": one.observed.reference,
                "similarity": round(one.similarity, 6),
            }
            for one in self.evidence
        ]
        return {
            "entity": self.entity,
            "label": self.label,
            "rank": self.rank,
            "score": round(self.score, 6),
            "candidates": self.candidates,
            "shares": {name: round(value, 6) for name, value in self.shares.items()},
            "evidence": evidence,
            "paths": [[list(step) for step in path] for path in self.paths],
            "without": [asdict(one) | {"score": round(one.score, 6)} for one in self.without],
        }

    def _repr_html_(self) -> str:
        """A card, as notebooks show it."""
        from pipelines.search.cards import shown_reasons

        return shown_reasons(self)


def explain(searcher: Searcher, question: Question, entities: Sequence[str]) -> list[Reasons]:
    """Give the reasons why entities answer a question, the question being asked once for all of them.

    Raises:
        ValueError: see `Searcher.explain`.
    """
    allowed = searcher.allowed(question.where, inferred=question.inferred)
    asked = searcher.asker.asked([question])[0]
    ids = asked.candidates(allowed)
    places = [searcher.store.graph.entity_id(searcher.asker.expanded(iri)) for iri in entities]
    for iri, place in zip(entities, places, strict=True):
        if place not in ids:
            raise ValueError(f"expected an entity that may answer the question (got {iri})")
    terms = searcher.scorer.terms([asked])[0]
    lacking = _without_each_sense(searcher.scorer, asked, terms)
    return [_reasons(searcher, asked, terms, lacking, ids, place) for place in places]


def _reasons(
    searcher: Searcher, asked: Asked, terms: Terms, lacking: dict[str, Terms], ids: Ids, entity: int
) -> Reasons:
    score = terms.score()
    paths = searcher.finder.apart(asked.anchors, entity, MOST_PATHS, max_length=LONGEST_PATH)
    named = [searcher.named(path) for path in paths]
    relations = list(dict.fromkeys(relation for path in named for _, relation, _ in path))
    others = lacking | {iri: searcher.without(iri).terms([asked])[0] for iri in relations}
    ranked = {name: other.score() for name, other in others.items()}
    without = [
        Counterfactual(name, rank(one, ids, entity), float(one[entity])) for name, one in ranked.items()
    ]
    return Reasons(
        entity=searcher.store.graph.entities[entity].as_py(),
        label=searcher.labels[entity],
        rank=rank(score, ids, entity),
        score=float(score[entity]),
        candidates=len(ids),
        shares=_shares(searcher.scorer, terms, entity),
        evidence=_evidence(searcher, asked, entity),
        paths=named,
        without=sorted(without, key=lambda one: (-one.rank, one.score)),
        exhibit=searcher.exhibit,
    )


def rank(score: torch.Tensor, ids: Ids, entity: int) -> int:
    """One more than how many of the ids score higher."""
    return 1 + int((score[torch.from_numpy(ids)] > score[entity]).sum())


def _shares(scorer: Scorer, terms: Terms, entity: int) -> dict[str, float]:
    """What each sense adds to an entity's score, and the correction for hubs takes from it."""
    shares = {name: float(terms.share(name)[entity]) for name in scorer.telling(terms, entity)}
    hub = terms.penalty()[entity]
    return shares | ({"hubs": float(hub)} if hub else {})


def _evidence(searcher: Searcher, asked: Asked, entity: int) -> list[Evidence]:
    """By each sense the observation of an entity that is nearest to one that the question shows."""
    found = []
    seen = searcher.store.observations
    for modality, shown in searcher.scorer.shown(asked).items():
        own = torch.nonzero(seen.owners[modality] == entity).squeeze(1)
        if not len(own):
            continue
        near = (seen.features[modality][own] @ torch.stack(shown).t()).amax(1)
        best = int(near.argmax())
        try:
            observed = searcher.exhibit.observation(modality, int(own[best]))
        except ValueError:  # a number is no single observation
            continue
        found.append(Evidence(observed, float(near[best])))
    return sorted(found, key=lambda one: -one.similarity)


def _without_each_sense(scorer: Scorer, asked: Asked, terms: Terms) -> dict[str, Terms]:
    """The question as if it lacked one part; not where nothing would be left of it."""
    names = [name for name in terms.parts if name in scorer.shown(asked) or name in _WORDS]
    lesser = {name: lacking(asked, name) for name in names}
    left = {name: one for name, one in lesser.items() if one.anchors or scorer.shown(one)}
    return dict(zip(left, scorer.terms(list(left.values())), strict=True)) if left else {}


def lacking(asked: Asked, name: str) -> Asked:
    """A question as if it showed nothing by one sense; by `graph`, as if it named nothing.

    Without `not` all likeness is welcome, without `prefers` nothing is preferred; who may answer stays.
    """
    if name == GRAPH:
        return replace(asked, anchors=[])
    if name == NOT:
        return replace(asked, excluded=())
    if name == PREFERS:
        return replace(asked, preferred=())
    features = {other: row for other, row in asked.features.items() if other != name}
    return replace(asked, features=features, hidden=asked.hidden | {name})
