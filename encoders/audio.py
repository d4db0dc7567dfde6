"""Sounds to vectors without a trained model: how loud each band is, how it varies, how it moves.

Statistics of the log-mel spectrogram over time, relative to the sound's own level, so that gain,
padding and a shift in time change nothing. Knows nothing of speech or music. Runs on the CPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import MediaError, read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]

_VERSION = 1  # raise it when the features change: cached ones are then made anew
SAMPLE_RATE = 22050  # Hz, to which every sound is resampled
RATES = (1_000, 384_000)  # Hz, what is taken for a sound
MAX_SECONDS = 4 * 3600  # more would be a recording session: minutes of work for one row
_MAX_CHANNELS = 32
_WINDOW_SECONDS = 30  # a longer sound is described window by window, then averaged
_SILENCE = 1e-4  # -80 dB of full scale
_FRAME, _HOP, _BANDS = 1024, 256, 64
_FLOOR = 60.0  # dB under the loudest point of the window, where a band counts as empty
_FADE = 50.0  # dB over which a quiet frame loses its weight
_COEFFICIENTS = 32
# The middle and the spread of natural sounds: 25 dB fall from the lowest to the highest band,
# 10 dB of variation, 4 dB of movement from frame to frame. Taken away, so that two unrelated
# sounds are near a cosine of 0 and not of 1.
_TILT, _VARIATION, _MOVEMENT = 25.0, (10.0, 8.0), (4.0, 3.0)


class LogMelEncoder:
    """Log-mel statistics.

    A row is, of each of 64 bands, the mean, the standard deviation and the mean step between
    frames (each profile as 32 cosine coefficients), and five figures of the spectrum's shape.
    """

    modality = "audio"
    name = f"log-mel@{_VERSION}"
    dim = 3 * _COEFFICIENTS + 5

    def __init__(self, device: str = "cpu") -> None:
        del device  # the arithmetic is too light to be worth a transfer
        from librosa.filters import mel  # librosa.feature would compile for 20 s on first use

        self._mel: Floats = mel(sr=SAMPLE_RATE, n_fft=_FRAME, n_mels=_BANDS).T

    def load(self, reference: str | Path) -> Floats:
        """Statistics of each window of the sound that is not silent, and its length in frames.

        Shapes: result (windows, dim + 1) float32.

        Raises:
            MediaError: missing, empty, damaged, silent, too long, or not a sound.
        """
        windows = read_windows(reference, SAMPLE_RATE, _WINDOW_SECONDS)
        return np.stack([np.append(self._describe(w), np.float32(w.size)) for w in windows])

    def encode(self, items: Sequence[Floats]) -> Tensor:
        """One unit vector a sound: the mean of its windows by their length.

        Shapes: result (n, dim) float32 on the CPU.
        """
        import torch

        means = [np.average(item[:, :-1], axis=0, weights=item[:, -1]) for item in items]
        rows = np.array(means, dtype=np.float32).reshape(len(items), self.dim)
        return torch.nn.functional.normalize(torch.from_numpy(rows), dim=1)

    def _describe(self, wave: Floats) -> Floats:
        """The statistics of one window.

        Shapes: wave (samples,); result (dim,).
        """
        from scipy.fft import dct

        power = _power(wave)
        mel = power @ self._mel
        decibels = 10 * np.log10(np.maximum(mel, mel.max() * 10 ** (-_FLOOR / 10)))
        loudness = 10 * np.log10(mel.sum(axis=1) + 1e-20)
        weight = np.clip((loudness - loudness.max() + _FADE) / _FADE, 0, 1)

        mean, deviation = _moments(decibels, weight)
        step = np.zeros(_BANDS)
        if len(decibels) > 1:
            steps = np.abs(np.diff(decibels, axis=0))
            step, _ = _moments(steps, np.minimum(weight[1:], weight[:-1]) + 1e-9)
        tilt = np.linspace(_TILT / 2, -_TILT / 2, _BANDS)
        profiles = [
            (mean - mean.mean() - tilt) / 12,  # relative to its own level
            (deviation - _VARIATION[0]) / _VARIATION[1],
            (step - _MOVEMENT[0]) / _MOVEMENT[1],
        ]
        # Neighbouring bands say the same: cosine coefficients part what they share from what is
        # fine, and the weight gives the fine part its voice.
        voice = np.sqrt(1 + np.arange(_COEFFICIENTS))
        coefficients = [dct(p, norm="ortho")[:_COEFFICIENTS] * voice for p in profiles]
        return np.concatenate([*coefficients, _shape(power, weight)]).astype(np.float32)


class _RefusedError(Exception):
    pass


def read_windows(reference: str | Path, rate: int, seconds: int) -> list[Floats]:
    """The sound as mono at `rate` Hz, whatever its own is, in pieces of `seconds`, the silent ones left out.

    Raises:
        MediaError: missing, empty, damaged, silent, too long, or not a sound.
    """
    content = read_bytes(reference, "a sound", limit_bytes=2 * 2**30)
    try:
        windows = list(_windows(content, rate, seconds))
    except _RefusedError as error:
        raise MediaError(reference, str(error)) from error
    except Exception as error:  # soundfile and soxr raise RuntimeError and kinds of their own
        reason = re.sub(r"Error opening <.*?>: ", "", str(error)).rstrip(". ")
        reason = f"a damaged or unknown file: {reason or type(error).__name__}"
        raise MediaError(reference, f"expected a sound (got {reason})") from error
    loud = [window for window in windows if np.abs(window).max() >= _SILENCE]
    if not loud:
        raise MediaError(reference, "expected a sound (got silence, below -80 dB throughout)")
    return loud


def _windows(content: bytes, rate: int, seconds: int) -> Iterator[Floats]:
    """The pieces in turn; never the whole sound at its own rate in memory."""
    import soundfile
    import soxr  # type: ignore[import-untyped]

    with soundfile.SoundFile(BytesIO(content)) as file:
        _check(file)
        pieces: list[Floats] = []
        read = 0
        for block in file.blocks(blocksize=file.samplerate, dtype="float32", always_2d=True):
            if not np.isfinite(block).all():
                raise _RefusedError("expected a sound (got samples that are not numbers)")
            read += len(block)
            pieces.append(block.mean(axis=1))
            if len(pieces) == seconds:
                yield soxr.resample(np.concatenate(pieces), file.samplerate, rate)
                pieces = []
        # The length of an MP3 is an estimate; all others know it.
        if file.format != "MP3" and read < file.frames:
            raise _RefusedError(_truncated(f"{read} of {file.frames} samples"))
        if read < file.samplerate // 50:
            raise _RefusedError(f"expected a sound of at least 20 ms (got {read} samples)")
        if pieces:
            yield soxr.resample(np.concatenate(pieces), file.samplerate, rate)


def _check(file: Any) -> None:
    """Refuse, before anything is decoded, what is absurd or visibly cut off."""
    low, high = RATES
    if not low <= file.samplerate <= high:
        raise _RefusedError(f"expected a sample rate of {low} to {high} Hz (got {file.samplerate})")
    if file.channels > _MAX_CHANNELS:
        raise _RefusedError(f"expected at most {_MAX_CHANNELS} channels (got {file.channels})")
    log = file.extra_info
    # libsndfile reads what is left of a cut file; only its log tells. Writers to a pipe state the
    # largest length or none.
    for stated, found in re.findall(r"(\d+) \(should be (\d+)\)", log):
        if int(stated) < 0xFFFFFF00 and int(stated) > int(found) + 8:
            raise _RefusedError(_truncated(f"{found} of {stated} bytes"))
    if "End-Of-Stream" in log or "lacks an end-of-stream" in log:
        raise _RefusedError(_truncated("no end of the stream"))
    if file.frames > MAX_SECONDS * file.samplerate:
        hours = MAX_SECONDS // 3600
        length = file.frames / file.samplerate / 3600
        raise _RefusedError(f"expected at most {hours} hours (got {length:.1f}): split it")


def _truncated(got: str) -> str:
    return f"expected a whole sound (got a truncated file: {got})"


def _power(wave: Floats) -> Floats:
    """The power spectrum of overlapping frames.

    Shapes: wave (samples,); result (frames, 513).
    """
    padded = np.pad(wave, _FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    window = np.hanning(_FRAME + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32)


def _moments(values: NDArray[Any], weight: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weighted mean and standard deviation over time."""
    mean = np.average(values, axis=0, weights=weight)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))


def _shape(power: Floats, weight: Floats) -> Floats:
    """Centroid, bandwidth and roll-off of the spectrum in octaves around 1500 Hz.

    Shapes: power (frames, 513), weight (frames,); result (5,).
    """
    frequency = np.linspace(0, SAMPLE_RATE / 2, power.shape[1], dtype=np.float32)
    share = power / np.maximum(power.sum(axis=1, keepdims=True), 1e-20)
    centroid = share @ frequency
    variance = share @ frequency**2 - centroid**2
    rolloff = frequency[(share.cumsum(axis=1) >= 0.85).argmax(axis=1)]
    hertz = np.stack([centroid, np.sqrt(np.maximum(variance, 0)), rolloff], axis=1)
    mean, deviation = _moments(np.log2(np.maximum(hertz, 50) / 1500), weight)
    return np.append(mean, 2 * deviation[[0, 2]] - 1)
