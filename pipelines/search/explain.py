"""What is answered, and as a person reads it: hits, their similarities, the chains of facts to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kg.inferred import rule_of
from kg.paths import Step
from pipelines.settings import REASON

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph
    from kg.vocabulary import Vocabulary
    from pipelines.search.exhibit import Exhibit
    from pipelines.search.question import Question

Fact = tuple[str, str, str]
"""Head, relation and tail as IRIs."""

STOP_WORDS = frozenset(
    """
    a an and are as at be but by can cannot do does for from has have he her his i in into is it its
    like looks me my near no not of on or our she show some that the their them these they thing
    things this those to was we what when where which who will with without you your
    """.split()  # noqa: SIM905
)

BEFORE_A_VERB = frozenset(
    ("can", "cannot", "can't", "could", "does", "doesn't", "not", "to", "will", "would")
)
"""After one of these an English word is what is done and names no thing: "a bird that cannot fly"."""


@dataclass(frozen=True)
class Hit:
    """One answer.

    `modalities` holds the similarity by sense (1 is equal), `joint` for the fused vectors and `graph` for
    the nearness by facts to what the question names; `not` is what likeness to what is not wanted takes away,
    `prefers` what preferences add. `path` is a chain of facts, each as it stands in the graph, from an
    entity that the question names (an anchor) to this one. `rules` names for each of these facts the rule
    that inferred it and how sure it is; None for what was stated. `exhibit` knows what can be shown of it.
    """

    entity: str
    label: str
    score: float
    modalities: dict[str, float]
    path: list[Fact]
    anchor: bool = False
    rules: Sequence[tuple[str, float] | None] = ()
    exhibit: Exhibit | None = field(default=None, repr=False, compare=False)

    def _repr_html_(self) -> str:
        """A card, as notebooks show it."""
        from pipelines.search.cards import shown_hit

        return shown_hit(self)

    def as_json(self) -> dict[str, Any]:
        """The hit as plain JSON values; "rules" are there where a fact of the path was inferred."""
        told = {
            "entity": self.entity,
            "label": self.label,
            "score": round(self.score, 6),
            "modalities": {name: round(value, 6) for name, value in self.modalities.items()},
            "path": [list(step) for step in self.path],
        }
        if any(self.rules):
            told["rules"] = [rule and {"rule": rule[0], "confidence": rule[1]} for rule in self.rules]
        return told


class InferredSteps:
    """Tells which facts of a graph were inferred, and by what.

    Args:
        graph: the graph.
        ignored_relations: relations that no path uses.
    """

    def __init__(self, graph: KnowledgeGraph, ignored_relations: Collection[int] = ()) -> None:
        self._graph, self._ignored = graph, frozenset(ignored_relations)
        self._rules = [rule_of(name) for name in graph.graphs]
        self._heads = np.ascontiguousarray(graph.triples[:, 0])

    def best(self, step: Step) -> Step:
        """The fact between the same two that says most: one that was stated, else the surest."""
        if self.rule(step) is None:
            return step
        ways = [*self._between(step[0], step[2]), *self._between(step[2], step[0])]
        return min((way for way in ways if way[1] not in self._ignored), key=self._doubt)

    def _doubt(self, step: Step) -> tuple[float, bool]:
        """Order facts: stated ones, then the surest, and of these a user's own rule tells more than OWL."""
        rule = self.rule(step)
        return (-2.0, False) if rule is None else (-rule[1], rule[0] in REASON)

    def rule(self, step: Step) -> tuple[str, float] | None:
        """Name the rule of a fact and how sure it is; None if it was stated."""
        if not any(self._rules):
            return None
        rows = self._of(step[0])
        same = (self._graph.triples[rows] == step).all(axis=1)
        rules = [self._rules[origin] for origin in self._graph.origin[rows][same]]
        return None if not rules or None in rules else rules[0]

    def _between(self, head: int, tail: int) -> list[Step]:
        rows = self._graph.triples[self._of(head)]
        return [(h, r, t) for h, r, t in rows[rows[:, 2] == tail].tolist()]

    def _of(self, head: int) -> slice:
        return slice(*np.searchsorted(self._heads, [head, head + 1]))


class Answer(list[Hit]):
    """Hits, best first; `candidates` entities might answer, `anchors` were recognised.

    `understood` says in a line each how what is not wanted and what is preferred was taken.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        candidates: int,
        anchors: Sequence[str],
        question: Question | None = None,
        exhibit: Exhibit | None = None,
        understood: Sequence[str] = (),
    ) -> None:
        super().__init__(hits)
        self.candidates = candidates
        self.anchors = list(anchors)
        self.question, self.exhibit = question, exhibit
        self.understood = list(understood)

    def _repr_html_(self) -> str:
        """Cards, as notebooks show them."""
        from pipelines.search.cards import shown_answer

        return shown_answer(self)

    def counted(self) -> str:
        """How many of the entities that may answer are among the hits, in words."""
        if not self.candidates:
            return "nothing found: no entity of the graph may answer under this constraint"
        if len(self) < self.candidates:
            return f"{len(self)} of {self.candidates:,} entities that may answer"
        return f"all {self.candidates:,} entities that may answer"


def plain_words(text: str) -> list[str]:
    """Lower-case words of a text, punctuation and a leading article taken off."""
    words = re.findall(r"\w+(?:['-]\w+)*", text.lower())
    return words[1:] if len(words) > 1 and words[0] in ("a", "an", "the", "some") else words


def singulars(words: Sequence[str]) -> list[str]:
    """A name as it stands, and with a plural s taken off its last word."""
    phrase = " ".join(words)
    return [phrase, phrase[:-1]] if words and len(words[-1]) > 3 and phrase.endswith("s") else [phrase]


def recognised_names(graph: KnowledgeGraph, vocabulary: Vocabulary) -> dict[str, list[int]]:
    """Entities by each of their names as `plain_words` spells it, plurals in the singular as well.

    Names of stop words alone are left out.
    """
    names: dict[str, dict[int, None]] = {}
    literals = graph.literals
    is_name = {
        iri: vocabulary.has("label", iri) or vocabulary.has("alt_label", iri)
        for iri in literals["predicate"].unique().to_pylist()
    }
    for entity, predicate, value in zip(
        *(literals[name].to_pylist() for name in ("entity", "predicate", "value")), strict=True
    ):
        if is_name[predicate] and len(value) <= 100:
            words = plain_words(value)
            if not STOP_WORDS.issuperset(words):
                for spelling in singulars(words):
                    names.setdefault(spelling, {})[entity] = None
    return {name: list(ids) for name, ids in names.items()}


def walked(path: Sequence[Fact], end: str) -> list[tuple[str, str, bool, str]]:
    """A chain of facts as it is walked to `end`: from, relation, whether along the fact, to."""
    steps, here = [], end
    for head, relation, tail in reversed(path):
        forward = tail == here
        before = head if forward else tail
        steps.append((before, relation, forward, here))
        here = before
    return steps[::-1]


def readable_path(
    path: Sequence[tuple[str, str, str]],
    end: str,
    names: Mapping[str, str],
    rules: Sequence[tuple[str, float] | None] = (),
) -> str:
    """Write a chain of facts in one line, as ``penguin -broader-> bird <-about- A toucan``.

    Args:
        path: facts from the anchor to the hit, each head, relation, tail as stated.
        end: IRI of the hit, where the path ends.
        names: label by IRI; an IRI without one is shown as it is.
        rules: of each fact the rule that inferred it, shown as ``-kin (by uncle, 0.8)->``; None if stated.
    """
    steps = zip(walked(path, end), rules or [None] * len(path), strict=True)
    text = names.get(end, end)
    for (before, relation, forward, _), rule in reversed(list(steps)):
        by = "" if rule is None else f" (by {rule[0]}, {rule[1]:g})"
        short = names.get(relation, last_word(relation)) + by
        text = f"{names.get(before, before)} {f'-{short}->' if forward else f'<-{short}-'} {text}"
    return text if path else ""


def last_word(iri: str) -> str:
    """What stands behind the last slash or hash of an IRI."""
    return re.split(r"[/#]", iri.rstrip("/#"))[-1]


def why(hit: Hit, anchors: Sequence[str]) -> str:
    """What stands in place of a chain of facts where a hit has none."""
    if hit.anchor:
        return "named or shown in the question"
    return "no short chain of facts" if anchors else "similar only: the question names nothing"
