"""A small decoder from what a picture is to the model back to a picture: to see what is kept of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.training.course import Course

SIDE = 64
NOISE = 0.1


class PictureDecoder(nn.Module):
    """A perceptron to 8 x 8 cells, then three transposed convolutions.

    Shapes: unit vectors ``(b, width) -> (b, 3, 64, 64)`` in [0, 1].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = nn.Sequential(
            nn.Linear(width, 512), nn.GELU(), nn.Dropout(0.2), nn.Linear(512, 64 * 8 * 8), nn.GELU()
        )
        self.pixels = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.GELU(),
            nn.ConvTranspose2d(32, 16, 4, 2, 1),
            nn.GELU(),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Draw."""
        # unit vectors of many numbers are small ones each
        cells = self.cells(vectors * vectors.shape[1] ** 0.5)
        out: Tensor = self.pixels(cells.view(-1, 64, 8, 8)).sigmoid()
        return out


def train_decoder(
    vectors: Tensor,
    pictures: Tensor,
    valid: Tensor,
    *,
    epochs: int = 100,
    patience: int = 15,
    seed: int = 0,
) -> PictureDecoder:
    """Learn to draw by the squared error of pixels; keep the state of the best validation.

    Args:
        vectors: ``(m, width)`` unit vectors.
        pictures: ``(m, 3, 64, 64)`` in [0, 1].
        valid: ``(m,) bool``, those that only choose.
        epochs: most passes.
        patience: passes without a gain before it stops.
        seed: of all that is random.

    Raises:
        ValueError: if either part is empty, or a loss is no number in the first pass.
    """
    if not bool(valid.any()) or bool(valid.all()):
        raise ValueError(
            f"expected pictures to learn from and others to choose by (got {int((~valid).sum())} "
            f"and {int(valid.sum())})"
        )
    torch.manual_seed(seed)
    model = PictureDecoder(vectors.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.01)
    train = (~valid).nonzero().squeeze(1)
    course, since = Course("pictures", model), 0
    for _ in range(epochs):
        model.train()
        for batch in torch.split(train[torch.randperm(len(train))], 32):
            shown = vectors[batch]
            shown = shown + NOISE * shown.shape[1] ** -0.5 * torch.randn_like(shown)
            loss = functional.mse_loss(model(shown), pictures[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not course.took(float(loss.detach())):
                break
        if course.stopped or not course.sound():
            break
        error = pixel_error(drawn(model, vectors[valid]), pictures[valid])
        since = 0 if course.judge(-error) else since + 1
        if since >= patience:
            break
    course.restore()
    return model.eval()


@torch.no_grad()
def drawn(model: PictureDecoder, vectors: Tensor) -> Tensor:
    """Pictures of vectors, in blocks: ``(b, width) -> (b, 3, 64, 64)``."""
    model.eval()
    return torch.cat([model(part) for part in torch.split(vectors, 256)])


def pixel_error(one: Tensor, other: Tensor) -> float:
    """Mean squared error of pixels in [0, 1]."""
    return float((one - other).square().mean())
