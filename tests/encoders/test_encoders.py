"""Choosing encoders by name, what importing costs, and the demo's media where they are there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from encoders import ENCODERS, encode_cached, make_encoder

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("SENSEGRAPH_CACHE", ROOT / ".cache"))
STAMPS = CACHE / "stamps" / "media"


def test_an_unknown_modality_or_encoder_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"expected a modality of text, image, audio, series \(got 'smell'\)"
    ):
        make_encoder("smell")
    with pytest.raises(ValueError, match=r"expected one of the series encoders convolutions \(got 'loud'\)"):
        make_encoder("series", "loud")


@pytest.mark.parametrize("modality", list(ENCODERS))
def test_the_first_encoder_of_a_modality_is_its_default(modality: str) -> None:
    first = next(iter(ENCODERS[modality]))
    encoder = make_encoder(modality)
    assert encoder.name == make_encoder(modality, first).name
    assert re.fullmatch(rf"{first}@\d+", encoder.name)
    assert encoder.modality == modality


def test_importing_loads_no_heavy_library() -> None:
    code = """if True:
        import sys
        import encoders, encoders.audio, encoders.image, encoders.picture, encoders.text
        heavy = {"torch", "torchvision", "transformers", "sentence_transformers", "librosa", "scipy", "PIL"}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.stamps
@pytest.mark.skipif(not STAMPS.is_dir(), reason="the demo data is not there")
def test_the_drawings_and_sounds_of_the_demo_can_be_read() -> None:
    drawings = sorted(p for p in STAMPS.rglob("*.svg") if 'pt"' in p.read_text(errors="replace")[:3000])
    assert len(drawings) >= 16
    image = make_encoder("image")
    for path in drawings:
        picture = image.load(path)
        assert picture.float().std() > 5, f"{path} is drawn as nothing"
    sounds = [
        p for p in sorted(STAMPS.rglob("*.ogg")) if any(p.with_suffix(s).exists() for s in (".png", ".svg"))
    ]
    encoded = encode_cached(make_encoder("audio"), sounds, None)
    assert all("got silence" in sentence for _, sentence in encoded.problems)
    similarity = encoded.features @ encoded.features.T
    assert similarity.median() < 0.5
