"""What a training left, carried over to other facts: its rows go to the entities and relations they are of.

The files of the training are kept as they were, linked from state to state, beside the names that its rows
stand for. So what a store holds after many updates depends on its facts alone, not on the way there: an
entity that goes and comes back has its row again. One that the training never met has a row of zeros, as
`predict --new` has it; a relation that it never met has no prior and no term of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.number import Standard
from kg.graph import KnowledgeGraph
from kg.rules import Rules
from pipelines.labels.target import stated_classes
from pipelines.senses.numbers import graph_numbers
from pipelines.store.store import Store, save_tensors, write_json
from pipelines.training.completion import FILES as COMPLETION
from pipelines.training.sense_links import BY_RELATION as SENSE_LINKS_BY_RELATION
from pipelines.training.train import concept_split

FOLDER, NAMES, SCALES = "trained", ("entities", "relations"), "scales.json"

BY_RELATION = ("relation_prior", "relation_key", "relation_value", "scorer.relation")
"""Ends of the names of parameters with a row for each relation, and one for each inverse."""

COMPLETION_BY_RELATION = ("relation", *SENSE_LINKS_BY_RELATION)
"""Those of what finds missing facts."""

BY_ENTITY = ("encoder.rows", "structure.rows", "candidates")
"""Ends of the names of those with a row for each entity; who is new may get a label."""


@dataclass(frozen=True)
class Training:
    """The files that a training left, and the names that its rows stand for."""

    folder: Path
    entities: pa.Array
    relations: pa.Array
    standard: Standard | None
    units: dict[str, str]

    @classmethod
    def of(cls, store: Store) -> Training:
        """The training behind a store; behind one that was never updated it is the store itself."""
        kept = store.folder / FOLDER
        if not kept.is_dir():
            standard, units = _scales(store)
            return cls(store.folder, store.graph.entities, store.graph.relations, standard, units)
        entities, relations = (_iris(kept / f"{name}.parquet") for name in NAMES)
        about = json.loads((kept / SCALES).read_text(encoding="utf-8"))
        standard = None if about["standard"] is None else Standard.from_json(about["standard"])
        return cls(kept, entities, relations, standard, about["units"])

    def keep(self, work: Path) -> None:
        """Put the files in a new state, as links to those of the last one."""
        into = work / FOLDER
        into.mkdir()
        parts = ["model.safetensors", *COMPLETION]
        labels = [f"labels/{path.name}" for path in sorted((self.folder / "labels").glob("*.*"))]
        for part in [part for part in (*parts, *labels) if (self.folder / part).exists()]:
            (into / part).parent.mkdir(exist_ok=True)
            linked(self.folder / part, into / part)
        for name in NAMES:
            pq.write_table(pa.table({"iri": getattr(self, name)}), into / f"{name}.parquet")
        standard = None if self.standard is None else self.standard.as_json()
        write_json(into / SCALES, {"standard": standard, "units": self.units})


def _iris(path: Path) -> pa.Array:
    with pq.ParquetFile(path) as file:
        return file.read()["iri"].combine_chunks()


def linked(old: Path, new: Path) -> None:
    """The same file under another name, or a copy where the disk knows no links."""
    import shutil

    try:
        os.link(old, new)
    except OSError:
        shutil.copy2(old, new)


@dataclass(frozen=True)
class Carried:
    """A training over a graph, which knows all the training's relations (see `kg.merge.with_relations`)."""

    training: Training
    graph: KnowledgeGraph

    @cached_property
    def entity(self) -> NDArray[np.int64]:
        """Id in the graph of each entity of the training, -1 for one that is not there, ``(n,)``."""
        return self.graph.entity_ids(self.training.entities.to_pylist())

    @cached_property
    def relation(self) -> NDArray[np.int64]:
        """Id in the graph of each relation of the training, ``(r,)``."""
        found = pc.index_in(self.training.relations, value_set=self.graph.relations)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    @property
    def directed(self) -> int:
        """Relations and their inverses; at least one, as patterns have a column at least."""
        return max(2 * self.graph.num_relations, 1)

    def tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The parameters, their rows where the graph's entities and relations are."""
        out = dict(tensors)
        for name, rows in tensors.items():
            if name.endswith(BY_RELATION):
                out[name] = self._by_relation(rows)
            elif name.endswith(BY_ENTITY):
                out[name] = self._by_entity(rows, fill=name.endswith("candidates"))
        return out

    def weights(self) -> dict[str, Tensor]:
        """The parameters of fusion and links."""
        from safetensors.torch import load_file

        return self.tensors(load_file(self.training.folder / "model.safetensors"))

    def write_labels(self, targets: int, work: Path) -> None:
        """Write the models of the targets; who has a known value by the facts as they are is an example."""
        from safetensors.torch import load_file

        (work / "labels").mkdir(exist_ok=True)
        for number in range(targets):
            name = f"labels/{number}"
            about = json.loads((self.training.folder / f"{name}.json").read_text(encoding="utf-8"))
            state = self.tensors(load_file(self.training.folder / f"{name}.safetensors"))
            known = state["class_entities"]
            moved = torch.from_numpy(self.entity)[known.clamp(min=0)]
            state["class_entities"] = torch.where(known >= 0, moved, known)
            pairs = stated_classes(self.graph, about["target"], about["names"])
            state["examples"] = torch.from_numpy(pairs)
            save_tensors(state, work / f"{name}.safetensors")
            write_json(work / f"{name}.json", about | {"num_relations": self.directed})

    def write_completion(self, structure: Tensor, work: Path) -> None:
        """Write what finds missing facts: the rules of the training over the rows of the entities now."""
        from safetensors.torch import load_file

        folder = self.training.folder
        tensors = load_file(folder / "completion.safetensors") | {"rows": structure}
        tensors |= {
            name: self._by_relation(tensors[name]) for name in COMPLETION_BY_RELATION if name in tensors
        }
        save_tensors(tensors, work / "completion.safetensors")
        linked(folder / "completion.json", work / "completion.json")
        rules = Rules.load(folder / "rules.parquet", np.empty((0, 3), np.int64), 0)
        rules.renumbered(self.relation, self.graph.num_relations).save(work / "rules.parquet")
        with pq.ParquetFile(folder / "rejected.parquet") as file:
            table = file.read()
        head, kind, tail = (table[name].to_numpy() for name in ("head", "relation", "tail"))
        rows = np.stack([self.entity[head], self.relation[kind], self.entity[tail]], axis=1)
        rows = np.unique(rows[(rows >= 0).all(1)], axis=0)
        columns = dict(zip(("head", "relation", "tail"), rows.T, strict=True))
        pq.write_table(pa.table(columns), work / "rejected.parquet")

    def _by_relation(self, rows: Tensor) -> Tensor:
        out = rows.new_zeros(self.directed, *rows.shape[1:])
        count = len(self.relation)
        if count:
            place = torch.from_numpy(
                np.concatenate([self.relation, self.relation + self.graph.num_relations])
            )
            out[place] = rows[: 2 * count]
        return out

    def _by_entity(self, rows: Tensor, fill: bool) -> Tensor:
        out = torch.full((self.graph.num_entities, *rows.shape[1:]), float(fill)).to(rows.dtype)
        kept = self.entity >= 0
        out[torch.from_numpy(self.entity[kept])] = rows[torch.from_numpy(kept)]
        return out


def _scales(store: Store) -> tuple[Standard | None, dict[str, str]]:
    """The scales and units of the numbers as the training found them: by its part of the concepts."""
    read = graph_numbers(store.graph)
    if not len(read.numbers.value):
        return None, read.units
    split = concept_split(store.graph, store.observations, store.settings)
    visible = np.ones(store.graph.num_entities, dtype=bool)
    visible[np.concatenate([split.valid, split.test])] = False
    return Standard.fit(read.numbers, visible[read.numbers.entity]), read.units
