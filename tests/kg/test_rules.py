"""Rules against a family written down by hand, and against plain Python that counts every path."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.rule_mining import mine
from kg.rules import Mining, Rule, Rules

BORN, LIVES, CITY = 0, 1, 2
NAMES = ["bornIn", "livesIn", "cityOf"]
# people 0-3 live in cities 4, 5 of the countries 6, 7; three were born in the country of their city
FAMILY = np.array(
    [
        (0, LIVES, 4), (1, LIVES, 4), (2, LIVES, 5), (3, LIVES, 5),
        (4, CITY, 6), (5, CITY, 7),
        (0, BORN, 6), (1, BORN, 6), (2, BORN, 7),
    ]
)  # fmt: skip
PLAIN = Mining(min_support=1, min_confidence=0, threads=1)


def family(mining: Mining = PLAIN) -> Rules:
    return mine(FAMILY, 8, 3, mining)


def rule_of(rules: Rules, relation: int, *body: tuple[int, bool], inverse: bool = False) -> Rule:
    found = [rules.rule(place) for place in range(len(rules))]
    return next(r for r in found if (r.relation, r.inverse, r.body) == (relation, inverse, body))


def test_support_and_confidence_by_hand() -> None:
    # of the three who are born somewhere, all were born in the country of their city: 3 / (3 + 5)
    rule = rule_of(family(), BORN, (LIVES, False), (CITY, False))
    assert (rule.support, rule.confidence) == (3, 3 / 8)


def test_heads_without_the_relation_do_not_count_against_a_rule_but_rejected_ones_do() -> None:
    rejected = np.array([[3, BORN, 7]])
    rule = rule_of(mine(FAMILY, 8, 3, PLAIN, rejected), BORN, (LIVES, False), (CITY, False))
    assert (rule.support, rule.confidence) == (3, 3 / 9)


def test_the_other_direction_has_a_confidence_of_its_own() -> None:
    # countries that somebody was born in: 6 is left by two bodies, 7 by two; three of them are facts
    rule = rule_of(family(), BORN, (CITY, True), (LIVES, True), inverse=True)
    assert (rule.support, rule.confidence) == (3, 3 / 9)


def test_a_rule_reads_as_people_write_it() -> None:
    rules = family(Mining(threads=1, prior_count=0.75))
    assert "bornIn <- livesIn . cityOf (support 3, confidence 0.80)" in rules.table(NAMES)
    assert "bornIn^-1 <- cityOf^-1 . livesIn^-1 (support 3, confidence 0.63)" in rules.table(NAMES)


def test_a_relation_is_no_reason_for_itself() -> None:
    rules = family()
    assert not [r for r in map(rules.rule, range(len(rules))) if r.body == ((r.relation, r.inverse),)]


def test_support_and_confidence_have_a_least() -> None:
    rules = family(Mining(min_support=3, min_confidence=0.35, threads=1))
    assert [rules.rule(place) for place in range(len(rules))] == [
        Rule(BORN, False, ((LIVES, False), (CITY, False)), 3, 3 / 8),
        Rule(LIVES, False, ((BORN, False), (CITY, True)), 3, 3 / 8),
        Rule(LIVES, True, ((CITY, False), (BORN, True)), 3, 3 / 8),
    ]


def test_evidence_reaches_the_country_of_the_one_whose_birth_is_unknown() -> None:
    rules = family(Mining(min_support=3, min_confidence=0.35, threads=1))
    scores = rules.evidence(np.array([3, 3]), np.array([BORN, LIVES])).toarray()
    np.testing.assert_allclose(scores, [[0, 0, 0, 0, 0, 0, 0, 3 / 8], [0] * 8])


def test_a_reason_is_the_chain_of_facts_that_fires() -> None:
    rules = family(Mining(threads=1))
    reason, *_ = rules.reasons(3, BORN, 7)
    assert reason.rule.body == ((LIVES, False), (CITY, False))
    assert reason.path == ((3, LIVES, 5), (5, CITY, 7))
    back, *_ = rules.reasons(7, BORN + 3, 3)
    assert back.path == ((5, CITY, 7), (3, LIVES, 5))


def test_what_no_rule_reaches_has_no_reason() -> None:
    assert family(Mining(threads=1)).reasons(3, BORN, 6, most=9) == []


def test_reasons_are_the_surest_and_no_more_than_asked_for() -> None:
    rules = family()
    found = rules.reasons(0, BORN, 6, most=9)
    sure = [reason.rule.confidence for reason in found]
    assert len(found) == 2
    assert sure == sorted(sure, reverse=True)
    assert rules.reasons(0, BORN, 6, most=1) == found[:1]
    assert all((0, BORN, 6) not in reason.path for reason in found)


def test_the_own_fact_of_a_query_is_no_first_step_to_other_answers() -> None:
    # 0 -0-> 1 -1-> 2: a rule 0 <- 0 . 1 would lead from the asked fact itself to 2
    facts = np.array([(0, 0, 1), (1, 1, 2), (0, 0, 2), (3, 0, 4), (4, 1, 5), (3, 0, 5)])
    rules = mine(facts, 6, 2, Mining(threads=1))
    asked = np.array([0]), np.array([0])
    assert rules.evidence(*asked).toarray()[0, 2] == 2 / (2 + 5)
    assert rules.evidence(*asked, np.array([1])).toarray()[0, 2] == 0
    assert rules.evidence(*asked, np.array([2])).toarray()[0, 2] == 2 / (2 + 5)


def test_rules_come_back_from_a_file(tmp_path: Path) -> None:
    rules = family()
    rules.save(tmp_path / "rules.parquet")
    back = Rules.load(tmp_path / "rules.parquet", FAMILY, 8)
    assert back.table(NAMES) == rules.table(NAMES)
    assert back.mining == rules.mining
    asked = np.arange(8), np.full(8, BORN)
    np.testing.assert_array_equal(back.evidence(*asked).toarray(), rules.evidence(*asked).toarray())


def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.parquet").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"expected mined rules \("):
        Rules.load(tmp_path / "rules.parquet", FAMILY, 8)


def test_no_facts_and_no_relations_have_no_rules() -> None:
    for num_relations in (0, 3):
        rules = mine(np.empty((0, 3), np.int64), 8, num_relations, PLAIN)
        assert (len(rules), rules.table(NAMES)) == (0, [])
    assert rules.evidence(np.array([1]), np.array([0])).toarray().tolist() == [[0.0] * 8]
    assert rules.reasons(1, 0, 2) == []
    assert rules.evidence(np.empty(0, np.int64), np.empty(0, np.int64)).shape == (0, 8)


def test_rules_apply_to_other_facts() -> None:
    rules = family(Mining(min_support=3, min_confidence=0.35, threads=1))
    grown = np.concatenate([FAMILY, [(8, LIVES, 4)]])
    assert rules.over(grown, 9).evidence(np.array([8]), np.array([BORN])).toarray()[0, 6] == 3 / 8


def test_rules_say_the_same_where_relations_have_other_numbers(tmp_path: Path) -> None:
    place, names = np.array([3, 1, 2]), ["actsIn", "livesIn", "cityOf", "bornIn"]
    moved = family().renumbered(place, 4)
    assert sorted(moved.table(names)) == sorted(family().table(NAMES))
    moved.save(tmp_path / "rules.parquet")
    facts = np.stack([FAMILY[:, 0], place[FAMILY[:, 1]], FAMILY[:, 2]], axis=1)
    again = Rules.load(tmp_path / "rules.parquet", facts, 8)
    head = np.array([3])
    found = again.evidence(head, place[[BORN]]).toarray()
    np.testing.assert_allclose(found, family().evidence(head, np.array([BORN])).toarray())
    assert found.any()


def test_a_few_walks_are_enough_to_find_a_rule_that_always_holds() -> None:
    rng = np.random.default_rng(0)
    tails = rng.integers(100, 140, 100)
    facts = np.concatenate([np.stack([np.arange(100), np.full(100, r), tails], 1) for r in (0, 1)])
    few = mine(facts, 140, 2, Mining(max_paths=1600, threads=1))
    rule = rule_of(few, 0, (1, False))
    assert 2 <= rule.support < 100
    assert rule.confidence == rule.support / (rule.support + 5)


def test_limits_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected bodies of 1 to 3 facts \(got 4\)"):
        Mining(length=4)
    with pytest.raises(ValueError, match="expected positive limits"):
        Mining(prior_count=0)


Facts = list[tuple[int, int, int]]
Body = tuple[int, ...]


def all_paths(facts: Facts, start: int, without: tuple[int, int] | None = None) -> set[tuple[Body, int]]:
    """Body and end of each simple path of up to three facts."""
    ties = defaultdict(list)
    for head, relation, tail in set(facts):
        ties[head].append((relation, tail))
        ties[tail].append((relation + 2, head))
    found: set[tuple[Body, int]] = set()
    stack: list[tuple[Body, tuple[int, ...]]] = [((), (start,))]
    while stack:
        body, nodes = stack.pop()
        if body:
            found.add((body, nodes[-1]))
        if len(body) < 3:
            for step in ties[nodes[-1]]:
                if step[1] not in nodes and not (not body and step == without):
                    stack.append(((*body, step[0]), (*nodes, step[1])))
    return found


def counted(facts: Facts) -> dict[tuple[int, Body], tuple[int, int]]:
    """Support and number of bodies of each rule of a directed relation."""
    both = {fact for h, r, t in facts if h != t for fact in ((h, r, t), (t, r + 2, h))}
    support: dict[tuple[int, Body], int] = defaultdict(int)
    bodies: dict[tuple[int, Body], int] = defaultdict(int)
    for head, relation in {fact[:2] for fact in both}:
        for body, end in all_paths(facts, head):
            bodies[relation, body] += 1
            support[relation, body] += (head, relation, end) in both
    return {
        key: (support[key], count) for key, count in bodies.items() if support[key] and key[1] != (key[0],)
    }


FACTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=16)


@settings(max_examples=60, deadline=None)
@given(FACTS)
def test_mining_agrees_with_counting_every_path(facts: Facts) -> None:
    rules = mine(np.array(facts), 7, 2, PLAIN)
    found = {
        (int(relation), tuple(step for step in body if step >= 0)): (int(support), float(sure))
        for relation, body, support, sure in zip(
            rules.relation, rules.body.tolist(), rules.support, rules.confidence, strict=True
        )
    }
    expected = {key: (support, support / (count + 5)) for key, (support, count) in counted(facts).items()}
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(FACTS, st.data())
def test_evidence_agrees_with_trying_every_path(facts: Facts, data: st.DataObject) -> None:
    rules = mine(np.array(facts), 7, 2, PLAIN)
    sure = {key: support / (count + 5) for key, (support, count) in counted(facts).items()}
    heads = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=5))
    relations = [data.draw(st.integers(0, 3)) for _ in heads]
    without = [data.draw(st.integers(-1, 6)) for _ in heads]
    expected = np.zeros((len(heads), 7))
    for row, (head, relation, own) in enumerate(zip(heads, relations, without, strict=True)):
        doubt = np.ones(7)
        for body, end in all_paths(facts, head, (relation, own)):
            doubt[end] *= 1 - sure.get((relation, body), 0.0)
        expected[row] = 1 - doubt
    got = rules.evidence(np.array(heads), np.array(relations), np.array(without)).toarray()
    np.testing.assert_allclose(got, expected, atol=1e-12)
