"""The structure encoder: who depends on whom."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fusion.structure import StructureEncoder
from kg.sparse import SortedEdges

# a chain 0 - 1 - 2 - 3 - 4, both directions; 5 is alone
CHAIN = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
EDGES = SortedEdges.of(torch.cat([CHAIN, CHAIN.flip(0)], dim=1), torch.tensor([0] * 4 + [1] * 4), 6, 2)
EVEN = torch.zeros(8)


def encoder_of(layers: int = 2) -> StructureEncoder:
    torch.manual_seed(0)
    encoder = StructureEncoder(6, 2, 8, layers=layers, heads=2).eval()
    for layer in encoder.layers:
        torch.nn.init.normal_(layer.relation_key)
        torch.nn.init.normal_(layer.relation_value)
    return encoder


def touched_by(encoder: StructureEncoder, entity: int, without_row: Tensor | None = None) -> list[int]:
    """The entities whose vectors change with one entity's free row."""
    with torch.no_grad():
        before = encoder(EDGES, EVEN, without_row)
        encoder.rows[entity] += 1
        after = encoder(EDGES, EVEN, without_row)
        encoder.rows[entity] -= 1
    changed: list[int] = (before - after).abs().amax(1).gt(1e-5).nonzero().squeeze(1).tolist()
    return changed


@pytest.mark.parametrize(("layers", "reached"), [(1, [1, 2, 3]), (2, [0, 1, 2, 3, 4])])
def test_a_row_reaches_as_far_as_there_are_layers(layers: int, reached: list[int]) -> None:
    assert touched_by(encoder_of(layers), 2) == reached


def test_without_its_row_an_entity_depends_on_its_neighbours_alone() -> None:
    new = torch.tensor([False, False, True, False, False, False])
    encoder = encoder_of(layers=1)
    assert touched_by(encoder, 2, new) == []
    assert 2 in touched_by(encoder, 1, new)
    assert 2 in touched_by(encoder, 3, new)
    assert 2 not in touched_by(encoder, 0, new)


def test_without_its_row_an_entity_is_what_a_row_of_zeros_makes_it() -> None:
    encoder = encoder_of()
    new = torch.tensor([True, False, False, True, False, True])
    with torch.no_grad():
        without = encoder(EDGES, EVEN, new)
        encoder.rows[new] = 0
        torch.testing.assert_close(without, encoder(EDGES, EVEN))


def test_an_entity_without_facts_is_its_row_and_nothing_without_it() -> None:
    encoder = encoder_of()
    alone = torch.tensor([False] * 5 + [True])
    torch.testing.assert_close(encoder(EDGES, EVEN)[5], encoder.rows[5])
    assert (encoder(EDGES, EVEN, alone)[5] == 0).all()


def test_a_fact_that_is_taken_out_ties_nobody() -> None:
    # all of 2's facts are masked: its neighbours forget it, and it has but its row
    encoder = encoder_of()
    ends = EDGES.edge_index
    masked = EVEN.masked_fill((ends == 2).any(0), float("-inf"))
    with torch.no_grad():
        torch.testing.assert_close(encoder(EDGES, masked)[2], encoder.rows[2])
        before = encoder(EDGES, masked)
        encoder.rows[2] += 1
        after = encoder(EDGES, masked)
    assert (before - after).abs().amax(1).gt(0).tolist() == [False, False, True, False, False, False]


def test_training_without_any_fact_has_finite_gradients() -> None:
    encoder = encoder_of().train()
    out = encoder(EDGES, torch.full((8,), float("-inf")))
    (1e6 * out).square().sum().backward()
    assert all(
        parameter.grad is None or bool(parameter.grad.isfinite().all()) for parameter in encoder.parameters()
    )


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a width that 3 heads divide \(got 8\)"):
        StructureEncoder(4, 1, 8, heads=3)
