"""Pictures and sounds that strangers send: looked at before anything is unpacked, kept for one question.

Fewer kinds than a build reads, and less of each: no drawings, no scans, nothing that unpacks to far more than
was sent. What a file is called by its sender is never used.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pipelines.service.problems import ProblemError

MOST_OCTETS = 20 * 2**20
"""Of one file."""
MOST_PIXELS = 50_000_000
"""Of a picture: what the largest telephone makes."""
MOST_SECONDS, MOST_CHANNELS, MOST_RATE = 300, 8, 192_000
"""Of a sound; the rate in Hz."""
PICTURES = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
SOUNDS = ("WAV", "FLAC", "OGG", "MP3")
WORDS = {"image": "picture", "audio": "sound"}


def received(files: Mapping[str, BinaryIO], folder: Path) -> dict[str, Path]:
    """Write what was sent into a folder of our own, once each file is known to be what it should be.

    Args:
        files: by their names in the form: image, audio, not_image, not_audio.
        folder: an empty folder.

    Raises:
        ProblemError: a file is too large, or not what it should be.
    """
    return {name: _received(name, file, folder / name) for name, file in files.items()}


def _received(name: str, file: BinaryIO, path: Path) -> Path:
    modality = name.removeprefix("not_")
    what = WORDS[modality]
    file.seek(0)
    content = file.read(MOST_OCTETS + 1)
    if len(content) > MOST_OCTETS:
        raise ProblemError(413, f"expected a {what} of at most {MOST_OCTETS >> 20} MB in {name} (got more)")
    path.write_bytes(content)
    try:
        reason = (_picture if modality == "image" else _sound)(path)
    except Exception:  # decoders raise a dozen kinds on damaged files
        reason = "a damaged or unknown file"
    if reason is not None:
        kinds = ", ".join(PICTURES if modality == "image" else SOUNDS)
        raise ProblemError(422, f"expected a {what} in {name}, one of {kinds} (got {reason})")
    return path


def _picture(path: Path) -> str | None:
    """What is wrong with a picture by its head, without unpacking it."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures: they are refused here
        try:
            with Image.open(path, formats=PICTURES) as image:
                width, height = image.size
        except Image.DecompressionBombError:
            return f"more than {MOST_PIXELS // 10**6} million pixels"
    if width * height > MOST_PIXELS:
        return f"{width} x {height} pixels, more than {MOST_PIXELS // 10**6} million"
    return None


def _sound(path: Path) -> str | None:
    """What is wrong with a sound; it is counted piece by piece, as its head may tell another length."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        if file.format not in SOUNDS:
            return "another kind"
        if file.channels > MOST_CHANNELS or file.samplerate > MOST_RATE:
            return (
                f"{file.channels} channels at {file.samplerate} Hz, more than {MOST_CHANNELS} at {MOST_RATE}"
            )
        count = 0
        for block in file.blocks(blocksize=max(file.samplerate, 1024), dtype="int16"):
            count += len(block)
            if count > MOST_SECONDS * file.samplerate:
                return f"more than {MOST_SECONDS} s"
    return None
