"""Features alone find answers: by a shape that a relation has, by likeness, and with no row for an entity."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from kg import feature_links
from kg.feature_links import FeatureLinks

RANDOM = torch.Generator().manual_seed(0)


def facts(heads: range, shift: int) -> torch.Tensor:
    return torch.stack(
        [
            torch.arange(len(heads)),
            torch.zeros(len(heads), dtype=torch.int64),
            torch.arange(len(heads)) + shift,
        ],
        dim=1,
    )


def test_entities_without_a_fact_are_found_by_the_shape_of_their_features() -> None:
    turn = torch.linalg.qr(torch.randn(8, 8, generator=RANDOM)).Q
    rows = normalize(torch.randn(100, 8, generator=RANDOM))
    rows = torch.cat([rows, rows @ turn])  # the tail of entity i, i + 100, looks as i does, but turned
    asked = facts(range(100), 100)
    model = FeatureLinks.learned(rows, asked[:80], 1, epochs=150)
    ranks = (
        model(asked[80:, 0], asked[80:, 1]) >= model(asked[80:, 0], asked[80:, 1]).gather(1, asked[80:, 2:])
    ).sum(1)
    assert ranks.float().mean() < 5  # of 200


def test_likeness_counts_from_the_start_and_nothing_known_says_nothing() -> None:
    rows = normalize(torch.randn(20, 8, generator=RANDOM))
    rows[10:19] = rows[:9]
    rows[19] = 0.0
    model = FeatureLinks(rows, 1).eval()
    with torch.no_grad():
        model.query[-1].weight.zero_()
        model.query[-1].bias.zero_()
    scores = model(torch.arange(9), torch.zeros(9, dtype=torch.int64))
    torch.testing.assert_close(scores, feature_links.LIKENESS * rows[:9] @ rows.t())
    assert not scores[:, 19].any()


def test_the_same_seed_gives_the_same_scores() -> None:
    rows = normalize(torch.randn(20, 8, generator=RANDOM))
    one, other = (FeatureLinks.learned(rows, facts(range(9), 10), 1, epochs=2, seed=4) for _ in range(2))
    head = torch.arange(20)
    torch.testing.assert_close(one(head, head * 0), other(head, head * 0), rtol=0, atol=0)
