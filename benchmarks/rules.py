"""Mining path rules of a made-up graph of a million facts: time and memory against fixed limits.

python -m benchmarks.rules [--quick]

Entities have a kind, relations lead from one kind to another, and how often an entity or a relation is met
falls with its place, as in graphs that people keep. A tenth of the facts follow from a chain of two others,
so that there is something to find: each of those chains must be among the rules.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks import measure
from kg.rule_mining import mine
from kg.rules import Mining, Rules
from kg.walks import Ids

FACTS, THREADS, KINDS = 1_000_000, 2, 20


def skewed(random: np.random.Generator, size: int, count: int, power: float) -> Ids:
    """Numbers below `size`, the first ones more often than the later ones."""
    weight = np.arange(1, size + 1) ** -power
    return np.searchsorted(np.cumsum(weight / weight.sum()), random.random(count)).clip(max=size - 1)


def made_up(count: int, seed: int = 0) -> tuple[Ids, int, int, list[tuple[int, tuple[int, int]]]]:
    """Facts, numbers of entities and relations, and the planted rules: relation and body."""
    random = np.random.default_rng(seed)
    num_entities, num_relations = max(count // 5, 100), 200
    relation = skewed(random, num_relations, count * 9 // 10, 0.8)
    kinds = random.integers(0, KINDS, (2, num_relations))
    kinds[0, 1::2] = kinds[1, 0::2]  # each second relation goes on where the one before it ends
    each = num_entities // KINDS
    ends = [kind[relation] * each + skewed(random, each, len(relation), 0.6) for kind in kinds]
    facts = np.stack([ends[0], relation, ends[1]], axis=1)
    chains, planted = [], []
    for number in range(10):
        first, second = 2 * number, 2 * number + 1
        left, right = facts[facts[:, 1] == first], facts[facts[:, 1] == second]
        right = right[np.unique(right[:, 0], return_index=True)[1]]
        place = np.searchsorted(right[:, 0], left[:, 2]).clip(max=len(right) - 1)
        known = right[place, 0] == left[:, 2]
        made = np.full(known.sum(), num_relations + number)
        chains.append(np.stack([left[known, 0], made, right[place[known], 2]], 1)[: count // 100])
        planted.append((num_relations + number, (first, second)))
    return np.concatenate([facts, *chains]), num_entities, num_relations + 10, planted


def missed(rules: Rules, planted: list[tuple[int, tuple[int, int]]]) -> int:
    """How many of the planted rules were not found."""
    known = {(int(r), *body) for r, body in zip(rules.relation, rules.body[:, :2].tolist(), strict=True)}
    return sum((relation, *body) not in known for relation, body in planted)


def part(count: int) -> None:
    """What the child does: make the facts, mine them, say what it took."""
    facts, num_entities, num_relations, planted = made_up(count)
    degree = np.bincount(facts[:, [0, 2]].reshape(-1))
    start = time.perf_counter()
    rules = mine(facts, num_entities, num_relations, Mining(threads=THREADS))
    took = time.perf_counter() - start
    about = {"facts": len(facts), "entities": num_entities, "rules": len(rules), "degree": int(degree.max())}
    print(json.dumps(about | {"s": took, "peak": measure.peak_bytes(), "missed": missed(rules, planted)}))


def main() -> int:
    """Measure, report."""
    parser = measure.parser("mining path rules")
    parser.set_defaults(repeats=1)
    flags = parser.parse_args()
    if flags.part:
        part(int(flags.part))
        return 0
    count = FACTS // 50 if flags.quick else FACTS
    found = [measure.child("benchmarks.rules", "--part", str(count)) for _ in range(flags.repeats)]
    if any(child["missed"] for child in found):
        raise RuntimeError(f"expected every planted rule to be found (got {found})")
    name = f"mining path rules of {count:,} facts, {THREADS} threads"
    rows = [
        measure.below(f"{name}: time", max(child["s"] for child in found), 120),
        measure.below(f"{name}: peak memory", max(child["peak"] for child in found) / 1e9, 4, unit="GB"),
    ]
    return measure.report("rules", rows, quick=flags.quick, details={"runs": found})


if __name__ == "__main__":
    sys.exit(main())
