"""Each part is taken out and put back, what is judged was not chosen by, and the verdicts are as told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import ablation_runs
from benchmarks.ablation import COSTS, OPEN, PAYS, Gain, details, judged
from benchmarks.ablation_parts import AGAIN, ENCODER, LABELS, LINKS, MEAN, MEAN_OF_ALL, RETRIEVAL
from benchmarks.ablation_runs import ALL, STRUCTURE, WHOLE, cross_fitted
from benchmarks.ablation_switches import Alike, Part, Unhidden, held
from fusion import FUSIONS, attention
from fusion.attention import CrossModalAttention
from fusion.base import JointGraph, View
from fusion.prototypes import Nearness, Prototypes
from kg.completion import Blend, Completion
from kg.links import Answers
from kg.sparse import SortedEdges
from pipelines.labels import trust
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training import links
from pipelines.training.ranked import Ranked

ABOUT = "https://schema.org/about"


def ranked(*ranks: float) -> Ranked:
    return Ranked.of(map(str, range(len(ranks))), np.array(ranks))


def many(rank: float) -> list[dict[str, Ranked]]:
    """Two splits of forty queries, all of one rank but the first."""
    return [{"first": ranked(1, *[rank] * 39)} for _ in range(2)]


def test_a_difference_is_paired_by_query_and_told_by_split() -> None:
    whole = [{"first": ranked(1, 2)}, {"first": ranked(1, 1)}]
    without = [{"first": ranked(2, 2)}, {"first": ranked(1, 4)}]
    gain = Gain.of("first", whole, without)
    assert (gain.whole, gain.without) == pytest.approx((0.875, 0.5625))
    assert gain.by_split == pytest.approx((0.25, 0.375))
    assert gain.queries.mean == pytest.approx(0.3125)
    assert gain.splits[0] == pytest.approx(0.3125 - 12.7062 * 0.0625, abs=1e-4)


def test_runs_of_other_queries_are_refused() -> None:
    other = [{"first": Ranked.of(["elsewhere"], np.ones(1))}]
    with pytest.raises(ValueError, match=r"expected runs of the same queries \(got others for first\)"):
        Gain.of("first", [{"first": ranked(1)}], other)


def test_a_part_pays_if_its_interval_is_above_zero_in_one_task_and_all_others_are_named() -> None:
    found = {
        WHOLE: many(2),
        "without what pays": many(4),
        "without what costs": many(1),
        "without what does nothing": many(2),
        "with more that is better": many(1),
        "with more that is as good": many(2),
    }
    parts = judged("links", found, frozenset(name for name in found if "more" in name))
    assert [one.verdict for one in parts] == [PAYS, COSTS, OPEN, COSTS, OPEN]
    assert [one.row().holds for one in parts] == [True, False, False, False, True]
    told = details({"links": found}, parts)["links"]
    assert told["to be named"] == [
        "without what costs",
        "without what does nothing",
        "with more that is better",
    ]
    assert told["scores"][WHOLE]["first"]["MRR"] == {"mean": pytest.approx(20.5 / 40), "deviation": 0}


def test_a_second_task_counts_either_way_and_one_that_a_part_lacks_is_left_out() -> None:
    whole = [{"first": ranked(1, 2), "second": ranked(*[1] * 20)}]
    without = [{"first": ranked(1, 2), "second": ranked(*[2] * 20)}]
    (part,) = judged("labels", {WHOLE: whole, "without it": without}, frozenset())
    assert (part.verdict, part.holds) == (PAYS, True)
    assert "labels, first: the whole, and the same without it" in part.row().benchmark
    assert "second +0.500, +0.500 to +0.500" in part.row().benchmark
    worse = [{**without[0], "first": ranked(1, 1)}]
    (part,) = judged(
        "labels", {WHOLE: [{**whole[0], "first": ranked(2, 2)}], "without it": worse}, frozenset()
    )
    assert (part.verdict, part.holds) == (COSTS, False)
    bare = [{"first": ranked(1, 2)}]
    (part,) = judged("labels", {WHOLE: whole, "without it": bare}, frozenset())
    assert [gain.task for gain in part.gains] == ["first"]


def test_a_part_is_out_within_and_back_after() -> None:
    usual = FUSIONS["attention"], attention.HOPS, trust.SHRINKAGE, links.StructureEncoder
    for part in (*RETRIEVAL, *ENCODER, *LINKS, *LABELS):
        for _ in range(2):
            with part.out():
                pass
    assert usual == (FUSIONS["attention"], attention.HOPS, trust.SHRINKAGE, links.StructureEncoder)
    hop = next(part for part in RETRIEVAL if part.name == "with context of 1 fact for 3")
    with hop.out():
        assert attention.HOPS == 1


def test_every_part_of_a_benchmark_has_a_name_of_its_own_and_takes_something() -> None:
    for parts in ((*RETRIEVAL, *AGAIN), (*ENCODER, *LINKS), LABELS):
        assert len({part.name for part in parts}) == len(parts)
        assert all(part.settings or part.swaps or part.lacks for part in parts)


def test_what_is_held_stays_and_a_parameter_that_is_not_there_is_refused() -> None:
    model = held(CrossModalAttention, "*_gain", "nearness", at=0.5)({"text": 2, "image": 2}, 2)
    assert float(model.inferred_gain.sum()) == 1.0
    assert float(model.nearness.sum()) == 2.0
    fixed = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert fixed == {"own_gain", "inferred_gain", "nearness"}
    with pytest.raises(ValueError, match=r"expected a parameter named as absent \(got none\)"):
        held(CrossModalAttention, "absent")({"text": 2}, 2)


def graph() -> JointGraph:
    """Three entities with text and image each; two facts to the first, of weight 1 and 1/4."""
    ends, kinds = torch.tensor([[1, 2, 0, 0], [0, 0, 1, 2]]), torch.tensor([0, 0, 1, 1])
    edges = SortedEdges.of(ends, kinds, 3, 2)
    weight = torch.tensor([1.0, 0.25, 1.0, 0.25])[edges.order].log()
    rows, owners = torch.eye(3), torch.arange(3)
    features = {"text": rows, "image": rows.flip(0)}
    return JointGraph(3, features, dict.fromkeys(features, owners), edges, weight, None)


def test_the_mean_of_the_links_hears_by_the_weights_alone() -> None:
    joint = graph()
    with MEAN.out():
        encoder = links.StructureEncoder(3, 2, 8)
    heard = joint.edges.sources.row == 0
    for layer in encoder.layers:
        _, alpha = layer.attention(encoder.rows, joint.edges, joint.log_weight)
        assert sorted(alpha[heard][:, 0].tolist()) == pytest.approx([0.2, 0.8])


def test_the_mean_of_all_attends_alike_to_all_that_may_be_seen() -> None:
    joint = graph()
    with MEAN_OF_ALL:
        model = FUSIONS["attention"]({"text": 3, "image": 3}, 2)
    everyone = torch.ones(3, dtype=torch.bool)
    memory = model.own(joint)
    assert isinstance(model, CrossModalAttention)
    _, alpha = model.infer(View({"text": memory["text"][:1]}), memory, everyone, "image")
    assert alpha.tolist() == [pytest.approx([1 / 3] * 3)]


def test_where_nothing_is_hidden_an_entity_that_is_asked_for_is_looked_up() -> None:
    joint, everyone = graph(), torch.ones(3, dtype=torch.bool)
    model, usual = (kind({"text": 3, "image": 3}, 2) for kind in (Unhidden, CrossModalAttention))
    model.fit_senses(joint, everyone)
    usual.fit_senses(joint, everyone)
    hidden = torch.tensor([False, True, True])
    memory = model.own(joint)
    told = View({"text": memory["text"][:1]})
    shown = [one.embed(told, memory, visible) for one, visible in ((usual, everyone), (model, hidden))]
    torch.testing.assert_close(*shown)
    assert not torch.allclose(usual.embed(told, memory, hidden), shown[0])


def test_senses_trusted_alike_are_those_of_who_lacks_none() -> None:
    near = {
        name: Nearness(torch.randn(2, 3), torch.rand(2, 3), torch.ones(2, 3).bool(), torch.tensor(there))
        for name, there in (("text", [True, True]), ("image", [True, False]))
    }
    usual, alike = Prototypes(("text", "image")), Alike(("text", "image"))
    torch.testing.assert_close(alike(near), usual(near))
    for one in (usual, alike):
        one.without.data.fill_(1.0)
    torch.testing.assert_close(alike(near)[0], usual(near)[0])
    assert not torch.allclose(alike(near)[1], usual(near)[1])


def test_a_blend_judges_the_half_that_has_not_chosen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    valid = torch.stack([torch.arange(7), torch.zeros(7).long(), torch.arange(7).flip(0)], 1)
    train = torch.tensor([[0, 0, 1]])
    facts = ablation_runs.LinkFacts(graph(), train, valid, 1)
    shown: list[set[tuple[int, ...]]] = []

    def choose(
        completion: Completion, asked: Tensor, known: Answers, **terms: bool
    ) -> tuple[Completion, float]:
        shown.append({tuple(fact) for fact in asked.tolist()})
        return replace(completion, blend=Blend(0, len(shown), 0)), 0.0

    def ranks(completion: Completion, asked: Tensor, known: Answers) -> Tensor:
        at = int(completion.blend.prior) - 1
        assert shown[at].isdisjoint(tuple(fact) for fact in asked.tolist())
        return 10 * asked[:, 0] + asked[:, 1].double()

    monkeypatch.setattr(ablation_runs, "choose_blend", choose)
    monkeypatch.setattr(ablation_runs, "completion_ranks", ranks)
    found = cross_fitted(Completion.of(train, 7, 1), facts)
    # the tail is asked of the head by relation 0, the head of the tail by relation 1
    assert found.ranks.tolist() == [[10.0 * n, 10.0 * (6 - n) + 1] for n in range(7)]
    assert sum(len(part) for part in shown) == 14


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store.open(store_folder)


def names(parts: Iterable[Part]) -> list[str]:
    return [WHOLE, *(part.name for part in parts)]


def test_retrieval_and_links_run_without_each_part_on_the_same_queries(store: Store) -> None:
    settings = Settings(epochs=1, width=16, structure_width=8, valid_share=0.3)
    for run, parts in (
        (ablation_runs.retrieval, (*RETRIEVAL, *AGAIN)),
        (ablation_runs.links, (*ENCODER, *LINKS)),
    ):
        found = dict(run(store, settings))
        assert list(found) == names(parts)
        first = next(iter(found[WHOLE]))
        assert {one[first].asked for one in found.values()} == {found[WHOLE][first].asked}
        assert all(np.isfinite(task.ranks).all() for one in found.values() for task in one.values())


def test_links_are_judged_by_all_terms_and_by_structure_alone(store: Store) -> None:
    found = dict(ablation_runs.links(store, Settings(epochs=1, structure_width=8)))
    assert list(found[WHOLE]) == [ALL, STRUCTURE]
    assert list(found["without rules"]) == [ALL]


def test_labels_run_without_each_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "STEPS", 2)
    monkeypatch.setattr(trust, "SHRINKAGE", (0.5,))
    settings = Settings(epochs=1, label_width=16, structure_width=8, valid_share=0.4, test_share=0.1)
    found = dict(ablation_runs.labels(store, settings, ABOUT))
    assert list(found) == names(LABELS)
    assert {one["as observed"].asked for one in found.values()} == {found[WHOLE]["as observed"].asked}
    assert list(found["without texts"]) == ["as observed"]
    changed = [name for name, one in found.items() if not same(one, found[WHOLE])]
    assert {"without the graph", "without the classes' rows"} <= set(changed)


def same(one: dict[str, Ranked], other: dict[str, Ranked]) -> bool:
    return all(np.array_equal(one[task].ranks, other[task].ranks) for task in one)
