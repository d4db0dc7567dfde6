"""Sounds through a transformers model in a folder: tiny ones with random weights."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from transformers import (
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)

from encoders import MediaError, encode_cached, make_encoder
from encoders.audio_model import AudioModelEncoder


@pytest.fixture(scope="module")
def wav2vec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "wav2vec"
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_stride=(5, 64), conv_kernel=(10, 64), num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, num_feat_extract_layers=2,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=16_000).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "clap"
    torch.manual_seed(0)
    text = ClapTextConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    audio = ClapAudioConfig(
        patch_embeds_hidden_size=8,
        depths=[1, 1],
        num_attention_heads=[1, 1],
        hidden_size=16,
        num_hidden_layers=2,
    )
    config = ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=12)
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc").save_pretrained(folder)
    return folder


def write(path: Path, hertz: float, seconds: float, rate: int) -> Path:
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate), rate)
    return path


def test_a_folder_is_an_encoder_and_any_sample_rate_is_read(wav2vec: Path, tmp_path: Path) -> None:
    encoder = make_encoder("audio", str(wav2vec))
    assert isinstance(encoder, AudioModelEncoder)
    assert (encoder.modality, encoder.dim) == ("audio", 16)
    assert encoder.name.startswith("wav2vec-")
    files: list[str | Path] = [
        write(tmp_path / "a.wav", 300, 1, 16_000),
        write(tmp_path / "b.wav", 300, 1, 44_100),
        write(tmp_path / "c.wav", 3000, 1, 8_000 * 2),
        write(tmp_path / "short.wav", 300, 0.03, 16_000),
    ]
    encoded = encode_cached(encoder, files, None, workers=0)
    assert encoded.problems == []
    torch.testing.assert_close(encoded.features.norm(dim=1), torch.ones(4))
    assert encoded.features[0] @ encoded.features[1] > 0.999
    assert encoded.features[0] @ encoded.features[1] > encoded.features[0] @ encoded.features[2]
    assert encoder.encode([]).shape == (0, 16)


def test_a_row_is_the_mean_of_the_models_frames(wav2vec: Path, tmp_path: Path) -> None:
    encoder = AudioModelEncoder(wav2vec)
    (window,) = encoder.load(write(tmp_path / "a.wav", 440, 0.5, 16_000))
    inputs = Wav2Vec2FeatureExtractor.from_pretrained(wav2vec)(
        window, sampling_rate=16_000, return_tensors="pt"
    )
    with torch.no_grad():
        mean = Wav2Vec2Model.from_pretrained(wav2vec).eval()(**inputs).last_hidden_state.mean(dim=1)[0]
    torch.testing.assert_close(encoder.encode([[window]])[0], mean / mean.norm())


def test_a_long_sound_is_the_mean_of_its_windows_by_length(wav2vec: Path, tmp_path: Path) -> None:
    encoder = AudioModelEncoder(wav2vec)
    windows = encoder.load(write(tmp_path / "a.wav", 440, 15, 16_000))
    assert [len(window) for window in windows] == [160_000, 80_000]
    first, second = encoder.encode([windows[:1], windows[1:]])
    mean = 2 * first + second
    torch.testing.assert_close(encoder.encode([windows])[0], mean / mean.norm())


def test_clap_gives_its_vector_of_the_whole(clap: Path, tmp_path: Path) -> None:
    encoder = AudioModelEncoder(clap)
    assert encoder.dim == 12
    row = encoder.encode([encoder.load(write(tmp_path / "a.wav", 440, 1, 22_050))])
    assert row.shape == (1, 12)
    torch.testing.assert_close(row.norm(dim=1), torch.ones(1))


def test_what_is_no_audio_model_or_no_sound_is_answered_in_one_sentence(
    wav2vec: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ValueError, match=r"expected a model \(got 'loud', whose weights are not on this machine\)"
    ):
        make_encoder("audio", "loud")
    with pytest.raises(ValueError, match="expected a transformers audio model in the folder"):
        make_encoder("audio", str(tmp_path))
    (tmp_path / "no.wav").write_text("no sound")
    with pytest.raises(MediaError, match="expected a sound"):
        AudioModelEncoder(wav2vec).load(tmp_path / "no.wav")
