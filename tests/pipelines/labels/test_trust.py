"""Trust in the senses is learned from examples that nothing else was learned from."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from fusion import FUSIONS
from fusion.base import JointGraph
from fusion.label import LabelModel
from fusion.prototypes import Nearness, nearness
from fusion.senses import FEW
from kg.sparse import SortedEdges
from pipelines.labels.split import folds
from pipelines.labels.target import Target
from pipelines.labels.trust import SHRINKAGE, Examples, bereft, choose_spaces, learn_trust


def examples(rows: torch.Tensor, classes: torch.Tensor, num_classes: int) -> Examples:
    """One picture for each entity, no fact, all of them the training part."""
    none = torch.empty(2, 0, dtype=torch.int64)
    edges = SortedEdges.of(none, none[0], len(rows), 1)
    entities = torch.arange(len(rows))
    graph = JointGraph(len(rows), {"image": rows}, {"image": entities}, edges, torch.empty(0), None)
    fusion = FUSIONS["attention"]({"image": rows.shape[1]}, 1, width=rows.shape[1])
    everyone = torch.ones(len(rows), dtype=torch.bool)
    fusion.fit_senses(graph, everyone)
    literals = torch.full((num_classes,), -1)
    model = LabelModel(fusion, everyone, literals, torch.stack([entities, classes]), 1)
    nobody = np.zeros(0, dtype=np.int64)
    names = tuple(map(str, range(num_classes)))
    target = Target("urn:t", entities.numpy(), classes.numpy(), names, literals.numpy(), nobody)
    fold = torch.from_numpy(folds(target, entities.numpy(), seed=0))
    return Examples(model, graph, entities, classes, classes, fold, None, fusion.bases())


def test_classes_of_pure_noise_are_not_told_by_examples_of_unseen_folds() -> None:
    torch.manual_seed(0)
    classes = torch.arange(4 * FEW) % 8
    known = examples(torch.randn(len(classes), 200), classes, 8)
    near, truth = known.unseen(SHRINKAGE[0])
    known.whiten(SHRINKAGE[0])
    unseen = float((known.model.prototypes(near).argmax(1) == truth).float().mean())
    # left out of its own row alone, an example still lies where the whitening has put it
    memory = known.model.remember(known.graph)
    shown = known.model.fusion.told(known.model.view(memory.senses, None, known.entities))
    left_out = nearness(shown["image"], memory.rows["image"], functional.one_hot(classes).float())
    seen = known.model.prototypes({"image": left_out})
    assert unseen < 0.25 < 0.9 < float((seen.argmax(1) == classes).float().mean())


def test_spaces_are_taken_for_round_where_there_is_little_to_learn_from() -> None:
    torch.manual_seed(0)
    quiet = torch.cat([torch.full((10,), 0.2), torch.full((20,), 3.0)])
    chosen = []
    for count, spread in ((40 * FEW, quiet), (2 * FEW, torch.ones(30))):
        classes = torch.arange(count) % 8
        means = torch.randn(8, 30) * (spread if len(chosen) else 0.2 * (spread < 1))
        known = examples(means[classes] + spread * torch.randn(count, 30), classes, 8)
        before = known.model.examples
        chosen.append(choose_spaces(known))
        fitted, spaces = scalars(known), known.model.fusion.bases()
        learn_trust(known, chosen[-1])
        assert torch.equal(known.model.examples, before)
        # nothing has changed since the choice, so a second look finds what the first has left
        assert all(torch.equal(fitted[name], value) for name, value in scalars(known).items())
        assert torch.equal(spaces["image"], known.model.fusion.bases()["image"])
    assert chosen[0] == SHRINKAGE[0]
    assert chosen[1] == SHRINKAGE[-1]


def test_spectra_are_found_once_for_each_fold_and_hold_what_finding_them_anew_gives() -> None:
    torch.manual_seed(0)
    classes = torch.arange(4 * FEW) % 8
    known = examples(torch.randn(len(classes), 20), classes, 8)
    choose_spaces(known)
    kept = dict(known.spectra)
    assert sorted(kept) == [-1, 0, 1, 2, 3, 4]
    known.spectra.clear()
    known.unseen(SHRINKAGE[1])
    assert all(
        torch.equal(kept[fold]["image"].values, known.spectra[fold]["image"].values) for fold in range(5)
    )


def nearness_of(present: list[bool]) -> Nearness:
    there = torch.tensor(present)
    product = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[: len(there)]
    return Nearness(product, torch.zeros_like(product), torch.ones_like(product).bool(), there)


def test_each_source_that_anyone_has_is_taken_from_all_in_turn() -> None:
    near = {
        "text": nearness_of([True, True]),
        "audio": nearness_of([False, False]),
        "context:text": nearness_of([True, False]),
        "structure": nearness_of([True, True]),
    }
    found = bereft(near)
    lacking = [[name for name, one in shown.items() if not one.present.any()] for shown in found]
    assert lacking == [["text", "audio"], ["audio", "context:text", "structure"]]
    assert bereft({name: near[name] for name in ("text", "audio")}) == []


def test_without_a_class_of_two_examples_nothing_is_fitted() -> None:
    known = examples(torch.eye(3), torch.arange(3), 3)
    before = scalars(known)
    learn_trust(known, choose_spaces(known))
    assert all(torch.equal(before[name], value) for name, value in scalars(known).items())


def scalars(known: Examples) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in known.model.prototypes.state_dict().items()}
