"""Path rules: applied to facts as evidence for a missing one, and shown as its reason; see kg.rule_mining.

A rule says ``r(x, y)`` where a path of one to three facts leads from x to y. Confidence is that under the
partial completeness assumption (AMIE, 10.1145/2488388.2488425), with a prior count against small numbers;
rules that agree are joined by noisy-or. No rule becomes a fact by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kg.walks import Ids, Mask, Paths, Small, Steps, parts_by_cost, sorted_unique

if TYPE_CHECKING:
    import scipy.sparse

CHUNK = 1 << 20  # walks held at a time, for each thread

Fact = tuple[int, int, int]
"""One fact as it stands in the graph: head, relation, tail."""


@dataclass(frozen=True)
class Mining:
    """What mining looks at.

    Attributes:
        length: Most facts in a body.
        hub_degree: Entities with more steps than this are not walked through.
        min_support: Least number of facts that a rule must explain.
        min_confidence: Least confidence.
        prior_count: Bodies that are counted as failures in advance.
        max_paths: Walks in all. Relations share them evenly, each direction alone, and those that need fewer
            leave the rest to the others; heads are drawn at random until the share is spent.
        max_head_paths: Walks from one head, which else are shorter; when rules are applied, too.
        seed: Of the draws.
        threads: How many relations are mined at a time.
    """

    length: int = 3
    hub_degree: int = 100
    min_support: int = 2
    min_confidence: float = 0.005
    prior_count: float = 5.0
    max_paths: float = 3e8
    max_head_paths: float = 5e5
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 3:
            raise ValueError(f"expected bodies of 1 to 3 facts (got {self.length})")
        limits = (self.hub_degree, self.min_support, self.prior_count, self.max_paths, self.max_head_paths)
        if min(*limits, self.threads) <= 0:
            raise ValueError(f"expected positive limits (got {self})")


@dataclass(frozen=True)
class Rule:
    """``relation(x, y)``, or ``relation(y, x)`` if `inverse`, where the body leads from x to y.

    The body is a chain of relations, each walked from head to tail or, inverse, from tail to head.
    """

    relation: int
    inverse: bool
    body: tuple[tuple[int, bool], ...]
    support: int
    confidence: float

    def text(self, names: Sequence[str]) -> str:
        """As people write it: ``bornIn <- livesIn . cityOf^-1 (support 40, confidence 0.80)``."""
        head, *body = (
            names[relation] + ("^-1" if inverse else "")
            for relation, inverse in ((self.relation, self.inverse), *self.body)
        )
        return f"{head} <- {' . '.join(body)} (support {self.support}, confidence {self.confidence:.2f})"


@dataclass(frozen=True)
class Reason:
    """A rule that fires, and the chain of facts by which it does."""

    rule: Rule
    path: tuple[Fact, ...]


@dataclass(frozen=True)
class Rules:
    """Rules over the facts that they are applied to.

    Shapes: ``relation (m,)`` directed: ``r + num_relations`` asks for heads of ``r``; ``body (m, 3)``
    directed, -1 after the last; ``support (m,) int64``, ``confidence (m,) float64``; sorted by relation
    and code of the body.
    """

    steps: Steps
    mining: Mining
    relation: Ids
    body: Ids
    support: Ids
    confidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.relation)

    def rule(self, place: int) -> Rule:
        """One rule as an object."""
        count = self.steps.num_relations
        relation, body = int(self.relation[place]), self.body[place].tolist()
        return Rule(
            relation=relation % count,
            inverse=relation >= count,
            body=tuple((step % count, step >= count) for step in body if step >= 0),
            support=int(self.support[place]),
            confidence=float(self.confidence[place]),
        )

    def table(self, names: Sequence[str]) -> list[str]:
        """All rules as readable text, the surest of each relation first."""
        order = np.lexsort((-self.support, -self.confidence, self.relation))
        return [self.rule(place).text(names) for place in order.tolist()]

    def over(self, triples: Ids, num_entities: int) -> Rules:
        """The same rules applied to other facts."""
        steps = Steps(triples, num_entities, self.steps.num_relations)
        return Rules(steps, self.mining, self.relation, self.body, self.support, self.confidence)

    def renumbered(self, place: Ids, num_relations: int) -> Rules:
        """The same rules where relation ``r`` has become ``place[r]`` of so many; over no facts."""
        old = self.steps.num_relations
        directed = np.concatenate([place, place + num_relations])
        steps = Steps(np.empty((0, 3), np.int64), 0, num_relations)
        relation = directed[self.relation]
        body = np.where(self.body >= 0, directed[self.body], -1)
        order = np.lexsort((steps.codes(body), relation)) if old else np.empty(0, np.int64)
        return Rules(
            steps, self.mining, relation[order], body[order], self.support[order], self.confidence[order]
        )

    def evidence(self, heads: Ids, relations: Ids, without: Ids | None = None) -> scipy.sparse.csr_array:
        """What the rules say of each query (head, relation, ?): noisy-or of the confidences that fire.

        Args:
            heads: ``(b,)``.
            relations: ``(b,)`` directed.
            without: ``(b,)`` the tail of each query's own fact, which is not walked then, as if it were
                not known; -1 for none.

        Shapes: ``(b, num_entities) float64``, a zero where no rule fires.
        """
        import scipy.sparse

        away = np.full(len(heads), -1) if without is None else without
        asked, query = np.unique(np.stack([heads, relations, away], 1), axis=0, return_inverse=True)
        heads, relations, away = asked.T
        reach, work = self._reach(heads), []
        for length in range(1, self.mining.length + 1):
            rows = np.flatnonzero(reach == length)
            cost = self._numbers[length - 1][heads[rows]]
            work += [(rows[part], length) for part in parts_by_cost(cost, CHUNK)]

        def sure(part: tuple[Ids, int]) -> tuple[Ids, Ids, NDArray[np.float64]]:
            rows, length = part
            row, end, value = self._sure(heads[rows], relations[rows], away[rows], length)
            return rows[row], end, value

        with ThreadPoolExecutor(max_workers=self.mining.threads) as pool:
            found = list(pool.map(sure, work)) or [(away[:0], away[:0], np.empty(0))]
        row, end, value = (np.concatenate(column) for column in zip(*found, strict=True))
        shape = (len(heads), self.steps.num_entities)
        return scipy.sparse.csr_array((value, (row, end)), shape)[query.reshape(-1)]

    def reasons(self, head: int, relation: int, tail: int, most: int = 3) -> list[Reason]:
        """The surest rules that lead from head to tail, each with its chain of facts of the smallest ids."""
        asked = np.array([head]), np.array([relation])
        found: dict[int, tuple[Fact, ...]] = {}
        for paths in self._walks(*asked, np.array([tail]), int(self._reach(asked[0])[0])):
            paths = paths.take(paths.end == tail)
            rule, fires = self._places(np.zeros(len(paths.row), np.int64) + relation, paths.code)
            paths, rule = paths.take(fires), rule[fires]
            for place in np.lexsort(np.stack([*paths.via[::-1], rule])).tolist():
                between = [int(via[place]) for via in paths.via]
                found.setdefault(int(rule[place]), self._facts([head, *between, tail], int(rule[place])))
        best = sorted(found, key=lambda place: (-self.confidence[place], -self.support[place], place))
        return [Reason(self.rule(place), found[place]) for place in best[:most]]

    def save(self, path: Path) -> None:
        """Write the rules, not the facts, as Parquet."""
        import json
        from dataclasses import asdict

        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: getattr(self, name) for name in ("relation", "support", "confidence")}
        columns |= {f"body{place}": self.body[:, place] for place in range(3)}
        about = {"mining": json.dumps(asdict(self.mining)), "num_relations": str(self.steps.num_relations)}
        pq.write_table(pa.table(columns).replace_schema_metadata(about), path)

    @classmethod
    def load(cls, path: Path, triples: Ids, num_entities: int) -> Rules:
        """Read rules, to be applied to facts ``(t, 3)``.

        Raises:
            ValueError: if the file does not hold rules.
        """
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
            about = table.schema.metadata
            steps = Steps(triples, num_entities, int(about[b"num_relations"]))
            columns = {name: table[name].to_numpy() for name in ("relation", "support", "confidence")}
            body = np.stack([table[f"body{place}"].to_numpy() for place in range(3)], axis=1)
            return cls(steps, Mining(**json.loads(about[b"mining"])), body=body, **columns)
        except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
            raise ValueError(f"{path}: expected mined rules ({error})") from error

    @cached_property
    def _keys(self) -> Ids:
        return (self.relation << (3 * self.steps.bits)) | self.steps.codes(self.body)

    @cached_property
    def _prefixes(self) -> Ids:
        """Relation and code of every beginning of a body, whole ones included, sorted."""
        bits = self.steps.bits
        high = (self._keys >> (3 * bits)) << (3 * bits)
        low = [self._keys & ((1 << (bits * size)) - 1) for size in (1, 2, 3)]
        return sorted_unique(np.concatenate([high | part for part in low]))

    def _places(self, relations: Ids, codes: Ids) -> tuple[Ids, Mask]:
        """Which rule a body of a relation is, and whether it is one."""
        return lookup(self._keys, (relations << (3 * self.steps.bits)) | codes)

    def _walks(self, heads: Ids, relations: Ids, without: Ids, length: int) -> list[Paths]:
        """Paths of the queries along beginnings of rules; a query's own fact is not walked."""
        high = relations << (3 * self.steps.bits)

        def keep(row: Small, code: Ids) -> Mask:
            return lookup(self._prefixes, high[row] | code)[1]

        if not len(self):
            return []
        own = relations, without
        return list(self.steps.walk(heads, length, self.mining.hub_degree, keep, own))

    def _sure(
        self, heads: Ids, relations: Ids, without: Ids, length: int
    ) -> tuple[Ids, Ids, NDArray[np.float64]]:
        """Query, end and noisy-or of the rules that fire, each of which counts once."""
        pairs, doubts = [np.empty(0, np.int64)], [np.empty(0)]
        for paths in self._walks(heads, relations, without, length):
            rule, fires = self._places(relations[paths.row], paths.code)
            pair, rule = distinct(pairs_of_paths(paths, self.steps.num_entities)[fires], rule[fires])
            pairs.append(pair)
            doubts.append(np.log1p(-self.confidence[rule]))
        pair = np.concatenate(pairs)
        order = np.argsort(pair, kind="stable")
        pair, doubt = pair[order], np.concatenate(doubts)[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        sure = -np.expm1(np.add.reduceat(doubt, first)) if len(first) else doubt
        return *np.divmod(pair[first], max(self.steps.num_entities, 1)), sure

    def _reach(self, heads: Ids) -> Ids:
        return reach_of(self._numbers, heads, self.mining.max_head_paths)

    @cached_property
    def _numbers(self) -> list[NDArray[np.float64]]:
        return self.steps.numbers(self.mining.length, self.mining.hub_degree)

    def _facts(self, chain: list[int], place: int) -> tuple[Fact, ...]:
        """The facts of a chain of entities along a rule's body, as they stand in the graph."""
        return tuple(
            (there, relation, here) if inverse else (here, relation, there)
            for here, there, (relation, inverse) in zip(chain, chain[1:], self.rule(place).body, strict=False)
        )


def pairs_of_paths(paths: Paths, num_entities: int) -> Ids:
    """Start's row and end of each path as one integer."""
    return np.asarray(paths.row.astype(np.int64) * num_entities + paths.end, dtype=np.int64)


def reach_of(numbers: list[NDArray[np.float64]], entities: Ids, most: float) -> Ids:
    """How many steps may be taken from each entity so that it has at most so many walks; 1 at least."""
    return np.maximum(1, sum((number[entities] <= most).astype(np.int64) for number in numbers))


def distinct(pair: Ids, code: Ids) -> tuple[Ids, Ids]:
    """Each pair and code once, sorted by pair."""
    if not len(pair):
        return pair, code
    bits = int(code.max()).bit_length()
    low = int(pair.min())
    if int(pair.max() - low).bit_length() + bits > 63:
        order = np.lexsort((code, pair))
        pair, code = pair[order], code[order]
        first = (np.diff(pair, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)
        return pair[first], code[first]
    keys = sorted_unique(((pair - low) << bits) | code)
    return (keys >> bits) + low, keys & ((1 << bits) - 1)


def lookup(ordered: Ids, wanted: Ids) -> tuple[Ids, Mask]:
    """Where each value stands in a sorted list, and whether it is there."""
    place = np.searchsorted(ordered, wanted)
    place[place == len(ordered)] = 0
    found = ordered[place] == wanted if len(ordered) else np.zeros(len(wanted), dtype=bool)
    return place, found
