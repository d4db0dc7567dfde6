"""Who may answer, what is preferred: on random graphs and constraints the answer is that of brute force."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rdflib
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.inferred import inferred_graph
from kg.rdf import read
from kg.sparql import ConstraintError, Facts
from pipelines.search.constraint import preferences, things
from pipelines.search.question import JOINT, PREFERS, QueryError
from pipelines.search.retrieval import Searcher
from pipelines.search.scoring import Scorer, Terms
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.search.explain import Answer

EX = "http://example.org/"
NAMESPACES = {
    "ex": EX,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "https://schema.org/",
}
ITEMS = [f"ex:e{number}" for number in range(7)]
KINDS = [f"ex:k{number}" for number in range(4)]
# what is of a kind, as a property path: the oracle of what "not" leaves out by the facts
OF_KIND = "schema:about?/(rdf:type|schema:category)?/(rdfs:subClassOf|skos:broader)*"

item, kind = st.sampled_from(ITEMS), st.sampled_from(KINDS)
kind_fact = st.tuples(item, st.sampled_from(["rdf:type", "schema:about", "schema:category"]), kind)
fact = st.one_of(
    st.tuples(item, st.sampled_from(["ex:p", "ex:q"]), item),
    kind_fact,
    st.tuples(item, st.just("schema:about"), item),
    st.tuples(kind, st.sampled_from(["rdfs:subClassOf", "skos:broader"]), kind),
    st.tuples(item, st.just("ex:n"), st.integers(0, 9).map(str)),
)
pattern_atom = st.one_of(
    kind.map("?x a {}".format),
    kind.map("?x schema:about?/rdf:type?/rdfs:subClassOf* {} .".format),
    item.map("?x ex:p+ {}".format),
    item.map("?x (ex:p|^ex:q)/ex:p? {}".format),
    item.map("?x !(ex:p|rdf:type) {}".format),
    st.integers(0, 9).map("?x ex:n ?n FILTER(?n > {})".format),
    st.lists(item, max_size=3).map(lambda items: f"VALUES ?x {{ {' '.join(items)} ex:nobody }}"),
    st.sampled_from(
        ["?x ex:p ?y", "?x ex:p/ex:q ?y", "?x ?any ?thing", "?z ex:p ?x", "?x a ?t FILTER(1 = 2)"]
    ),
)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Two patterns in every way that SPARQL has of putting them together."""
    return st.tuples(
        parts,
        parts,
        st.sampled_from(
            [
                "{{ {0} }} {{ {1} }}",
                "{{ {0} }} UNION {{ {1} }}",
                "{{ {0} }} MINUS {{ {1} }}",
                "{{ {0} }} FILTER NOT EXISTS {{ {1} }}",
                "{{ {0} }} FILTER EXISTS {{ {1} }}",
                "{{ SELECT ?x {{ {0} }} }} OPTIONAL {{ ?x ex:p ?o }}",
            ]
        ),
    ).map(lambda drawn: drawn[2].format(drawn[0], drawn[1]))


pattern = st.recursive(pattern_atom, joined, max_leaves=3)


@dataclass(frozen=True)
class World:
    """A graph in our terms and in rdflib's, and scores drawn at random."""

    searcher: Searcher
    oracle: dict[bool, rdflib.Graph]
    scores: torch.Tensor

    @property
    def graph(self) -> KnowledgeGraph:
        return self.searcher.store.graph

    def ids(self, where: str, inferred: bool) -> set[int]:
        """What rdflib answers."""
        query = where if where.startswith("SELECT") else f"SELECT DISTINCT ?x WHERE {{ {where} }}"
        rows = self.oracle[inferred].query(query, initNs=NAMESPACES)
        found = self.graph.entity_ids([str(row[0]) for row in rows])  # type: ignore[index]
        return set(found.tolist()) - {-1}


class RandomScorer(Scorer):
    """Similarities that were drawn beforehand, a row for each entity that is asked by; many are equal."""

    def __init__(self, store: Any, scores: torch.Tensor) -> None:
        super().__init__(store)
        self.scores = scores

    def similar(self, asked: Any) -> list[Terms]:
        nothing = torch.zeros(len(self.scores))
        return [Terms({JOINT: self.scores[one.entity]}, nothing, frozenset(), one.weights) for one in asked]


def nquads(stated: list[Any], inferred: list[Any]) -> str:
    def term(name: str) -> str:
        prefix, colon, local = name.partition(":")
        number = f'"{name}"^^<http://www.w3.org/2001/XMLSchema#integer>'
        return f"<{NAMESPACES[prefix]}{local}>" if colon else number

    named = [f'{term(one)} {term("rdfs:label")} "{one[3:]}" .' for one in KINDS]
    facts = [(*one, "") for one in stated] + [(*one, f"<{inferred_graph('owl', 1)}> ") for one in inferred]
    return (
        "\n".join([*named, *(f"{term(h)} {term(r)} {term(t)} {graph}." for h, r, t, graph in facts)]) + "\n"
    )


@st.composite
def drawn_facts(draw: st.DrawFn) -> tuple[str, str]:
    """The same facts as N-Quads: what was stated, and all of it."""
    stated = draw(st.lists(fact, min_size=4, max_size=24)) + [(one, "ex:there", "ex:e0") for one in ITEMS]
    inferred = draw(st.lists(st.one_of(fact, kind_fact), min_size=3, max_size=8))
    return nquads(stated, []), nquads(stated, [one for one in inferred if one not in stated])


def world(facts: tuple[str, str], seed: int, folder: Path) -> World:
    (folder / "facts.nq").write_text(facts[1])
    graph, _ = read([folder / "facts.nq"], facts=folder / "rdf")
    oracle = {}
    for inferred, text in enumerate(facts):
        dataset = rdflib.Dataset(default_union=True).parse(data=text, format="nquads")
        oracle[bool(inferred)] = rdflib.Graph()
        for head, relation, tail, _ in dataset.quads():
            oracle[bool(inferred)].add((head, relation, tail))
    store: Any = SimpleNamespace(
        graph=replace(graph, prefixes=NAMESPACES),
        facts=Facts.open(folder / "rdf", NAMESPACES),
        settings=Settings(),
        manifest={"encoders": {}},
        media_root=None,
    )
    size = graph.num_entities
    scores = torch.randint(0, 5, (size, size), generator=torch.Generator().manual_seed(seed)) / 4
    searcher = Searcher(store)
    vars(searcher)["scorer"] = RandomScorer(store, scores)
    return World(searcher, oracle, scores)


def brute_force(
    asked: World, entity: int, ids: set[int], added: torch.Tensor, k: int
) -> list[tuple[int, float]]:
    """Score all entities, keep the allowed ones, sort, take k: of equal ones the smaller id."""
    score = asked.scores[entity] + added
    order = sorted(ids - {entity}, key=lambda one: (-float(score[one]), one))
    return [(one, float(score[one])) for one in order[:k]]


def told(asked: World, answer: Answer) -> list[tuple[int, float]]:
    return [(asked.graph.entity_id(hit.entity), hit.score) for hit in answer]


@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    facts=drawn_facts(),
    seed=st.integers(0, 2**31),
    where=st.one_of(st.none(), pattern),
    soft=st.dictionaries(pattern, st.sampled_from([-1.5, -0.25, 0.25, 1.0]), max_size=3),
    unwanted=st.lists(st.one_of(kind, kind, item), max_size=2),
    by_name=st.booleans(),
    inferred=st.booleans(),
    k=st.integers(1, 14),
)
def test_the_answer_is_that_of_brute_force_for_every_graph_constraint_preference_not_and_k(
    facts: tuple[str, str],
    seed: int,
    where: str | None,
    soft: dict[str, float],
    unwanted: list[str],
    by_name: bool,
    inferred: bool,
    k: int,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asked = world(facts, seed, Path(folder))
        entity = asked.graph.entity_id(EX + "e0")
        everyone = set(things(asked.graph, asked.searcher.vocabulary).tolist())
        ids = everyone if where is None else asked.ids(where, inferred)
        added = torch.zeros(asked.graph.num_entities)
        for text, weight in soft.items():
            added[sorted(asked.ids(text, inferred))] += weight
        nots: dict[str, list[str]] = {"not_entity": [], "not_text": []}
        for one in unwanted:
            (root,) = asked.graph.entity_ids([EX + one[3:]]).tolist()
            if root < 0:
                continue
            gone = asked.ids(f"?x {OF_KIND} {one}", inferred) | {root}
            ids = ids - gone
            if gone == {root}:
                similar = asked.scores[root]
                added -= (similar - similar.mean()).clamp(min=0)
            called = by_name and one in KINDS and gone != {root}
            nots["not_text" if called else "not_entity"].append(f"any {one[3:]}" if called else one)
        answer = asked.searcher.search(
            entity="ex:e0", where=where, prefer=soft, **nots, inferred=inferred, k=k
        )
        expected = brute_force(asked, entity, ids, added, k)
        got = told(asked, answer)
        assert [one for one, _ in got] == [one for one, _ in expected]
        assert [score for _, score in got] == pytest.approx([score for _, score in expected], abs=1e-5)
        assert answer.candidates == len(ids - {entity})


def test_recall_under_a_constraint_is_whole_for_every_number_of_entities_that_it_leaves(
    searcher: Searcher, collection: Any
) -> None:
    whole = {hit.entity: hit for hit in searcher.search("a wolf", k=100)}
    order, drawn = list(whole), np.random.default_rng(0)
    for size in range(len(collection.items) + 1):
        some = set(drawn.choice(collection.items, size, replace=False).tolist())
        answer = searcher.search(
            "a wolf", where=f"VALUES ?x {{ {' '.join(f'<{one}>' for one in some)} }}", k=7
        )
        assert list(answer) == [whole[one] for one in order if one in some][:7]
        assert answer.candidates == size


def test_a_preference_may_lift_the_last_of_all_to_the_first_place(
    searcher: Searcher, collection: Any
) -> None:
    last = searcher.search("a steam locomotive", k=100)[-1]
    preferred = searcher.search("a steam locomotive", prefer={f"VALUES ?x {{ <{last.entity}> }}": 9}, k=1)[0]
    assert preferred.entity == last.entity
    assert preferred.score == pytest.approx(last.score + 9, abs=1e-5)
    assert preferred.modalities == {**last.modalities, PREFERS: 9.0}


def test_preferences_add_up_and_a_negative_one_takes_away(searcher: Searcher, collection: Any) -> None:
    soft = {"?x schema:audio ?s": 0.5, "?x schema:about/skos:broader ex:animal": -2.0, "?x a ex:Nothing": 7.0}
    plain = {hit.entity: hit.score for hit in searcher.search("a drum", k=100)}
    answer = searcher.search("a drum", prefer=soft, k=100)
    assert len(answer) == len(plain)
    for hit in answer:
        name = hit.entity.removeprefix(collection.iri(""))[:-1]
        gained = 0.5 * (name in ("train", "cat", "wolf", "violin", "drum")) - 2 * (name in ("cat", "wolf"))
        assert hit.score == pytest.approx(plain[hit.entity] + gained, abs=1e-5)
        assert hit.modalities.get(PREFERS, 0.0) == pytest.approx(gained)
    assert answer.understood[2] == "prefers: ?x a ex:Nothing (+7, 0 of 31 entities)"


def test_a_preference_sees_what_follows_only_if_it_may(tmp_path: Path) -> None:
    stated = [("ex:e1", "ex:p", "ex:e2")]
    facts = nquads(stated, []), nquads([*stated, ("ex:e0", "ex:p", "ex:e0")], [("ex:e2", "ex:q", "ex:e1")])
    asked = world(facts, 0, tmp_path)
    for inferred in (True, False):
        answer = asked.searcher.search(entity="ex:e0", prefer={"?x ex:q ?y": 5}, inferred=inferred)
        assert (PREFERS in answer[0].modalities) == inferred


@pytest.mark.parametrize(
    ("prefer", "error", "sentence"),
    [
        ({"?x a": 1}, ConstraintError, r"^preference \?x a: expected valid SPARQL"),
        ({"?y a ex:Card": 1}, ConstraintError, r"^preference \?y a ex:Card: .* binds \?x"),
        ({"ASK { ?x ?p ?o }": 1}, ConstraintError, "got a query of form ASK"),
        (
            {"?x a ex:Card": float("nan")},
            QueryError,
            r"finite weight for the preference \?x a ex:Card \(got nan",
        ),
        ({"?x a ex:Card": float("inf")}, QueryError, r"finite weight .* \(got inf\)"),
    ],
)
def test_a_preference_that_is_none_is_told_in_one_sentence(
    searcher: Searcher, prefer: dict[str, float], error: type[ValueError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        searcher.search("a cat", prefer=prefer)
    assert len(str(caught.value).splitlines()) == 1


def test_each_pattern_is_a_preference_of_the_weight_that_it_was_given() -> None:
    found = preferences({"?x a ex:A": 1, "?x a ex:B": -0.5}, lambda pattern: np.array([len(pattern)]))
    assert [(one.pattern, one.weight, one.ids.tolist()) for one in found] == [
        ("?x a ex:A", 1.0, [9]),
        ("?x a ex:B", -0.5, [9]),
    ]
