"""The rows of `benchmarks.scale_out` on training: two processes with one thread each against one alone.

DB15K, the link objective of `pipelines.training.links`, all facts in each step. A rate is that of steps, the
score the kept validation MRR of whole trainings with the same settings and seeds. Every training runs in
processes of its own, the two of one started by torchrun.
"""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch

from benchmarks import db15k
from benchmarks.measure import Row, child
from benchmarks.sampling import split_of
from kg.memory import kept_memory
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.training import processes
from pipelines.training.deviation import deviation
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import LinkModel, LinkSteps, train_links

COUNT = 2
SHARE = 0.8
"""Of one process's rate, which each of several has to keep."""
WARM = 3
SETTINGS = Settings(epochs=12, patience=12)
SAMPLED = 10
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(COUNT))


def facts_of(folder: Path, settings: Settings) -> LinkFacts:
    """The training and the validation facts of DB15K."""
    graph, parts = db15k.load(folder, ("train_minus_valid", "valid"))
    joint = joint_graph(graph, Observations({}, {}), settings, diffusion=False)
    return LinkFacts.of(joint, torch.from_numpy(graph.triples), split_of(graph, parts["valid"]))


@kept_memory()
def rate(facts: LinkFacts, settings: Settings, steps: int) -> float:
    """Facts that are learned in a second, by all processes together."""
    torch.manual_seed(settings.seed)
    taken = LinkSteps(LinkModel(facts.graph.num_entities, facts.num_relations, settings), facts, settings)
    batches = cycle(processes.agreed(torch.randperm(len(facts.train))).split(settings.batch))
    learned, start = 0, 0.0
    for step, batch in enumerate(islice(batches, WARM + steps)):
        if step == WARM:
            processes.wait()
            learned, start = 0, time.perf_counter()
        taken.step(batch)
        learned += len(batch)
    processes.wait()
    return learned / (time.perf_counter() - start)


def part(name: str, folder: Path) -> dict[str, Any]:
    """What a process, or each of several, runs: ``rate:STEPS:NEIGHBORS`` or ``score:EPOCHS:SEED``."""
    kind, first, second = name.split(":")
    torch.set_num_threads(1)
    if kind == "rate":
        settings = replace(SETTINGS, neighbors=int(second))
        return {"rate": rate(facts_of(folder, settings), settings, int(first))}
    settings = replace(SETTINGS, epochs=int(first), seed=int(second))
    return {"scores": train_links(facts_of(folder, settings), settings, lambda *_: None)[1].scores}


def run(name: str, folder: Path, count: int) -> dict[str, Any]:
    """A part by so many processes."""
    by = TORCHRUN if count > 1 else ()
    return child("benchmarks.scale_out", "--part", name, "--data", str(folder), by=by)


def rates(folder: Path, steps: int, repeats: int, neighbors: int) -> dict[int, list[float]]:
    """Facts a second of one process and of two, measured in turn."""
    found: dict[int, list[float]] = {1: [], COUNT: []}
    for _ in range(repeats):
        for count, each in found.items():
            each.append(run(f"rate:{steps}:{neighbors}", folder, count)["rate"])
    return found


def scores(folder: Path, epochs: int, seeds: int) -> dict[int, list[float]]:
    """Kept validation MRR of one process and of two, by seed; as many at once as there are cores."""
    names = [f"score:{epochs}:{seed}" for seed in range(seeds)]
    found = {}
    for count in (1, COUNT):
        with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // count)) as at_once:
            each = at_once.map(lambda name, count=count: run(name, folder, count)["scores"], names)
            found[count] = [max(one) for one in each]
    return found


def faster(found: dict[int, list[float]]) -> Row:
    """The claim on what each process learns in a second."""
    ours, rival = statistics.median(found[COUNT]) / COUNT, statistics.median(found[1])
    name = f"training on DB15K by {COUNT} processes of a thread: each one's rate, against one alone"
    ratio = ours / rival
    return Row(name, "triples/s", ours, rival, ratio, f"ours / rival >= {SHARE}", ratio >= SHARE)


def as_good(found: dict[int, list[float]]) -> Row:
    """The claim that both score the same: their means lie within two standard errors of their difference."""
    ours, rival = statistics.fmean(found[COUNT]), statistics.fmean(found[1])
    spreads = [deviation(each) or 0.0 for each in found.values()]
    noise = 2 * (sum(spread**2 for spread in spreads) / len(found[1])) ** 0.5
    name = f"training on DB15K by {COUNT} processes: validation MRR, mean of seeds, against one alone"
    target = f"abs(ours - rival) <= {noise:.2g}"
    return Row(name, "", ours, rival, ours - rival, target, abs(ours - rival) <= noise)


def by_processes(folder: Path, *, quick: bool, repeats: int, seeds: int) -> tuple[list[Row], dict[str, Any]]:
    """Both claims, and the rates of steps on sampled neighbours beside.

    Raises:
        FileNotFoundError: DB15K is not in the folder.
    """
    db15k.load(folder, ("train_minus_valid", "valid"))
    steps, epochs = (2, 1) if quick else (20, SETTINGS.epochs)
    if quick:
        repeats, seeds = 1, 1
    full, sampled = (rates(folder, steps, repeats, neighbors) for neighbors in (0, SAMPLED))
    found = scores(folder, epochs, seeds)
    details = {
        "triples/s by processes": full,
        f"triples/s by processes, --neighbors {SAMPLED}": sampled,
        "validation MRR by processes and seed": found,
        "epochs": epochs,
    }
    return [faster(full), as_good(found)], details
