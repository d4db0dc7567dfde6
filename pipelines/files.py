"""How files are written, JSON beside and renamed, tensors as safetensors; and where the cache is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cache_folder() -> Path:
    """Where encoded features and fetched files are kept: $SENSEGRAPH_CACHE, else .cache here."""
    return Path(os.environ.get("SENSEGRAPH_CACHE") or ".cache").absolute()


def save_tensors(tensors: Mapping[str, Tensor], path: Path, head: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, with texts in the file's head.

    Raises:
        OSError: the disk says no.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(owned, path, head)
    except SafetensorError as error:  # its error of the disk is no OSError
        raise OSError(str(error)) from error


def write_json(path: Path, value: object) -> None:
    """Write JSON beside and rename."""
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)
