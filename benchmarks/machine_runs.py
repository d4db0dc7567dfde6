"""The runs of the pump test bench as tensors, and what the graph of its recipe says of their sensors."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
import torch
from torch import Tensor

from data.manufacturing.recipe import FAULTS, machines_ttl
from data.manufacturing.runs import kind_of, read_faults, read_runs
from kg.graph import KnowledgeGraph
from kg.rdf import read

FITTING = 400  # first rows of a run, taken to be normal: the leaderboard's split
HOSTED, OBSERVES = "http://www.w3.org/ns/sosa/isHostedBy", "http://www.w3.org/ns/sosa/observes"
QUANTITY, FEEDS = "http://qudt.org/schema/qudt/hasQuantityKind", "https://brickschema.org/schema/Brick#feeds"
SLOW = "http://qudt.org/vocab/quantitykind/Temperature"


@dataclass(frozen=True)
class MachineRun:
    """One run.

    Shapes:
        values (t, s) float64; outlier (t,) bool
    """

    name: str
    kind: str
    sensors: tuple[str, ...]
    start: np.datetime64
    end: np.datetime64
    values: Tensor
    outlier: Tensor

    @property
    def family(self) -> str:
        """The folder: which part of the bench was meddled with."""
        return self.name.partition("/")[0]

    def overlaps(self, other: MachineRun) -> bool:
        """Whether some rows are the same moments: two runs cut from one recording."""
        return bool(self.start <= other.end and other.start <= self.end)


def load(folder: Path) -> list[MachineRun]:
    """Every run in which a fault was caused."""
    faults = read_faults(FAULTS)
    runs = []
    for found in read_runs(folder):
        kind = kind_of(found.stem, faults)
        if kind is None:
            continue
        options = pyarrow.csv.ParseOptions(delimiter=";")
        table = pyarrow.csv.read_csv(folder / found.file, parse_options=options)
        columns = np.stack(
            [np.asarray(table[name].to_numpy(), dtype=float) for name in found.sensors], axis=1
        )
        times = table.column(0).to_numpy()
        runs.append(
            MachineRun(
                found.stem, kind, found.sensors, times[0], times[-1],
                torch.from_numpy(columns), torch.from_numpy(table["anomaly"].to_numpy() > 0),
            )
        )  # fmt: skip
    return runs


@dataclass(frozen=True)
class Knowledge:
    """What the graph says of the sensors.

    Shapes:
        ties (s, s) bool: on one part, or on parts of which one feeds the other;
        slow (s,) bool: it observes a temperature, which the surroundings move as well
    """

    ties: Tensor
    slow: Tensor


def knowledge(folder: Path, sensors: tuple[str, ...]) -> Knowledge:
    """Read the recipe's RDF through the library and ask it of each column's sensor."""
    with tempfile.TemporaryDirectory() as scratch:
        graph, _ = read([machines_ttl(folder, Path(scratch) / "machines.ttl")])
    names = graph.entities.to_pylist()
    columns = {value: entity for entity, value in _identifiers(graph)}
    ours = [columns[name] for name in sensors]
    host, observes, quantity = _links(graph, HOSTED), _links(graph, OBSERVES), _links(graph, QUANTITY)
    feeds = {(part, fed) for part, all_fed in _links(graph, FEEDS).items() for fed in all_fed}
    parts = [host[sensor][0] for sensor in ours]
    ties = [[one == two or (one, two) in feeds or (two, one) in feeds for two in parts] for one in parts]
    slow = [names[quantity[observes[sensor][0]][0]] == SLOW for sensor in ours]
    return Knowledge(torch.tensor(ties), torch.tensor(slow))


def _identifiers(graph: KnowledgeGraph) -> list[tuple[int, str]]:
    rows = graph.literals.to_pylist()
    return [
        (row["entity"], row["value"]) for row in rows if row["predicate"].endswith("schema.org/identifier")
    ]


def _links(graph: KnowledgeGraph, iri: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for head, relation, tail in graph.triples.tolist():
        if relation == graph.relation_id(iri):
            found.setdefault(head, []).append(tail)
    return found
