"""DB15K, which the benchmarks of links are measured on, and sets like it: the parts over one list of ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kg.graph import KnowledgeGraph
from kg.rdf import read

DATA = Path("../shared/bench/mmkg/DB15K")


def load(folder: Path, names: Sequence[str]) -> tuple[KnowledgeGraph, dict[str, Tensor]]:
    """Read some parts of the data set: together as one graph, and the facts of each by its ids.

    Shapes: each part ``(t, 3) int64``.

    Raises:
        FileNotFoundError: if the folder does not hold them.
    """
    files = {name: folder / f"{name}.nt.gz" for name in names}
    if missing := [path.name for path in files.values() if not path.is_file()]:
        raise FileNotFoundError(
            f"expected {folder.name} in {folder}: give its folder by --data (no {missing[0]})"
        )
    whole, _ = read(list(files.values()))
    parts = {}
    for name, path in files.items():
        graph, _ = read([path])
        entities = np.searchsorted(whole.entities, graph.entities)
        relations = np.searchsorted(whole.relations, graph.relations)
        head, relation, tail = graph.triples.T
        triples = np.stack([entities[head], relations[relation], entities[tail]], axis=1)
        parts[name] = torch.from_numpy(triples)
    return whole, parts
