"""What the picture encoder can name by itself, in the space of the texts: read, encoded, kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from encoders.base import Encoder, NamingEncoder
from encoders.cache import encode_cached
from fusion.names import Names
from pipelines.files import save_tensors

NAMES = "names.safetensors"
SHOWN, TOLD = "image", "text"


def names_of(encoders: Mapping[str, Encoder], cache: Path) -> Names | None:
    """The names that the encoder of pictures knows, read by that of texts; None where one of both cannot.

    Args:
        encoders: the encoders by modality.
        cache: folder where features are kept.
    """
    pictures, texts = encoders.get(SHOWN), encoders.get(TOLD)
    naming = pictures.naming() if isinstance(pictures, NamingEncoder) else None
    if naming is None or texts is None:
        return None
    encoded = encode_cached(texts, naming.names, cache / "features")
    return Names(SHOWN, TOLD, naming.directions[encoded.rows], encoded.features)


def write_names(names: Names, file: Path) -> None:
    """Write them beside the features."""
    save_tensors({"directions": names.directions, "vectors": names.vectors}, file)


def read_names(file: Path) -> Names:
    """Read what `write_names` wrote."""
    from safetensors.torch import load_file

    tensors = load_file(file)
    return Names(SHOWN, TOLD, tensors["directions"], tensors["vectors"])
