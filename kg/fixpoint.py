"""Closure and rules to a fixed point: all that follows, each fact as sure as the best way to it.

A way is as sure as the weakest fact and rule on it, the closure being sure, as in possibilistic logic
(Dubois, Lang, Prade 1994): so facts and rules come in level by level, the surest first, and what a level adds
has its confidence. The surest rule that finds a fact owns it; what is stated is never inferred.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import pyoxigraph as ox

from kg.closure import ReasoningError, closure
from kg.construct import Rule, constructed
from kg.inferred import inferred_graph
from kg.supplement import supplement

ROUNDS = 1_000
"""Rounds after which a rule counts as endless: chains of facts are shorter."""

LEVELS = 8
"""Weights of stated facts that are told apart; of more, each counts as the next one below."""

Say = Callable[[str], None]
"""Called with what is done next."""


class Follower:
    """Adds what follows to a store.

    Args:
        store: The stated facts; what follows is added, each rule's in a graph of its own.
        prefixes: Those that the rules may use.
        unseen: Predicates that nothing may be concluded about.
        most: Facts that a rule may add.
        say: Called with the name of what is run next.
    """

    def __init__(
        self, store: ox.Store, prefixes: Mapping[str, str], unseen: Collection[str], most: int, say: Say
    ) -> None:
        self.inferred: list[ox.Quad] = []
        self._store, self._prefixes, self._unseen, self._most, self._say = store, prefixes, unseen, most, say
        self._added: dict[str, int] = {}
        self._doubtful: Collection[ox.Triple] = ()

    def follow(
        self, profile: str, rules: Sequence[Rule], doubtful: Mapping[ox.Triple, float] | None = None
    ) -> None:
        """Follow the rules and the closure until neither adds a fact.

        Args:
            profile: none, rdfs or owl.
            rules: The user's own rules.
            doubtful: Stated facts that are not sure, with their weights in (0, 1).

        Raises:
            ReasoningError: A rule is malformed or grows without bound.
        """
        self._doubtful = doubtful or {}
        waiting = self._withheld(doubtful or {})
        levels = {1.0} | {rule.confidence for rule in rules} | waiting.keys()
        for level in sorted(levels, reverse=True):
            active = [rule for rule in rules if rule.confidence >= level]
            self._store.extend(waiting.get(level, ()))
            if level == 1 or level in waiting:
                self._close(profile, level)
            while self._saturate(active, level):
                fresh = self._close(profile, level)
                if not fresh:
                    break

    def _withheld(self, doubtful: Mapping[ox.Triple, float]) -> dict[float, list[ox.Quad]]:
        """Take doubtful facts out until their level has come."""
        steps = sorted(set(doubtful.values()))
        steps = steps[:: -(-len(steps) // LEVELS) or 1]
        waiting: dict[float, list[ox.Quad]] = {}
        for triple, weight in doubtful.items():
            quads = list(self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None))
            waiting.setdefault(steps[bisect_right(steps, weight) - 1], []).extend(quads)
            for quad in quads:
                self._store.remove(quad)
        return waiting

    def _close(self, profile: str, level: float) -> int:
        if profile == "none":
            return 0
        total, fresh = 0, -1
        while fresh:
            self._say(f"the {profile} closure")
            found = self._new(closure((quad.triple for quad in self._store), profile))
            total += self._add(found, profile, level)
            fresh = self._add(self._new(supplement(self._store, profile)), profile, level)
            total += fresh
        return total

    def _saturate(self, rules: Sequence[Rule], level: float) -> int:
        """Run the rules in turn until none adds a fact; how many were added."""
        total = 0
        for _ in range(ROUNDS):
            grown = [rule.name for rule in rules if self._run(rule, level)]
            if not grown:
                return total
            total += len(grown)
        raise ReasoningError(f"rule {grown[0]}: {_ENDLESS} (got new facts after {ROUNDS:,} rounds)")

    def _run(self, rule: Rule, level: float) -> int:
        self._say(f"rule {rule.name}")
        before = self._added.get(rule.name, 0)
        fresh: set[ox.Triple] = set()
        for triple in self._new(constructed(self._store, rule, self._prefixes)):
            fresh.add(triple)
            if before + len(fresh) > self._most:
                raise ReasoningError(f"rule {rule.name}: {_ENDLESS} (got more than {self._most:,} facts)")
        self._added[rule.name] = before + len(fresh)
        return self._add(fresh, rule.name, level)

    def _new(self, found: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
        return (one for one in found if one.predicate.value not in self._unseen and not self._known(one))

    def _add(self, new: Iterable[ox.Triple], name: str, level: float) -> int:
        """Add what is new, in an order of its own: queries give theirs by chance."""
        graph = ox.NamedNode(inferred_graph(name, level))
        quads = [
            ox.Quad(triple.subject, triple.predicate, triple.object, graph)
            for triple in sorted(set(new), key=str)
        ]
        self._store.extend(quads)
        self.inferred += quads
        return len(quads)

    def _known(self, triple: ox.Triple) -> bool:
        if triple in self._doubtful:
            return True
        known = self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
        return next(known, None) is not None


_ENDLESS = "expected a rule that comes to an end"
