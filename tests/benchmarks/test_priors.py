"""The wrong links are as many as the right ones, and attention is counted where it has a choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.priors import Row, attention_mass, means, rows, with_shuffled
from benchmarks.priors_figure import RIGHT, WRONG, draw
from pipelines.senses.joint import joint_graph
from pipelines.store.store import Store

BROADER = "http://www.w3.org/2004/02/skos/core#broader"


def test_wrong_links_deal_the_tails_anew_and_leave_the_other_facts(store_folder: Path) -> None:
    graph = Store.open(store_folder).graph
    made = with_shuffled(graph, RIGHT, 0)

    def facts(one: object, relation: str) -> np.ndarray:
        assert isinstance(one, type(graph))
        return one.triples[one.triples[:, 1] == one.relation_id(relation)]

    right, wrong = facts(graph, RIGHT), facts(made, WRONG)
    assert len(made.triples) == len(graph.triples) + len(right)
    assert sorted(wrong[:, 0].tolist()) == sorted(right[:, 0].tolist())
    assert sorted(wrong[:, 2].tolist()) == sorted(right[:, 2].tolist())
    assert (wrong[:, 2] == right[:, 2]).mean() < 0.5
    for relation in graph.relations.to_pylist():
        np.testing.assert_array_equal(facts(made, relation)[:, [0, 2]], facts(graph, relation)[:, [0, 2]])


def test_attention_is_a_share_that_the_prior_moves(store_folder: Path) -> None:
    store = Store.open(store_folder)
    graph, structure = store.graph, store.tensors["structure"]
    place = graph.relation_id(BROADER)
    kinds = (place, place + graph.num_relations)
    shares = []
    for prior in (0.0, 0.1, 1.0):
        settings = type(store.settings)(**vars(store.settings) | {"prior": {BROADER: prior}})
        joint = joint_graph(graph, store.observations, settings, diffusion=False)
        shares.append(attention_mass(store.model, joint, structure, kinds))
    assert shares[0] == 0
    assert 0 < shares[1] < shares[2] < 1


def found() -> dict[str, object]:
    """Results as `measured` gives them, of two splits and two priors."""
    curve = {"attention": [0.0, 0.4], "text to image": [0.1, 0.3], "image to text": [0.2, 0.2]}
    fallen = {"attention": [0.0, 0.4], "text to image": [0.3, 0.1], "image to text": [0.4, 0.2]}
    order = {"wrong by row": 0.2, "wrong by score": 0.2, "validation MRR": 0.44}
    return {
        "priors": [0.0, 1.0],
        "seeds": 2,
        "curves": means([{RIGHT: curve, WRONG: fallen}] * 2),
        "difference": 0.0,
        "order": {"default": order, "none": {**order, "wrong by row": 0.5}},
    }


def test_each_claim_is_judged_by_its_own_figures() -> None:
    judged: dict[str, Row] = {row.benchmark: row for row in rows(found())}
    missed = [name for name, row in judged.items() if not row.holds]
    assert len(judged) == 10
    assert missed == [
        "image to text: schema:about at prior 1, against 0, beside wrong links",
        "held-out facts of hierarchies, wrong by score: trained with their order, against without",
    ]


def test_the_figure_is_a_png_of_three_panels(tmp_path: Path) -> None:
    from PIL import Image

    draw(found(), tmp_path / "priors.png")
    with Image.open(tmp_path / "priors.png") as picture:
        assert picture.size == (1375, 473)
        assert picture.convert("L").getextrema() == (0, 255)


def test_means_are_taken_over_the_splits() -> None:
    curves = [{RIGHT: {"attention": [0.0, value]}} for value in (0.2, 0.4)]
    one = means(curves)[RIGHT]["attention"]
    assert one["mean"] == pytest.approx([0, 0.3])
    assert one["spread"] == pytest.approx([0, 0.1])
