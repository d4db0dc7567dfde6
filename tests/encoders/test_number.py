"""Numbers as observations: units, scales learned from what is visible, rows that near values share."""

import json

import numpy as np
import pytest
import torch

from encoders.lexical import XSD
from encoders.literals import Numbers, read_numbers
from encoders.number import MAX_BLOCKS, WIDTH, Standard, number_dim, number_rows
from encoders.units import affine

UNIT = "http://qudt.org/vocab/unit/"


def numbers(values: list[float], predicate: list[int] | None = None, names: int = 1) -> Numbers:
    return Numbers(
        entity=np.arange(len(values)),
        predicate=np.array([0] * len(values) if predicate is None else predicate, dtype=np.int64),
        value=np.array(values, dtype=np.float64),
        names=tuple(f"http://example.org/p{number}" for number in range(names)),
    )


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [
        (100, "DEG_C", "DEG_F", 212),
        (-40, "DEG_F", "DEG_C", -40),
        (0, "DEG_C", "K", 273.15),
        (1, "IN", "CentiM", 2.54),
        (1, "BAR", "KiloPA", 100),
        (90, "MIN", "HR", 1.5),
        (36, "KiloM-PER-HR", "M-PER-SEC", 10),
        (3, "M3-PER-HR", "L-PER-MIN", 50),
        (12, "PERCENT", "UNITLESS", 0.12),
        (1500, "MilliA", "A", 1.5),
        (3000, "REV-PER-MIN", "HZ", 50),
    ],
)
def test_units_convert(value: float, unit: str, target: str, expected: float) -> None:
    scale = affine(UNIT + unit, UNIT + target)
    assert scale is not None
    assert scale[0] * value + scale[1] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_units_of_two_quantities_and_unknown_units_do_not_convert() -> None:
    assert affine(UNIT + "M", UNIT + "KiloGM") is None
    assert affine(UNIT + "FURLONG", UNIT + "M") is None
    assert affine("http://example.org/quux", "http://example.org/quux") == (1, 0)


def test_literals_become_numbers_in_the_commonest_unit_and_the_rest_is_told() -> None:
    found = read_numbers(
        entity=np.array([7, 8, 9, 10, 11, 12, 13]),
        predicate=np.array([0, 0, 0, 0, 0, 1, 1]),
        names=["http://example.org/heat", "http://example.org/name"],
        values=["20", "21.5", "68", "3", "warm", "Anna", "12"],
        datatypes=[XSD + "decimal"] * 5 + [XSD + "string", XSD + "integer"],
        units=[UNIT + "DEG_C", UNIT + "DEG_C", UNIT + "DEG_F", UNIT + "BAR", UNIT + "DEG_C", None, None],
    )
    assert found.rows.tolist() == [0, 1, 2, 6]
    assert found.numbers.entity.tolist() == [7, 8, 9, 13]
    np.testing.assert_allclose(found.numbers.value, [20, 21.5, 20, 12])
    assert found.problems == [
        (
            3,
            "expected a unit that converts to DEG_C, as most values of http://example.org/heat (got BAR)",
        ),
        (4, "expected xsd:decimal (got 'warm' for http://example.org/heat)"),
    ]


def test_a_unit_that_is_wanted_wins_over_the_commonest() -> None:
    found = read_numbers(
        entity=np.array([0, 1, 2]),
        predicate=np.array([0, 0, 0]),
        names=["http://example.org/heat"],
        values=["20", "30", "68"],
        datatypes=[XSD + "decimal"] * 3,
        units=[UNIT + "DEG_C", UNIT + "DEG_C", UNIT + "DEG_F"],
        wanted={"http://example.org/heat": UNIT + "DEG_F"},
    )
    np.testing.assert_allclose(found.numbers.value, [68, 86, 68])
    assert found.units == {"http://example.org/heat": UNIT + "DEG_F"}


def test_scales_come_back_from_json() -> None:
    scales = Standard.fit(numbers([1, 2, 3, 4, 5, 1000]), np.zeros(6, dtype=bool))
    again = Standard.from_json(json.loads(json.dumps(scales.as_json())))
    assert again.names == scales.names
    for name in ("centre", "spread", "log_scale"):
        np.testing.assert_array_equal(getattr(again, name), getattr(scales, name))


def test_the_scale_is_of_the_visible_values_only() -> None:
    all_of_them = numbers([1, 2, 3, 4, 5, 1000, -50])
    visible = np.array([True] * 5 + [False] * 2)
    standard = Standard.fit(all_of_them, visible)
    assert standard.centre.tolist() == [3]
    assert standard.spread[0] == pytest.approx(2 * 0.7413)
    z = standard.transform(all_of_them)
    np.testing.assert_allclose(z[:5], (np.arange(5) - 2) / (2 * 0.7413))
    assert z[5:].tolist() == [4, -4]


def test_one_slip_of_the_pen_moves_the_others_little() -> None:
    rng = np.random.default_rng(0)
    clean = [*rng.normal(10, 2, 200)]
    with_slip = Standard.fit(numbers([*clean, 1e9]))
    z, expected = with_slip.transform(numbers(clean)), Standard.fit(numbers(clean)).transform(numbers(clean))
    assert np.corrcoef(z, expected)[0, 1] > 0.95
    assert z.std() == pytest.approx(1, abs=0.25)


def test_skewed_values_are_read_by_their_logarithm() -> None:
    rng = np.random.default_rng(1)
    skewed = np.exp(rng.normal(0, 2, 500))
    standard = Standard.fit(numbers([*skewed]))
    assert standard.log_scale[0] > 0
    z = standard.transform(numbers([*skewed]))
    assert abs(np.median(z)) < 0.01
    assert np.quantile(z, 0.95) < 3  # as written it would be cut off at 4
    assert Standard.fit(numbers([*rng.normal(5, 1, 500)])).log_scale[0] == 0


@pytest.mark.parametrize(
    "values", [[5.0], [0.0, 0.0], [1e300, -1e300, 1e300], [0, 0, 0, 0, 0, 7], [0.1 + 0.2, 0.3]]
)
def test_few_equal_or_extreme_values_stay_finite(values: list[float]) -> None:
    rows, owners = number_rows(numbers(values), Standard.fit(numbers(values)))
    assert len(owners) == len(values)
    assert rows.isfinite().all()
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(values)))


def test_rows_of_near_values_are_near_and_of_two_predicates_apart() -> None:
    values = numbers([-1, -0.95, 0, 1, 3, -1], [0, 0, 0, 0, 0, 1], names=2)
    standard = Standard(values.names, np.zeros(2), np.ones(2), np.zeros(2))
    rows, owners = number_rows(values, standard)
    assert rows.shape == (6, number_dim(2)) == (6, 2 * WIDTH)
    assert owners.tolist() == [0, 1, 2, 3, 4, 5]
    product = rows @ rows.T
    torch.testing.assert_close(product.diagonal(), torch.ones(6))
    assert product[0, 1] > 0.98
    assert 0.2 < product[0, 2] < 0.6  # one standard deviation apart
    assert product[0, 1] > product[0, 2] > product[0, 3] > abs(product[0, 4])
    assert product[:5, 5].abs().max() == 0


def test_the_product_of_rows_follows_the_kernel() -> None:
    distance = np.linspace(0, 3, 31)
    values = numbers([0, *distance])
    rows, _ = number_rows(values, Standard(values.names, np.zeros(1), np.ones(1), np.zeros(1)))
    kernel = (np.exp(-(distance**2) / 0.18) + np.exp(-(distance**2) / 4.5)) / 2
    np.testing.assert_allclose((rows[0] @ rows[1:].T).numpy(), kernel, atol=0.15)


def test_many_predicates_keep_the_width_bounded_and_stay_apart() -> None:
    count = 300
    values = numbers([0.5] * count, list(range(count)), names=count)
    standard = Standard(values.names, np.zeros(count), np.ones(count), np.zeros(count))
    rows, _ = number_rows(values, standard)
    assert rows.shape == (count, MAX_BLOCKS * WIDTH)
    product = (rows @ rows.T)[~torch.eye(count, dtype=torch.bool)]
    assert product.abs().mean() < 0.01
    assert product.max() < 0.9


def test_numbers_of_a_predicate_that_was_never_visible_are_left_out() -> None:
    values = numbers([1, 2, 3, 9], [0, 0, 0, 1], names=2)
    standard = Standard.fit(values, np.array([True, True, True, False]))
    assert np.isnan(standard.transform(values)).tolist() == [False, False, False, True]
    rows, owners = number_rows(values, standard)
    assert (len(rows), owners.tolist()) == (3, [0, 1, 2])


def test_no_numbers_give_no_rows() -> None:
    none = numbers([])
    rows, owners = number_rows(none, Standard.fit(none))
    assert rows.shape == (0, WIDTH)
    assert owners.shape == (0,)


def test_columns_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected columns of one length \(got \(2, 1, 1\)\)"):
        Numbers(np.arange(2), np.zeros(1, np.int64), np.zeros(1), ("p",))
    with pytest.raises(ValueError, match="expected predicates below 1"):
        numbers([1.0], [1])
    with pytest.raises(ValueError, match="expected finite values"):
        numbers([float("nan")])
    with pytest.raises(ValueError, match=r"expected visible \(1,\) \(got \(2,\)\)"):
        Standard.fit(numbers([1.0]), np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match="expected the predicates that were fitted"):
        Standard.fit(numbers([1.0])).transform(numbers([1.0], names=2))
