"""What was observed finds links, comes back from its file, and takes entities that were observed later."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from pipelines.senses.numbers import NUMBER
from pipelines.training import sense_links
from pipelines.training.sense_links import Observed, learn_sense_links, links_from, tensors_of

COUNT = 60


def observed(count: int = COUNT) -> Observed:
    """Texts of all but the last entity; pictures of the first forty, that show what the text says, turned."""
    random = torch.Generator().manual_seed(1)
    text = normalize(torch.randn(count, 16, generator=random))
    image = normalize(torch.randn(COUNT, 24, generator=random))[:40]
    return Observed.of(
        count,
        {"text": text[:-1], "image": image, NUMBER: torch.ones(3, 2), "audio": torch.zeros(0, 4)},
        {
            "text": torch.arange(count - 1),
            "image": torch.arange(40),
            NUMBER: torch.arange(3),
            "audio": torch.arange(0),
        },
    )


FACTS = torch.stack([torch.arange(30), torch.arange(30) % 2, torch.arange(30) + 25], dim=1)
ASKED = torch.arange(COUNT), torch.arange(COUNT) % 4


def test_numbers_and_senses_of_which_nothing_is_there_are_left_out() -> None:
    assert set(observed().features) == set(observed().owners) == {"text", "image"}


def test_who_was_not_observed_is_neither_found_nor_finds_more_than_the_relation_says() -> None:
    found = learn_sense_links(observed(), FACTS, 2, seed=0)
    assert found is not None
    senses, links = found
    rows = sense_links.sense_rows(senses, observed())
    torch.testing.assert_close(rows.norm(dim=1), torch.cat([torch.ones(COUNT - 1), torch.zeros(1)]))
    assert not links(*ASKED)[:, -1].any()


def test_it_comes_back_from_its_tensors() -> None:
    found = learn_sense_links(observed(), FACTS, 2, seed=0)
    assert found is not None
    back = links_from(tensors_of(*found), observed())
    assert back is not None
    torch.testing.assert_close(back[1](*ASKED), found[1](*ASKED), rtol=0, atol=0)
    assert links_from({"rows": torch.ones(1)}, observed()) is None


def test_the_old_entities_score_as_before_where_one_more_is_observed_and_a_sense_is_gone() -> None:
    found = learn_sense_links(observed(), FACTS, 2, seed=0)
    assert found is not None
    seen = observed()
    more = Observed(
        COUNT + 1,
        {"text": torch.cat([seen.features["text"], seen.features["text"][:1]])},
        {"text": torch.cat([seen.owners["text"], torch.tensor([COUNT])])},
    )
    back = links_from(tensors_of(*found), more)
    assert back is not None
    unseen = torch.arange(40, COUNT)  # of these there was no picture
    old, new = found[1](unseen, unseen % 4), back[1](unseen, unseen % 4)
    torch.testing.assert_close(new[:, unseen], old[:, unseen])
    assert new.shape[1] == COUNT + 1
    assert new[:, COUNT].any()


def test_there_is_none_without_observations_or_facts_or_where_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert learn_sense_links(None, FACTS, 2, seed=0) is None
    assert learn_sense_links(Observed(COUNT, {}, {}), FACTS, 2, seed=0) is None
    assert learn_sense_links(observed(), FACTS[:0], 2, seed=0) is None
    monkeypatch.setattr(sense_links, "OPERATIONS", 1e3)
    assert learn_sense_links(observed(), FACTS, 2, seed=0) is None


def test_links_that_follow_what_is_observed_are_found_by_it() -> None:
    random = torch.Generator().manual_seed(2)
    rows = normalize(torch.randn(200, 16, generator=random))
    rows[100:] = rows[:100] @ torch.linalg.qr(torch.randn(16, 16, generator=random)).Q
    seen = Observed(200, {"text": rows}, {"text": torch.arange(200)})
    facts = torch.stack([torch.arange(100), torch.zeros(100, dtype=torch.int64), torch.arange(100, 200)], 1)
    found = learn_sense_links(seen, facts[:80], 1, seed=0)
    assert found is not None
    scores = found[1](facts[80:, 0], facts[80:, 1])
    ranks = (scores >= scores.gather(1, facts[80:, 2:])).sum(1)
    assert ranks.float().mean() < 60  # of 200, where chance has 100
