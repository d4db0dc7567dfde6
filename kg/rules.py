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

from kg.rule import Fact, Mining, Reason, Rule
from kg.walks import (
    Ids,
    Mask,
    Paths,
    Small,
    Steps,
    distinct,
    lookup,
    pairs_of_paths,
    parts_by_cost,
    reach_of,
    sorted_unique,
)

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["Mining", "Reason", "Rule", "Rules"]

CHUNK = 1 << 20  # walks held at a time, for each thread


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
