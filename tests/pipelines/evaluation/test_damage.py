"""Damage hits exactly the share that was asked for, and nothing that was to stay."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from fusion.base import JointGraph
from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from kg.sparse import SortedEdges
from pipelines.evaluation.damage import chosen_share, without_observations, wrong_links


def graph_of(triples: list[tuple[int, int, int]], num_entities: int) -> KnowledgeGraph:
    count = len(triples)
    return KnowledgeGraph(
        entities=pa.array([f"urn:{number:02d}" for number in range(num_entities)]),
        relations=pa.array(["urn:label", "urn:near"]),
        triples=np.array(triples, dtype=np.int64),
        weights=np.ones(count, dtype=np.float32),
        origin=np.zeros(count, dtype=np.int32),
        graphs=("",),
        literals=LITERAL_SCHEMA.empty_table(),
        media=MEDIA_SCHEMA.empty_table(),
        prefixes={},
    )


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.25, 2), (0.5, 4), (1, 8)])
def test_a_share_is_exact_and_a_larger_one_holds_the_smaller(share: float, count: int) -> None:
    entities = np.arange(10, 18)
    chosen = chosen_share(entities, share, seed=3)
    assert len(set(chosen.tolist())) == count
    assert set(chosen.tolist()) <= set(entities.tolist())
    assert chosen.tolist() == chosen_share(entities, 1, seed=3)[:count].tolist()


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_beyond_all_is_one_sentence(share: float) -> None:
    with pytest.raises(ValueError, match=r"^expected a share in \[0, 1\] \(got "):
        chosen_share(np.arange(4), share, seed=0)


def test_only_the_named_entities_lose_only_the_named_modality() -> None:
    edges = SortedEdges.of(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), 3, 1)
    image, text = torch.eye(4), torch.eye(3)
    owners = {"image": torch.tensor([0, 1, 1, 2]), "text": torch.tensor([0, 1, 2])}
    graph = JointGraph(3, {"image": image, "text": text}, owners, edges, torch.zeros(0), None)
    less = without_observations(graph, "image", np.array([1]))
    assert less.owners["image"].tolist() == [0, 2]
    assert less.features["image"].tolist() == image[[0, 3]].tolist()
    assert less.features["text"] is text
    assert graph.owners["image"].tolist() == [0, 1, 1, 2]


def test_the_share_of_links_goes_wrong_and_labels_stay() -> None:
    # eight links to eight different things: each that is chosen gets another one's tail
    graph = graph_of([(i, 1, 10 + i) for i in range(8)] + [(i, 0, 9) for i in range(8)], 20)
    graph = graph_of(sorted(graph.triples.tolist()), 20)  # type: ignore[arg-type]
    for share, count in ((0.0, 0), (0.5, 4), (1.0, 8)):
        wrong = wrong_links(graph, share, seed=1, right={"urn:label"})
        changed = (wrong.triples != graph.triples).any(1)
        assert changed.sum() == count
        assert (graph.triples[changed, 1] == 1).all()
        assert sorted(wrong.triples[:, 2].tolist()) == sorted(graph.triples[:, 2].tolist())
        assert wrong.triples[:, :2].tolist() == graph.triples[:, :2].tolist()
