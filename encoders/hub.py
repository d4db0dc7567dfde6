"""Models by name or folder through sentence-transformers, from this machine unless asked otherwise.

Knows no modality: the text encoder and the CLIP encoder both load here.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_sentence_model(model: str | Path, device: str, *, allow_remote: bool = False) -> SentenceTransformer:
    """A sentence-transformers model: a folder, or a name whose files are on this machine.

    Raises:
        ValueError: the files are not here, or are not such a model.
    """
    from huggingface_hub import constants
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    was_offline = constants.HF_HUB_OFFLINE
    if not allow_remote:  # "local files only" still asks the hub which program this may be
        constants.HF_HUB_OFFLINE = True
    had_bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # the caller shows progress
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = SentenceTransformer(str(model), device=device, local_files_only=not allow_remote)
    except Exception as error:  # the libraries below raise OSError, ValueError, KeyError and others
        raise ValueError(missing(model, error, allow_remote)) from error
    finally:
        constants.HF_HUB_OFFLINE = was_offline
        if had_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    loaded.eval()
    return loaded


def missing(
    model: str | Path, error: Exception, allow_remote: bool, kind: str = "sentence-transformers"
) -> str:
    """Why a model could not be loaded, in one sentence."""
    if Path(model).is_dir():
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return f"expected a {kind} model in the folder {model} ({reason})"
    where = "cannot be had" if allow_remote else "are not on this machine"
    return (
        f"expected a model (got {str(model)!r}, whose weights {where}): "
        "give a local folder that holds it, or leave the name out for the default"
    )


def model_name(model: str | Path) -> str:
    """What identifies a model in caches and stores: its name, or its folder's name and content."""
    folder = Path(model)
    if not folder.is_dir():
        return str(model)
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.resolve().name}-{digest.hexdigest()[:16]}"
