"""Encoders: one raw observation in, one row of unit length out.

Knows nothing of graphs. To add an encoder, write its file and one line in ENCODERS.
"""

from __future__ import annotations

from collections.abc import Callable

from .base import Encoder, MediaError, resolve_media
from .cache import Encoded, encode_cached
from .engine import Engine, EngineError, LocalEngine
from .remote import fetch_remote

__all__ = [
    "ENCODERS",
    "ENGINES",
    "Encoded",
    "Encoder",
    "Engine",
    "EngineError",
    "LocalEngine",
    "MediaError",
    "encode_cached",
    "fetch_remote",
    "make_encoder",
    "make_engine",
    "resolve_media",
]


def _minilm(device: str) -> Encoder:
    from .text import TextEncoder

    return TextEncoder(device=device)


def _efficientnet_lite0(device: str) -> Encoder:
    from .image import efficientnet_lite0

    return efficientnet_lite0(device)


def _efficientnet_lite0_stages(device: str) -> Encoder:
    from .stages import efficientnet_lite0_stages

    return efficientnet_lite0_stages(device)


def _efficientnet_lite0_lite2(device: str) -> Encoder:
    from .views import efficientnet_lite0_lite2

    return efficientnet_lite0_lite2(device)


def _log_mel(device: str) -> Encoder:
    from .audio import LogMelEncoder

    return LogMelEncoder(device)


def _convolutions(device: str) -> Encoder:
    from .series import SeriesEncoder

    return SeriesEncoder(device)


# The first of each modality is its default; all of these work without a network.
ENCODERS: dict[str, dict[str, Callable[[str], Encoder]]] = {
    "text": {"minilm": _minilm},
    "image": {
        "efficientnet-lite0": _efficientnet_lite0,
        "efficientnet-lite0-stages": _efficientnet_lite0_stages,
        "efficientnet-lite0-lite2": _efficientnet_lite0_lite2,
    },
    "audio": {"log-mel": _log_mel},
    "series": {"convolutions": _convolutions},
}


def make_encoder(
    modality: str, name: str | None = None, device: str = "cpu", *, allow_remote: bool = False
) -> Encoder:
    """The encoder of a name in ENCODERS, by default the first of the modality.

    Other names: for texts a sentence-transformers model or folder; for pictures a torchvision
    classifier, or a CLIP model or folder that sentence-transformers can load; for sounds a transformers
    model or folder such as CLAP or wav2vec 2.

    Args:
        modality: a key of ENCODERS.
        name: which encoder; None for the default.
        device: where to compute, as torch writes it ("cpu", "cuda").
        allow_remote: whether weights that are not on this machine may be downloaded.

    Raises:
        ValueError: there is no such modality or encoder, or its weights are not to be had.
    """
    if modality not in ENCODERS:
        raise ValueError(f"expected a modality of {', '.join(ENCODERS)} (got {modality!r})")
    known = ENCODERS[modality]
    name = next(iter(known)) if name is None else name
    if name in known:
        return known[name](device)
    if modality == "text":
        from .text import TextEncoder

        return TextEncoder(name, device, allow_remote=allow_remote)
    if modality == "image":
        from .image import image_encoder

        return image_encoder(name, device, allow_remote=allow_remote)
    if modality == "audio":
        from .audio_model import AudioModelEncoder

        return AudioModelEncoder(name, device, allow_remote=allow_remote)
    raise ValueError(f"expected one of the {modality} encoders {', '.join(known)} (got {name!r})")


ENGINES = ("local", "ray")
"""Who may encode: threads of this process, or the workers of a Ray cluster."""


def make_engine(name: str, make: Callable[[], Encoder], device: str = "cpu") -> Engine:
    """The engine of a name in ENGINES.

    Args:
        name: which one.
        make: makes the encoder anew where another process encodes.
        device: where the encoder computes.

    Raises:
        EngineError: there is no such engine, or it cannot be reached.
        ImportError: what it needs is not installed.
    """
    if name == "local":
        return LocalEngine()
    if name == "ray":
        from .ray_engine import RayEngine

        return RayEngine(make, gpus=1.0 if device.startswith("cuda") else 0.0)
    raise EngineError(f"expected an engine among {', '.join(ENGINES)} (got {name!r})")
