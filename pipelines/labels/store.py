"""How a store keeps what was learned of a target: a safetensors file and a JSON, in the folder `labels`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from encoders.number import Standard
from fusion import FUSIONS
from fusion.label import LabelModel
from pipelines.labels.learn import Learned
from pipelines.settings import Settings
from pipelines.store.store import save_tensors, write_json


def save_learned(learned: Learned, folder: Path, number: int) -> None:
    """Write one target's model, and beside it the description that rebuilds it and names the classes."""
    folder.mkdir(exist_ok=True)
    lesson, model = learned.lesson, learned.labeller.model
    save_tensors(model.state_dict(), folder / f"{number}.safetensors")
    standard = lesson.standard
    about = {
        "target": lesson.target.iri,
        "names": list(lesson.target.names),
        "temperature": learned.labeller.temperature,
        "hidden": sorted(lesson.hidden),
        "scores": learned.scores,
        "sentences": learned.sentences(),
        "fusion": {
            "feature_sizes": {name: rows.shape[1] for name, rows in lesson.joint.features.items()},
            "context": list(model.fusion.context),
        },
        "num_relations": int(lesson.joint.edges.relations.num_columns),
        "structured": model.structure is not None,
        "standard": None if standard is None else standard.as_json(),
    }
    write_json(folder / f"{number}.json", about)


@dataclass(frozen=True)
class Kept:
    """A target's model as a store keeps it: its description and its tensors."""

    about: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def load(cls, folder: Path, number: int) -> Kept:
        """Read what `save_learned` wrote."""
        from safetensors.torch import load_file

        about = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
        return cls(about, load_file(folder / f"{number}.safetensors"))

    @property
    def standard(self) -> Standard | None:
        """The scales of the numbers."""
        known = self.about["standard"]
        return None if known is None else Standard.from_json(known)

    def labeller(self, settings: Settings, moved: NDArray[np.int64], num_entities: int) -> LabelModel:
        """The model over a graph in which entity ``i`` has become ``moved[i]``."""
        shape = self.about["fusion"]
        width = settings.structure_width if self.about["structured"] else 0
        fusion = FUSIONS[settings.fusion](
            shape["feature_sizes"],
            self.about["num_relations"],
            context=tuple(shape["context"]),
            structure_width=width,
            width=settings.label_width,
        )
        place = torch.from_numpy(moved)
        state = dict(self.tensors)
        known = state["class_entities"]
        state["class_entities"] = torch.where(known >= 0, place[known.clamp(min=0)], known)
        entity, label = state["examples"]
        state["examples"] = torch.stack([place[entity], label])
        # entities that the training did not know have no row of their own: as those it was to predict
        for name, fill in (("candidates", True), ("structure.rows", 0.0)):
            if name in state:
                rows = state[name].new_full((num_entities, *state[name].shape[1:]), fill)
                state[name] = rows.index_copy(0, place, state[name])
        model = LabelModel(
            fusion,
            state["candidates"],
            state["class_entities"],
            state["examples"],
            self.about["num_relations"],
            structure_width=width,
            learn_absent=settings.learn_absent,
        )
        model.load_state_dict(_of_today(state, model))
        return model.eval()


def _of_today(state: dict[str, Tensor], model: LabelModel) -> dict[str, Tensor]:
    """The tensors; an older store knows no nearest examples, and no trust that depends on what is missing."""
    if "kept" in state:
        return state
    more = len(model.prototypes.names) - len(state["prototypes.gain"])
    padded = {
        f"prototypes.{name}": functional.pad(state[f"prototypes.{name}"], (0, more), value=value)
        for name, value in (("gain", float("-inf")), ("spread", 1.0))
    }
    return {**model.state_dict(), **state, **padded}
