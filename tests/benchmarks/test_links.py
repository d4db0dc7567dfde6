"""PyKEEN's side of `benchmarks.links` does the same work as ours: start, weights, epoch after epoch."""

from __future__ import annotations

import pytest
import torch

from benchmarks.link_sides import START, Facts, Rival

pytestmark = pytest.mark.filterwarnings("ignore")  # PyKEEN's own


@pytest.fixture
def facts() -> Facts:
    pytest.importorskip("pykeen")
    generator = torch.Generator().manual_seed(1)
    triples = torch.unique(
        torch.stack([torch.randint(n, (90,), generator=generator) for n in (40, 3, 40)], 1), dim=0
    )
    return Facts(40, 3, {"train": triples})


def weights(rival: Rival) -> torch.Tensor:
    return torch.view_as_real(rival.model.entity_representations[0](None)).detach().clone()


def test_the_rival_begins_with_rows_like_ours_and_goes_on_where_it_stopped(facts: Facts) -> None:
    rival = Rival(facts, 16)
    before = weights(rival)
    assert before.std() == pytest.approx(START, rel=0.1)
    rival.epoch(facts.parts["train"])
    once = weights(rival)
    rival.epoch(facts.parts["train"])
    losses = rival.loop.losses_per_epochs
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert not torch.equal(once, before)
    assert not torch.equal(weights(rival), once)


def test_the_rivals_weights_in_our_model_rank_alike(facts: Facts) -> None:
    rival = Rival(facts, 8)
    rival.epoch(facts.parts["train"])
    asked, known = facts.parts["train"][:10], facts.parts["train"]
    ranks = rival.ours(8).ranks(asked, known)
    assert float((1 / ranks).mean()) == pytest.approx(rival.mean_reciprocal_rank(asked, known), abs=1e-4)
