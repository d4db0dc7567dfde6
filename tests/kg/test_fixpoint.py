"""Fixed points worked by hand: what follows, by which rule, how sure, and rules without an end."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from kg import fixpoint
from kg.closure import ReasoningError
from kg.construct import Rule
from kg.fixpoint import Follower

HEAD = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
PREFIXES = {"": "urn:"}
Inferred = list[tuple[str, str, str, str]]


def inferred(
    text: str, *rules: Rule, profile: str = "none", unseen: tuple[str, ...] = (), most: int = 1_000
) -> Inferred:
    """What follows, as head, relation, tail and RULE/CONFIDENCE, by their last parts."""
    store = ox.Store()
    store.load((HEAD + text).encode(), format=ox.RdfFormat.TRIG)
    follower = Follower(store, PREFIXES, unseen, most, lambda step: None)
    follower.follow(profile, rules)
    start = "urn:sensegraph:inferred/"
    return [
        (*(str(term)[5:-1] for term in quad.triple), quad.graph_name.value.removeprefix(start))  # type: ignore[misc, union-attr]
        for quad in follower.inferred
    ]


def rule(name: str, confidence: float, conclusion: str, premise: str) -> Rule:
    return Rule(name, confidence, f"CONSTRUCT {{ {conclusion} }} WHERE {{ {premise} }}")


ANCESTOR = (
    rule("parent", 0.9, "?x :ancestor ?y", "?x :parent ?y"),
    rule("further", 0.8, "?x :ancestor ?z", "?x :ancestor ?y . ?y :ancestor ?z"),
)


def test_rules_are_followed_until_nothing_is_new() -> None:
    found = inferred(":a :parent :b . :b :parent :c . :c :parent :d .", *ANCESTOR)
    pairs = {(head, tail): by for head, relation, tail, by in found if relation == "ancestor"}
    one, more = "parent/0.9", "further/0.8"
    assert pairs == {
        ("a", "b"): one, ("b", "c"): one, ("c", "d"): one,
        ("a", "c"): more, ("b", "d"): more, ("a", "d"): more,
    }  # fmt: skip
    assert len(found) == 6


def test_a_fact_is_as_sure_as_the_weakest_rule_on_its_best_way() -> None:
    rules = [
        rule("weak", 0.3, "?x :r ?y", "?x :p ?y"),
        rule("strong", 0.9, "?x :s ?y", "?x :r ?y"),
        rule("other", 0.6, "?x :s ?y", "?x :q ?y"),
    ]
    # a: only by the weak rule; b: by both ways, of which the other is the better
    found = inferred(":a :p :z . :b :p :z ; :q :z .", *rules)
    assert sorted(found) == [
        ("a", "r", "z", "weak/0.3"),
        ("a", "s", "z", "strong/0.3"),
        ("b", "r", "z", "weak/0.3"),
        ("b", "s", "z", "other/0.6"),
    ]


def test_closure_and_rules_feed_each_other() -> None:
    # a rule makes x a cat, so by the closure an animal, so by a rule it eats; by the closure that is eaten
    text = """:Cat rdfs:subClassOf :Animal . :eats owl:inverseOf :eatenBy . :x :says :meow ."""
    rules = [
        rule("voice", 0.5, "?x a :Cat", "?x :says :meow"),
        rule("food", 0.75, "?x :eats :food", "?x a :Animal"),
    ]
    found = [(head, tail, by) for head, _, tail, by in inferred(text, *rules, profile="owl")]
    assert found == [
        ("x", "Cat", "voice/0.5"),
        ("x", "Animal", "owl/0.5"),
        ("x", "food", "food/0.5"),
        ("food", "x", "owl/0.5"),
    ]


def test_what_follows_from_a_doubtful_fact_is_no_surer() -> None:
    text = ":near a owl:SymmetricProperty . :a :near :b . :b :near :c . :c :near :b ."
    store = ox.Store()
    store.load((HEAD + text).encode(), format=ox.RdfFormat.TURTLE)
    before = set(store)
    near, (a, b, c) = ox.NamedNode("urn:near"), (ox.NamedNode(f"urn:{name}") for name in "abc")
    follower = Follower(store, PREFIXES, (), 100, lambda step: None)
    rules = [rule("reach", 0.75, "?x :reaches ?z", "?x :near ?y . ?y :near ?z . FILTER(?x != ?z)")]
    # c near b is doubtful as stated, and stays so, though it follows from a sure fact
    follower.follow("owl", rules, {ox.Triple(a, near, b): 0.5, ox.Triple(c, near, b): 0.25})
    start = "urn:sensegraph:inferred/"
    found = [
        (str(quad.subject)[5:-1], str(quad.object)[5:-1], str(quad.graph_name)[1:-1].removeprefix(start))
        for quad in follower.inferred
    ]
    assert found == [("b", "a", "owl/0.5"), ("a", "c", "reach/0.5"), ("c", "a", "reach/0.25")]
    assert set(store) - set(follower.inferred) == before


def test_of_many_weights_each_counts_as_the_next_level_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixpoint, "LEVELS", 2)
    weights = [0.1, 0.2, 0.3, 0.4]
    store = ox.Store()
    facts = [ox.Triple(*(ox.NamedNode(f"urn:{n}") for n in (f"a{i}", "p", "b"))) for i in range(4)]
    store.extend(ox.Quad(one.subject, one.predicate, one.object) for one in facts)
    follower = Follower(store, PREFIXES, (), 100, lambda step: None)
    follower.follow("none", [rule("r", 1.0, "?x :q ?y", "?x :p ?y")], dict(zip(facts, weights, strict=True)))
    found = {str(quad.subject)[5:-1]: str(quad.graph_name)[1:-1] for quad in follower.inferred}
    levels = ("0.1", "0.1", "0.3", "0.3")
    assert found == {f"a{i}": f"urn:sensegraph:inferred/r/{level}" for i, level in enumerate(levels)}


def test_what_is_stated_is_never_inferred_whatever_graph_states_it() -> None:
    text = ":g { :a :parent :b } :h { :a :ancestor :b }"
    assert inferred(text, *ANCESTOR) == []


def test_what_is_unseen_is_neither_premise_nor_conclusion() -> None:
    store = ox.Store()
    store.load((HEAD + ":a :parent :b .").encode(), format=ox.RdfFormat.TURTLE)
    assert inferred(":a :parent :b .", *ANCESTOR, unseen=("urn:ancestor",)) == []


def test_literals_can_be_inferred() -> None:
    one = rule("twice", 1.0, "?x :double ?d", "?x :size ?n BIND(2 * ?n AS ?d)")
    store = ox.Store()
    store.load((HEAD + ":a :size 4 .").encode(), format=ox.RdfFormat.TURTLE)
    follower = Follower(store, PREFIXES, (), 10, lambda step: None)
    follower.follow("none", [one])
    assert [quad.object.value for quad in follower.inferred] == ["8"]  # type: ignore[union-attr]


def test_two_runs_give_the_same_in_the_same_order() -> None:
    text = " ".join(f":n{i} :parent :n{i + 1} ." for i in range(12))
    assert inferred(text, *ANCESTOR) == inferred(text, *ANCESTOR)


def test_a_rule_that_grows_without_bound_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    grows = rule("next", 1.0, "?y :parent ?x", '?x :parent ?z BIND(IRI(CONCAT(STR(?x), "x")) AS ?y)')
    monkeypatch.setattr(fixpoint, "ROUNDS", 20)
    with pytest.raises(
        ReasoningError, match=r"rule next: expected a rule .* \(got new facts after 20 rounds\)"
    ):
        inferred(":a :parent :b .", *ANCESTOR[:1], grows)
    with pytest.raises(ReasoningError, match=r"rule next: expected .* an end \(got more than 7 facts\)"):
        inferred(":a :parent :b .", grows, most=7)
    many = rule("all", 1.0, "?x :tied ?y", "?x :parent ?a . ?y :parent ?b")
    with pytest.raises(ReasoningError, match=r"rule all: .*more than 7 facts"):
        inferred(" ".join(f":n{i} :parent :b ." for i in range(3)), many, most=7)
