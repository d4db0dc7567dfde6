"""The made-up graph holds what it promises."""

from __future__ import annotations

import numpy as np

from benchmarks.rules import made_up, missed
from kg.rule_mining import mine
from kg.rules import Mining


def test_planted_rules_are_chains_of_the_facts_and_are_missed_where_there_are_none() -> None:
    facts, num_entities, num_relations, planted = made_up(2_000)
    known = set(map(tuple, facts.tolist()))
    for relation, (first, second) in planted:
        for head, _, tail in facts[facts[:, 1] == relation].tolist():
            assert any((head, first, x) in known and (x, second, tail) in known for x in range(num_entities))
    nothing = mine(np.empty((0, 3), np.int64), num_entities, num_relations, Mining(threads=1))
    assert missed(nothing, planted) == len(planted) == 10
