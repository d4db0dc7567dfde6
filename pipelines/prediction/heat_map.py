"""Where in its picture the evidence for an entity's prediction stands: a heat map, and its peak.

The pictures are read anew for it, so a store keeps no row for each cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import torch
from torch import Tensor

from encoders import make_encoder
from encoders.base import MediaError, RegionEncoder
from encoders.image import DEFAULT
from encoders.picture import PictureReader
from fusion.label import LabelModel, Memory
from fusion.regions import enlarged, shares, smoothed
from kg.graph import KnowledgeGraph
from pipelines.prediction.predictor import Place, PredictionError, Predictor
from pipelines.senses.encoding import MediaAccess

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE = "image"
SIDE = 448
"""Pixels of a map and of the picture that it is drawn over."""


@dataclass(frozen=True)
class HeatMap:
    """One picture, and what each of its places adds to the predicted class.

    Shapes: ``heat (height, width)``, logits for each cell's area, as large as `picture`.
    """

    picture: Image
    heat: Tensor
    place: Place

    @property
    def peak(self) -> tuple[int, int]:
        """Column and row of the greatest heat."""
        row, column = divmod(int(self.heat.argmax()), self.heat.shape[1])
        return column, row


@dataclass(frozen=True)
class HeatMapper:
    """Makes heat maps of the pictures of a graph's entities, by a label model over that graph."""

    model: LabelModel
    memory: Memory
    graph: KnowledgeGraph
    encoder: RegionEncoder
    media: MediaAccess

    @classmethod
    def of(cls, predictor: Predictor, media: MediaAccess, device: str = "cpu") -> HeatMapper:
        """For what a predictor predicts; loads the image model that its store was built with.

        Raises:
            PredictionError: it tells no regions apart, it is another one, or the store has no pictures.
        """
        store = predictor.store
        known = store.manifest["encoders"].get(IMAGE)
        if known is None or IMAGE not in predictor.model.fusion.modalities:
            raise PredictionError(f"expected a store with pictures (got {store.folder}, which has none)")
        encoder = make_encoder(IMAGE, store.settings.encoder.get(IMAGE), device)
        if encoder.name != known:
            raise PredictionError(
                f"expected the image encoder {known} that the store was built with (got {encoder.name})"
            )
        if not isinstance(encoder, RegionEncoder):
            raise PredictionError(
                f"expected an image encoder that tells regions apart, such as {DEFAULT} (got {known})"
            )
        return cls(predictor.model, predictor.memory, predictor.graph, encoder, media)

    def maps(self, entity: int, label: int) -> list[HeatMap]:
        """The maps of all pictures of one entity for a class, that with the highest peak first.

        Raises:
            PredictionError: it has no picture.
            MediaError: none of its pictures can be read.
            ValueError: this network tells no regions apart.
        """
        references = self._pictures(entity)
        if not references:
            iri = self.graph.entities[entity].as_py()
            raise PredictionError(f"expected an entity with a picture to map (got {iri}, which has none)")
        paths, squares = self._readable(references)
        rows = torch.tensor([entity])
        view = self.model.view(self.memory.senses, self.memory.affinity, rows)
        cells = self.encoder.regions(squares)
        known = self.model.counted(rows)
        heat = enlarged(smoothed(shares(self.model, self.memory, view, IMAGE, cells, label, known)), SIDE)
        reader = PictureReader(SIDE)
        found = [_cropped(reader, *pair, one) for pair, one in zip(paths.items(), heat, strict=True)]
        return sorted(found, key=lambda one: -float(one.heat.max()))

    def _pictures(self, entity: int) -> list[str]:
        """The references of an entity's pictures, each once."""
        media = self.graph.media
        rows = media.filter(pc.and_(pc.equal(media["modality"], IMAGE), pc.equal(media["entity"], entity)))
        return sorted(set(rows["reference"].to_pylist()))

    def _readable(self, references: list[str]) -> tuple[dict[str, Path], list[Any]]:
        """Those that can be read, of which the entity's row was made: their files, and what was read."""
        paths, squares, problems = dict[str, Path](), list[Any](), list[MediaError]()
        for reference in references:
            try:
                path = self.media.resolve(reference)
                squares.append(self.encoder.load(path))
                paths[reference] = path
            except MediaError as error:
                problems.append(error)
        if not paths:
            raise problems[0]
        return paths, squares


def _cropped(reader: PictureReader, reference: str, path: Path, heat: Tensor) -> HeatMap:
    """Cut the white bars off a picture's square and its heat, so that the peak lies inside."""
    frame = reader.frame(path)
    left, top, right, bottom = frame.box
    inside = heat[top:bottom, left:right]
    row, column = divmod(int(inside.argmax()), inside.shape[1])
    x, y = frame.pixel(left + column + 0.5, top + row + 0.5)
    return HeatMap(reader.read(path).crop(frame.box), inside, Place(reference, x, y))
