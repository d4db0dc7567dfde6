"""Series to rows: one content one row, names match channels, level and shape both count."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoders import encode_cached
from encoders.rocket import DILATIONS, RandomConvolutions, _convolved, standardised
from encoders.series import SeriesEncoder, _averaged

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def encoder() -> SeriesEncoder:
    return SeriesEncoder()


def write(path: Path, **channels: Floats) -> Path:
    table = np.stack(list(channels.values()), axis=1)
    np.savetxt(path, table, delimiter=",", header=",".join(channels), comments="", fmt="%.17g")
    return path


def rows(encoder: SeriesEncoder, folder: Path, *tables: dict[str, Floats]) -> torch.Tensor:
    paths = [write(folder / f"{number}.csv", **table) for number, table in enumerate(tables)]
    return encoder.encode([encoder.load(path) for path in paths])


def signals(points: int = 300) -> dict[str, Floats]:
    time = np.arange(points) / 50
    noise = np.random.default_rng(0).normal(size=points)
    return {
        "wave": np.sin(2 * np.pi * time),
        "steps": np.floor(time),
        "noise": noise,
        "walk": np.cumsum(noise),
    }


def test_rows_have_unit_length_and_the_width_that_is_promised(encoder: SeriesEncoder, tmp_path: Path) -> None:
    encoded = rows(encoder, tmp_path, *({"x": signal} for signal in signals().values()))
    assert encoded.shape == (4, encoder.dim)
    assert encoded.dtype == torch.float32
    torch.testing.assert_close(encoded.norm(dim=1), torch.ones(4))
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert encoder.name == "convolutions@1"


def test_the_same_readings_give_the_same_bits_whatever_else_is_encoded(
    encoder: SeriesEncoder, tmp_path: Path
) -> None:
    first = rows(encoder, tmp_path, signals())[0]
    again = rows(SeriesEncoder(), tmp_path, {"other": signals()["walk"]}, signals())[1]
    assert torch.equal(first, again)


def test_a_shifted_wave_is_nearer_than_another_shape(encoder: SeriesEncoder, tmp_path: Path) -> None:
    wave, noise = signals()["wave"], signals()["noise"]
    shifted = np.sin(2 * np.pi * (np.arange(300) / 50 + 0.2))
    one, near, far = rows(encoder, tmp_path, {"x": wave}, {"x": shifted}, {"x": noise})
    assert one @ near > 0.85
    assert one @ near > one @ far + 0.3


def test_level_and_scale_count(encoder: SeriesEncoder, tmp_path: Path) -> None:
    wave = signals()["wave"]
    one, louder, higher, alike = rows(
        encoder, tmp_path, {"x": wave}, {"x": 30 * wave}, {"x": wave + 30}, {"x": 1.01 * wave}
    )
    assert one @ alike > 0.98
    assert max(one @ louder, one @ higher) < one @ alike - 0.05


def test_channels_are_matched_by_name_and_not_by_place(encoder: SeriesEncoder, tmp_path: Path) -> None:
    wave, walk = signals()["wave"], signals()["walk"]
    one, turned, spelt, other, part = rows(
        encoder,
        tmp_path,
        {"flow": wave, "heat": walk},
        {"heat": walk, "flow": wave},
        {" Flow": wave, "HEAT ": walk},
        {"rain": wave, "wind": walk},
        {"flow": wave},
    )
    torch.testing.assert_close(one, turned)
    torch.testing.assert_close(one, spelt)
    assert abs(one @ other) < 0.15  # unlike names: nothing in common but chance
    assert one @ part == pytest.approx(0.5**0.5, abs=0.1)  # one of two channels is shared


def test_many_channels_and_extreme_numbers_stay_finite(encoder: SeriesEncoder, tmp_path: Path) -> None:
    constant, random = np.full(40, 7.0), np.random.default_rng(1)
    tables = [
        {"x": constant},
        {"x": 0 * constant},
        {"x": 1e300 * random.normal(size=40)},
        {"x": 1e-300 * random.normal(size=40)},
        {"x": np.array([1.0, 2.0])},
        {str(number): random.normal(size=40) for number in range(100)},
    ]
    encoded = rows(encoder, tmp_path, *tables)
    assert encoded.isfinite().all()
    torch.testing.assert_close(encoded.norm(dim=1), torch.ones(len(tables)))


def test_a_long_series_is_near_its_own_half_rate(encoder: SeriesEncoder, tmp_path: Path) -> None:
    time = np.linspace(0, 60, 20_000)
    wave = np.sin(2 * np.pi * time) + 0.1 * np.random.default_rng(0).normal(size=time.size)
    full, half = rows(encoder, tmp_path, {"x": wave}, {"x": wave[::2]})
    assert full @ half > 0.9


def test_averaging_keeps_the_mean_of_each_stretch() -> None:
    assert _averaged(np.array([1.0, 3, 5, 7, 9, 11]), 3).tolist() == [2, 6, 10]
    assert _averaged(np.arange(7.0), 3).tolist() == [0.5, 2.5, 5]
    assert _averaged(np.arange(3.0), 3).tolist() == [0, 1, 2]


def test_a_kernel_is_a_correlation_at_its_dilation() -> None:
    series = np.random.default_rng(2).normal(size=50)
    found = _convolved(series, 2)
    assert found.shape == (84, 50)
    kernel = np.full(9, -1.0)
    kernel[:3] = 2  # the first of the 84
    dilated = np.zeros(17)
    dilated[::2] = kernel
    np.testing.assert_allclose(found[0], np.convolve(series, dilated[::-1], "same"), atol=1e-5)
    np.testing.assert_allclose(_convolved(np.ones(200), 4)[:, 20:-20], 0, atol=1e-5)  # weights sum to zero


def test_shares_are_of_points_above_the_thresholds() -> None:
    convolutions = RandomConvolutions(3)
    series = standardised(np.random.default_rng(3).normal(size=120))
    shares = convolutions._shares(series)
    assert shares.shape == (convolutions.dim,) == (84 * len(DILATIONS) * 3,)
    first = _convolved(series, 1) > convolutions._thresholds[0][:, :1]
    np.testing.assert_allclose(shares[:84], first.mean(axis=1))


def test_a_bad_file_is_a_problem_and_the_others_are_encoded(encoder: SeriesEncoder, tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", **signals())
    bad = tmp_path / "bad.csv"
    bad.write_text("state\non\noff\n")
    encoded = encode_cached(encoder, [bad, good, tmp_path / "none.csv"], None, workers=0)
    assert encoded.rows.tolist() == [1]
    assert [row for row, _ in encoded.problems] == [0, 2]
    assert "expected numbers only (got 'on' in the column 'state')" in encoded.problems[0][1]
