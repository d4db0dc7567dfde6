"""BERT by torch alone: sentence-transformers as the oracle, and what is left to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.bert import MeanBert, is_mean_bert
from encoders.text import SentenceModel, _minilm_folder

TEXTS = [
    "a green frog",
    "x",
    "Eine \u00dcn\u00efc\u00f6de-Kuh, na\u0069\u0308ve \u6f22\u5b57 \ufdfd \u200b!",
    "[CLS] [MASK] ##ing [SEP] [PAD]",
    "a bird that cannot fly " * 40,
]
SETTINGS = ("modules.json", "config.json", "config_sentence_transformers.json", "1_Pooling/config.json")


@pytest.fixture(scope="module")
def ours() -> MeanBert:
    return MeanBert(_minilm_folder())


@pytest.fixture(scope="module")
def oracle() -> SentenceModel:
    return SentenceModel(_minilm_folder(), "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the default model says of itself, without its weights."""
    for name in SETTINGS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(_minilm_folder() / name, tmp_path / name)
    return tmp_path


def test_rows_are_those_of_sentence_transformers(ours: MeanBert, oracle: SentenceModel) -> None:
    rows = ours.vectors(TEXTS)
    torch.testing.assert_close(rows, oracle.vectors(TEXTS), atol=1e-6, rtol=0)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(TEXTS)))
    assert (ours.dim, ours.max_tokens) == (oracle.dim, oracle.max_tokens) == (384, 256)


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_has_the_tokens_and_the_row_of_sentence_transformers(
    ours: MeanBert, oracle: SentenceModel, text: str
) -> None:
    assert ours.num_tokens(text) == oracle.num_tokens(text)
    torch.testing.assert_close(ours.vectors([text]), oracle.vectors([text]), atol=1e-6, rtol=0)


def test_a_row_does_not_depend_on_the_texts_beside_it(ours: MeanBert) -> None:
    alone = torch.cat([ours.vectors([text]) for text in TEXTS])
    torch.testing.assert_close(ours.vectors(TEXTS), alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.vectors(TEXTS[::-1]), alone.flip(0), atol=1e-6, rtol=0)


def test_the_default_says_that_it_is_such_a_model(folder: Path) -> None:
    assert is_mean_bert(_minilm_folder())
    assert is_mean_bert(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False}),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
    ],
)
def test_a_model_that_says_something_else_is_not_read(
    folder: Path, file: str, change: dict[str, Any]
) -> None:
    said = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(said | change))
    assert not is_mean_bert(folder)


@pytest.mark.parametrize("steps", [[], [0, 1], [1, 0, 2], [0, 1, 1], [0, 1, 2, 2]])
def test_a_model_of_other_steps_is_not_read(folder: Path, steps: list[int]) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([modules[step] for step in steps]))
    assert not is_mean_bert(folder)


@pytest.mark.parametrize("file", SETTINGS)
@pytest.mark.parametrize("content", [None, "", "[1]", "3", "{"])
def test_a_folder_with_a_file_missing_or_damaged_is_not_read(
    folder: Path, file: str, content: str | None
) -> None:
    (folder / file).unlink() if content is None else (folder / file).write_text(content)
    assert not is_mean_bert(folder)


def test_a_folder_without_weights_is_refused_in_one_sentence(folder: Path) -> None:
    with pytest.raises(ValueError, match=f"expected a sentence-transformers model in {folder} "):
        MeanBert(folder)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from encoders import make_encoder; make_encoder('text').encode(['a frog'])\n"
        "heavy = {'sentence_transformers', 'transformers', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert (done.returncode, done.stderr) == (0, "")
