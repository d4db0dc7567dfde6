"""Texts: the MiniLM of the package against sentence-transformers, and nothing ever cut."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from encoders import MediaError, encode_cached, make_encoder
from encoders.bert import MeanBert
from encoders.text import SentenceModel, TextEncoder, _middle, _minilm_folder


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    encoder = make_encoder("text")
    assert isinstance(encoder, TextEncoder)
    return encoder


def test_short_texts_are_what_sentence_transformers_gives(minilm: TextEncoder) -> None:
    texts = ["a green frog", "Eine Kuh.", "x", "a much longer text about a bird that cannot fly " * 5]
    oracle = SentenceTransformer(str(_minilm_folder()), device="cpu", local_files_only=True)
    expected = oracle.encode(texts, convert_to_tensor=True)
    encoded = minilm.encode([minilm.load(text) for text in texts])
    assert encoded.shape == (4, 384)
    assert minilm.dim == 384
    assert minilm.name == "minilm@1"
    assert not encoded.requires_grad
    torch.testing.assert_close(encoded, expected, atol=1e-6, rtol=0)


def test_a_default_that_is_no_plain_bert_goes_through_sentence_transformers(
    minilm: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(minilm._model, MeanBert)
    monkeypatch.setattr("encoders.bert.is_mean_bert", lambda folder: False)
    other = TextEncoder()
    assert isinstance(other._model, SentenceModel)
    assert (other.name, other.dim) == (minilm.name, minilm.dim)
    texts = ["a green frog", "the frog sits in the pond . " * 100]
    torch.testing.assert_close(other.encode(texts), minilm.encode(texts), atol=1e-6, rtol=0)


def test_meaning_is_near(minilm: TextEncoder) -> None:
    dog, puppy, lorry = minilm.encode(["a dog", "a small puppy", "a heavy lorry"])
    assert dog @ puppy > dog @ lorry + 0.3


def test_a_long_text_is_the_mean_of_its_parts_by_length(minilm: TextEncoder) -> None:
    text = "the frog sits in the pond . " * 60 + "a red lorry stands in the street . " * 60
    chunks = minilm._chunks(text)
    assert "".join(chunk for chunk, _ in chunks) == text
    assert all(length <= 256 for _, length in chunks)
    assert len(chunks) > 2
    rows = minilm.encode([chunk for chunk, _ in chunks])
    mean = (rows * torch.tensor([float(length) for _, length in chunks]).unsqueeze(1)).sum(0)
    torch.testing.assert_close(minilm.encode([text])[0], mean / mean.norm(), atol=1e-5, rtol=1e-4)


def test_the_end_of_a_long_text_counts(minilm: TextEncoder) -> None:
    beginning = "the frog sits in the pond . " * 100
    with_end, query = minilm.encode([beginning + "a red lorry stands in the street . " * 60, "a red lorry"])
    assert with_end @ query > minilm.encode([beginning])[0] @ query + 0.1


@pytest.mark.parametrize(
    "text",
    ["word " * 20_000, "x" * 100_000, "!" * 5_000, "\u3042" * 2_000, "\ufdfd" * 1_000, "a\u0301" * 900],
)
def test_every_chunk_of_any_text_fits_and_none_is_lost(minilm: TextEncoder, text: str) -> None:
    chunks = minilm._chunks(text)
    assert "".join(chunk for chunk, _ in chunks) == text
    assert all(length <= 256 for _, length in chunks)


@pytest.mark.slow
def test_a_text_of_100_000_characters_is_encoded_in_reasonable_time(minilm: TextEncoder) -> None:
    start = time.process_time()
    encoded = encode_cached(minilm, [("the quick brown fox is here " * 4000)[:100_000]], None)
    assert encoded.features.shape == (1, 384)
    assert time.process_time() - start < 60


def test_cuts_are_made_between_words() -> None:
    assert _middle("aaaa bbbb cccc dddd") in (5, 10)
    assert _middle("aa bb") == 3
    assert _middle("abcdef") == 3
    assert _middle("ab") == 1
    assert _middle("a ") == 1


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000"])
def test_an_empty_text_is_refused(minilm: TextEncoder, text: str) -> None:
    with pytest.raises(MediaError, match=r"expected a text \(got only white space\)"):
        minilm.load(text)


def test_a_text_beyond_the_limit_is_refused_not_cut(minilm: TextEncoder) -> None:
    with pytest.raises(MediaError, match=r"expected at most 1000000 characters \(got 1000001\): split it"):
        minilm.load("x" * 1_000_001)


def test_half_a_surrogate_pair_does_no_harm(minilm: TextEncoder) -> None:
    assert minilm.encode([minilm.load("a\ud800b")]).isfinite().all()


def test_no_texts_give_no_rows(minilm: TextEncoder) -> None:
    assert minilm.encode([]).shape == (0, 384)


def test_threads_share_an_encoder(minilm: TextEncoder) -> None:
    texts = [f"{word} number {i}" * (1 + 40 * (i % 3)) for i in range(8) for word in ("cat", "dog")]
    expected = minilm.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        rows = torch.cat(list(pool.map(lambda text: minilm.encode([text]), texts)))
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=1e-4)


def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []  # the libraries may swallow what is raised here

    def refuse(*address: object) -> None:
        used.append(address)
        raise OSError("there is no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    make_encoder("text").encode(["a text"])
    with pytest.raises(ValueError, match="'someone/no-such-model', whose weights are not on this machine"):
        make_encoder("text", "someone/no-such-model")
    assert used == []


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"expected a sentence-transformers model in the folder {tmp_path}"):
        make_encoder("text", str(tmp_path))


def test_a_folder_gives_the_same_rows_under_a_name_of_its_content(minilm: TextEncoder) -> None:
    encoder = make_encoder("text", str(_minilm_folder()))
    assert encoder.name.startswith("model-")
    assert encoder.name != minilm.name
    torch.testing.assert_close(encoder.encode(["a frog"]), minilm.encode(["a frog"]))


def test_loading_and_encoding_say_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    make_encoder("text").encode(["a text", "a long text " * 500])
    assert capfd.readouterr() == ("", "")
