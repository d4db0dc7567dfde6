"""A BERT whose token vectors are averaged, from the files of its folder by torch and tokenizers alone.

The same rows as sentence-transformers gives, without the seconds that its import takes: what a question
to a store waits for. Only a folder that says it is exactly such a model is read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

STEPS = ["Transformer", "Pooling", "Normalize"]
SAID = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
"""What the configuration of a model that is computed here says."""
IN_LAYER = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
"""The parts of torch's encoder layer, and what BERT's files call them."""


def is_mean_bert(folder: Path) -> bool:
    """Whether a sentence-transformers folder is a BERT, the mean of its tokens, and unit length: no more."""
    try:
        steps = [step["type"].rpartition(".")[2] for step in _json(folder / "modules.json")]
        pooling = _json(folder / "1_Pooling" / "config.json")
        config = _json(folder / "config.json")
        prompts = _json(folder / "config_sentence_transformers.json").get("prompts")
        modes = [mode for mode, chosen in pooling.items() if mode.startswith("pooling_mode") and chosen]
        said = SAID.items() <= config.items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # sentence-transformers says what is wrong
    return steps == STEPS and modes == ["pooling_mode_mean_tokens"] and said and not prompts


class MeanBert:
    """The model of such a folder.

    Raises:
        ValueError: a file of the folder is missing or damaged.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        try:
            self._open(folder, device)
        except Exception as error:  # each library has its own kinds
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            raise ValueError(f"expected a sentence-transformers model in {folder} ({reason})") from error

    def _open(self, folder: Path, device: str) -> None:
        config = _json(folder / "config.json")
        weights = load_file(folder / "model.safetensors", device)
        self._words, self._positions, kinds = (
            weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        self._kind = kinds[0]  # one text is always of the first kind
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        self._epsilon: float = config["layer_norm_eps"]
        self._layers = _layers(config, weights)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.max_tokens: int | None = _json(folder / "sentence_bert_config.json")["max_seq_length"]
        self.dim: int = config["hidden_size"]
        self.device = torch.device(device)

    def num_tokens(self, text: str) -> int:
        """How many tokens a text has, those that begin and end it counted."""
        return len(self._tokenizer.encode(text).ids)

    @torch.no_grad()
    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors of texts of `max_tokens` at most: ``(n, dim)`` float32."""
        rows = [torch.tensor(found.ids) for found in self._tokenizer.encode_batch(list(texts))]
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self.device)
        there = torch.arange(tokens.shape[1], device=self.device) < lengths.unsqueeze(1)
        hidden = self._words[tokens] + self._kind + self._positions[: tokens.shape[1]]
        hidden = nn.functional.layer_norm(hidden, (self.dim,), *self._norm, self._epsilon)
        for layer in self._layers:
            hidden = layer(hidden, src_key_padding_mask=None if there.all() else ~there)
        total = (hidden * there.unsqueeze(2)).sum(1)
        return nn.functional.normalize(total / lengths.unsqueeze(1), dim=1)


def _layers(config: dict[str, Any], weights: dict[str, Tensor]) -> list[nn.TransformerEncoderLayer]:
    """BERT's layers as torch's own, which computes each in one call."""
    layers = []
    for number in range(config["num_hidden_layers"]):
        with torch.device("meta"):  # the weights are here: nothing is drawn at random
            layer = nn.TransformerEncoderLayer(
                config["hidden_size"],
                config["num_attention_heads"],
                config["intermediate_size"],
                dropout=0.0,
                activation="gelu",
                layer_norm_eps=config["layer_norm_eps"],
                batch_first=True,
            )
        layer.load_state_dict(_layer_weights(weights, f"encoder.layer.{number}."), assign=True)
        layers.append(layer.eval())
    return layers


def _layer_weights(weights: dict[str, Tensor], at: str) -> dict[str, Tensor]:
    """The weights of one layer by torch's names; query, key and value are one product there."""
    out = {}
    for kind in ("weight", "bias"):
        parts = [weights[f"{at}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        out[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        out |= {f"{ours}.{kind}": weights[f"{at}{theirs}.{kind}"] for ours, theirs in IN_LAYER.items()}
    return out


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
