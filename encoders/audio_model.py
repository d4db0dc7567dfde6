"""Sounds through a trained model by name or folder: CLAP, or what gives a vector a frame (wav2vec 2, HuBERT).

The models come with transformers and are frozen. Knows nothing of file formats: `audio` reads and resamples.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .audio import read_windows
from .hub import missing, model_name

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]

_VERSION = 1  # raise it when the preprocessing changes: cached features are then made anew
_WINDOW_SECONDS = 10  # what CLAP hears at once; a longer sound is described window by window
_SHORTEST = (
    0.1  # s; the convolutions of such models need some frames, so a shorter piece is filled with silence
)


class AudioModelEncoder:
    """A frozen transformers model over windows of sound at the rate that it was trained with.

    Raises:
        ValueError: the files are not here, or are not an audio model.
    """

    modality = "audio"

    def __init__(self, model: str | Path, device: str = "cpu", *, allow_remote: bool = False) -> None:
        import torch

        try:
            self._extractor, self._model = _load(model, allow_remote)
            self._rate = int(self._extractor.sampling_rate)
            self._model = self._model.eval().requires_grad_(False).to(device)
            self._device = torch.device(device)
            self._lock = threading.Lock()
            self.dim = len(self._row(np.zeros(self._rate, dtype=np.float32)))
        except Exception as error:  # the library raises OSError, ValueError, KeyError and others
            raise ValueError(missing(model, error, allow_remote, "transformers audio")) from error
        self.name = f"{model_name(model)}@{_VERSION}"

    def load(self, reference: str | Path) -> list[Floats]:
        """The windows of the sound that are not silent, resampled.

        Raises:
            MediaError: missing, empty, damaged, silent, too long, or not a sound.
        """
        return read_windows(reference, self._rate, _WINDOW_SECONDS)

    def encode(self, items: Sequence[list[Floats]]) -> Tensor:
        """One unit vector a sound: the mean of its windows' unit vectors by their length.

        Shapes: result (n, dim) float32 on the CPU.
        """
        import torch
        from torch.nn.functional import normalize

        rows = torch.zeros(len(items), self.dim)
        for place, windows in enumerate(items):
            for window in windows:
                rows[place] += len(window) * normalize(self._row(window), dim=0)
        return normalize(rows, dim=1)

    def _row(self, window: Floats) -> Tensor:
        """The model over one window: its own vector of the whole, else the mean of its frames.

        Shapes: window (samples,); result (dim,) float32 on the CPU.
        """
        import torch

        filled = np.pad(window, (0, max(0, round(_SHORTEST * self._rate) - len(window))))
        with self._lock:
            inputs = self._extractor(filled, sampling_rate=self._rate, return_tensors="pt").to(self._device)
        with torch.no_grad():
            if hasattr(self._model, "get_audio_features"):
                found = self._model.get_audio_features(**inputs)
                found = getattr(found, "pooler_output", found)
            else:
                found = self._model(**inputs).last_hidden_state.mean(dim=1)
        row: Tensor = found[0].float().cpu()
        return row


def _load(model: str | Path, allow_remote: bool) -> tuple[Any, Any]:
    """The part that prepares a wave and the network; weights as safetensors only, never a pickled program."""
    from huggingface_hub import constants
    from transformers import AutoFeatureExtractor, AutoModel
    from transformers.utils import logging

    had_bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # the caller shows progress
    was_offline = constants.HF_HUB_OFFLINE
    if not allow_remote:
        constants.HF_HUB_OFFLINE = True
    try:
        local = {"local_files_only": not allow_remote}
        extractor = AutoFeatureExtractor.from_pretrained(str(model), **local)  # type: ignore[no-untyped-call]
        return extractor, AutoModel.from_pretrained(str(model), use_safetensors=True, **local)
    finally:
        constants.HF_HUB_OFFLINE = was_offline
        if had_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
