"""Sounds: what the features ignore, what they tell apart, and what is no sound."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from encoders import MediaError, encode_cached
from encoders.audio import SAMPLE_RATE, LogMelEncoder, _power

RATE = SAMPLE_RATE


@pytest.fixture(scope="module")
def encoder() -> LogMelEncoder:
    return LogMelEncoder()


def seconds(length: float, rate: int = RATE) -> NDArray[np.float64]:
    return np.arange(int(length * rate)) / rate


def sounds(rate: int = RATE) -> dict[str, NDArray[np.float64]]:
    """Four unlike sounds of 1.5 s."""
    t = seconds(1.5, rate)
    noise = np.random.default_rng(0).normal(size=t.size)
    return {
        "whistle": 0.3 * np.sin(2 * np.pi * 2000 * t) * np.exp(-t),
        "hum": 0.2
        * sum(np.sin(2 * np.pi * 100 * k * t) / k for k in range(1, 9))
        * (1 + 0.2 * np.sin(9 * t)),
        "hiss": 0.1 * noise * np.exp(-((t - 0.7) ** 2) / 0.1),
        "knocks": 0.5 * noise * np.exp(-30 * (t % 0.25)),
    }


def rows(
    encoder: LogMelEncoder, folder: Path, waves: list[NDArray[np.float64]], rate: int = RATE
) -> torch.Tensor:
    items = []
    for i, wave in enumerate(waves):
        soundfile.write(folder / f"{i}.wav", wave, rate, subtype="FLOAT")
        items.append(encoder.load(folder / f"{i}.wav"))
    return encoder.encode(items)


def test_unlike_sounds_are_apart_and_rows_have_unit_length(encoder: LogMelEncoder, tmp_path: Path) -> None:
    encoded = rows(encoder, tmp_path, list(sounds().values()))
    assert encoded.shape == (4, encoder.dim)
    torch.testing.assert_close(encoded.norm(dim=1), torch.ones(4))
    similarity = encoded @ encoded.T
    assert similarity[~torch.eye(4, dtype=torch.bool)].max() < 0.8


@pytest.mark.parametrize("name", list(sounds()))
def test_gain_silence_and_shift_change_next_to_nothing(
    encoder: LogMelEncoder, tmp_path: Path, name: str
) -> None:
    wave = sounds()[name]
    shift = np.zeros(int(0.05 * RATE))
    variants = [
        wave,
        wave * 10 ** (-3 / 20),
        wave * 1e-3,
        np.concatenate([shift, wave]),
        np.concatenate([wave, np.zeros(3 * RATE)]),
    ]
    encoded = rows(encoder, tmp_path, variants)
    similarity = encoded[1:] @ encoded[0]
    assert similarity[0] > 0.9999
    assert similarity.min() > 0.98


def test_sample_rate_channels_and_format_change_little(encoder: LogMelEncoder, tmp_path: Path) -> None:
    own = rows(encoder, tmp_path, [sounds()["hum"]])[0]
    for rate, suffix, subtype in (
        (44100, "wav", "PCM_16"),
        (48000, "flac", "PCM_24"),
        (44100, "ogg", "VORBIS"),
    ):
        wave = sounds(rate)["hum"]
        path = tmp_path / f"x.{suffix}"
        soundfile.write(path, np.stack([wave, wave], axis=1), rate, subtype=subtype)
        assert encoder.encode([encoder.load(path)])[0] @ own > 0.9, suffix
    soundfile.write(tmp_path / "x.mp3", sounds(44100)["hum"], 44100)
    assert encoder.encode([encoder.load(tmp_path / "x.mp3")])[0] @ own > 0.8


def test_a_long_sound_is_described_whole_window_by_window(encoder: LogMelEncoder, tmp_path: Path) -> None:
    hum, hiss = np.tile(sounds()["hum"], 20), np.tile(sounds()["hiss"], 20)  # 30 s each
    soundfile.write(
        tmp_path / "x.wav", np.concatenate([hum, np.zeros(30 * RATE), hiss, hum[: RATE * 15]]), RATE
    )
    item = encoder.load(tmp_path / "x.wav")
    assert item.shape == (3, encoder.dim + 1), "the silent window is left out"
    assert item[:, -1].tolist() == [30 * RATE, 30 * RATE, 15 * RATE]
    expected = (item[0] + item[1] + item[2] / 2)[:-1]
    encoded = encoder.encode([item])[0]
    torch.testing.assert_close(encoded, torch.from_numpy(expected / np.linalg.norm(expected)))


def test_the_spectrum_of_a_sine_is_where_it_belongs() -> None:
    power = _power(np.sin(2 * np.pi * 1000 * seconds(0.5)).astype(np.float32))
    assert power.shape[1] == 513
    bins = power[2:-2].argmax(axis=1)
    assert set(bins.tolist()) == {round(1000 / (RATE / 1024))}


def test_no_sounds_give_no_rows(encoder: LogMelEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_the_same_sound_gives_the_same_bits(encoder: LogMelEncoder, tmp_path: Path) -> None:
    first = rows(encoder, tmp_path, [sounds()["hum"]])
    assert torch.equal(first, rows(encoder, tmp_path, [sounds()["hum"]]))


def _write(path: Path, kind: str) -> None:
    wave = sounds()["hum"]
    if kind.startswith("cut "):
        whole = path.with_suffix("." + kind.split()[1])
        soundfile.write(whole, np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
        content = whole.read_bytes()
        path.write_bytes(content[: int(len(content) * 0.6)])
    elif kind == "rate":
        soundfile.write(path, wave, 2_000_000, format="WAV")
    elif kind == "low rate":
        soundfile.write(path, wave, 5, format="WAV")
    elif kind == "channels":
        soundfile.write(path, np.zeros((100, 40)), RATE, format="WAV")
    elif kind in ("nan", "silent", "faint", "short"):
        bad = {"nan": wave.copy(), "silent": wave * 0, "faint": wave * 1e-5, "short": wave[:100]}[kind]
        bad[50] = np.nan if kind == "nan" else bad[50]
        soundfile.write(path, bad, RATE, subtype="FLOAT", format="WAV")
    else:
        path.write_bytes({"text": b"no sound", "zeros": bytes(1000), "head": b"OggS\0\2", "empty": b""}[kind])


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("cut wav", "got a truncated file"),
        ("cut aiff", "got a truncated file"),
        ("cut ogg", "got a truncated file"),
        ("cut flac", "got a damaged or unknown file"),
        ("silent", "got silence, below -80 dB throughout"),
        ("faint", "got silence, below -80 dB throughout"),
        ("nan", "got samples that are not numbers"),
        ("short", "expected a sound of at least 20 ms"),
        ("rate", r"expected a sample rate of 1000 to 384000 Hz \(got 2000000\)"),
        ("low rate", r"expected a sample rate of 1000 to 384000 Hz \(got 5\)"),
        ("channels", r"expected at most 32 channels \(got 40\)"),
        ("text", "got a damaged or unknown file: Format not recognised"),
        ("zeros", "got a damaged or unknown file"),
        ("head", "got a damaged or unknown file"),
        ("empty", "got an empty file"),
    ],
)
def test_what_is_no_sound_is_one_sentence(
    encoder: LogMelEncoder, tmp_path: Path, kind: str, sentence: str
) -> None:
    path = tmp_path / "bad.wav"
    _write(path, kind)
    with pytest.raises(MediaError, match=rf"bad\.wav: .*{sentence}") as caught:
        encoder.load(path)
    assert "\n" not in str(caught.value)
    assert "object at" not in str(caught.value)


def test_a_sound_written_to_a_pipe_states_no_length_and_is_whole(
    encoder: LogMelEncoder, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "x.wav", sounds()["hum"], RATE, subtype="PCM_16")
    content = bytearray((tmp_path / "x.wav").read_bytes())
    data = content.index(b"data") + 4
    content[4:8] = content[data : data + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "x.wav").write_bytes(content)
    assert encoder.load(tmp_path / "x.wav").shape == (1, encoder.dim + 1)


def test_a_sound_that_is_too_long_is_refused_by_its_header(encoder: LogMelEncoder, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.flac", np.zeros(1001 * 4 * 3600), 1000, subtype="PCM_S8")
    with pytest.raises(MediaError, match=r"expected at most 4 hours \(got 4\.0\): split it"):
        encoder.load(tmp_path / "x.flac")


def test_the_cache_reports_bad_sounds(encoder: LogMelEncoder, tmp_path: Path) -> None:
    _write(tmp_path / "silent.wav", "silent")
    soundfile.write(tmp_path / "good.wav", sounds()["hum"], RATE)
    encoded = encode_cached(encoder, [tmp_path / "silent.wav", tmp_path / "good.wav"], tmp_path / "cache")
    assert encoded.rows.tolist() == [1]
    assert "silent.wav: expected a sound (got silence" in encoded.problems[0][1]
