"""What a prediction says, and that there can be none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class PredictionError(ValueError):
    """A question for a value that the store cannot answer."""


@dataclass(frozen=True)
class Place:
    """A place in a picture: pixels from its left and its upper edge."""

    picture: str
    x: float
    y: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"picture": self.picture, "place": [round(self.x, 1), round(self.y, 1)]}


@dataclass(frozen=True)
class Prediction:
    """The likeliest value of a property for one entity.

    `modalities` tells how much of the probability each source of evidence brought: what is lost without it.
    `prediction` is None where the model abstains; `likeliest` names the value all the same. `place` is where
    in its picture the evidence stands, if that was asked for (see pipelines.prediction.heat_map).
    """

    entity: str
    label: str
    prediction: str | None
    likeliest: str
    likeliest_label: str
    probability: float
    modalities: dict[str, float]
    place: Place | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; a place only where one was asked for."""
        place = {} if self.place is None else self.place.as_json()
        return {
            "entity": self.entity,
            "prediction": self.prediction,
            "probability": self.probability,
            "modalities": self.modalities,
            **place,
        }
