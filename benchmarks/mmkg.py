"""Completing DB15K, MKG-W and MKG-Y: structure alone, with the prior, with mined rules, with names.

python -m benchmarks.mmkg [--set MKG-Y] [--seeds 3] [--rank 200] [--epochs 12] [--quick] [--data DIR]

The sets are read as any RDF. Their pictures and descriptions cannot be had: structure and names only. The
number of epochs and the weights are chosen on validation, by a model of seed 0 that has not seen it; then
one of each seed is trained on all of train, and its test is opened once. A stopped run goes on from the
epoch that it had reached, and does not repeat what it had found: empty the folder of the checkpoints after
a change of what is measured.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from benchmarks import db15k, measure
from benchmarks.link_sides import Facts, Free
from benchmarks.mmkg_names import name_rows
from benchmarks.mmkg_training import Run, best_epoch, seconds_of, trained
from kg.completion import Blend, Completion, choose_blend, completion_ranks
from kg.feature_links import FeatureLinks
from kg.links import Answers, ComplEx, both_directions
from kg.ranking import mean_reciprocal_rank, recall_at
from kg.rule_mining import mine
from kg.rules import Mining, Rules
from pipelines.training.deviation import deviation, deviation_said

DATA = db15k.DATA.parent
TARGETS = {"DB15K": 42.2, "MKG-W": 40.0, "MKG-Y": 41.5}
N3 = {"DB15K": 0.05, "MKG-W": 0.12, "MKG-Y": 0.12}
RANK = {"DB15K": 500, "MKG-W": 200, "MKG-Y": 200}
MINING = Mining(max_paths=6e8)
ROWS = ("structure only", "+ prior", "+ rules", "+ prior and rules", "+ prior, rules and names")


class RowScorer(Protocol):
    """A scorer and a row for each entity, however they were learned."""

    @property
    def scorer(self) -> ComplEx:
        """Compares rows."""

    @property
    def rows(self) -> Tensor:
        """``(n, 2 * rank)``."""


@dataclass(frozen=True)
class Task:
    """What is learned from, what is asked, and all that is known."""

    facts: Facts
    learned: Tensor
    asked: Tensor
    known: Tensor
    names: Tensor

    @property
    def both(self) -> Tensor:
        """The asked facts in both directions: tails are asked for first, then heads."""
        return both_directions(self.asked, self.facts.num_relations)

    @property
    def answers(self) -> Answers:
        """What is known, by query."""
        count = self.facts.num_relations
        return Answers.of(both_directions(self.known, count), 2 * count)


def load(folder: Path, *, quick: bool) -> tuple[Task, Task]:
    """The task that chooses, and the one that counts.

    Raises:
        FileNotFoundError: if the folder does not hold the set.
    """
    less = (folder / "train_minus_valid.nt.gz").is_file()
    names = ("train", "valid", "test", *(("train_minus_valid",) if less else ()))
    whole, parts = db15k.load(folder, names)
    if quick:
        order = torch.Generator().manual_seed(0)
        parts = {
            name: rows[torch.randperm(len(rows), generator=order)[: 4000 if "train" in name else 200]]
            for name, rows in parts.items()
        }
    facts = Facts(whole.num_entities, whole.num_relations, parts)
    learned = parts["train_minus_valid"] if less else parts["train"]
    names_of = name_rows(whole.entities.to_pylist(), folder / "labels.nt.gz")
    known = torch.cat([parts["train"], parts["valid"], parts["test"]])
    return (
        Task(facts, learned, parts["valid"], torch.cat([learned, parts["valid"]]), names_of),
        Task(facts, parts["train"], parts["test"], known, names_of),
    )


def completion_of(
    task: Task, rules: Rules, model: RowScorer, blend: Blend, names: FeatureLinks | None = None
) -> Completion:
    """A trained scorer with rules and counts of what the task lets one learn from, and names if wanted."""
    size, rows = (task.facts.num_entities, task.facts.num_relations), model.rows.detach()
    found = Completion.of(task.learned, *size, scorer=model.scorer, rows=rows, rules=rules, blend=blend)
    return replace(found, further=names)


def choose(task: Task, rules: Rules, model: Free, names: FeatureLinks) -> dict[str, tuple[Blend, float]]:
    """The blend of each row and its validation MRR."""
    plain = completion_of(task, rules, model, Blend(0, 0))
    both, known = task.both, task.answers
    found = {"structure only": (Blend(0, 0), mean(completion_ranks(plain, both, known)))}
    for row, evidence, prior in (("+ prior", False, True), ("+ rules", True, False), (ROWS[3], True, True)):
        best, score = choose_blend(plain, both, known, evidence=evidence, prior=prior)
        found[row] = best.blend, score
    named, score = choose_blend(replace(plain, further=names), both, known)
    return found | {ROWS[4]: (named.blend, score)}


def mean(ranks: Tensor) -> float:
    """MRR."""
    return float((1 / ranks).mean())


def scores(task: Task, ranks: Tensor, told: Tensor) -> dict[str, float]:
    """MRR and H@k of all; MRR of tails, of heads, and of queries with an entity that nothing tells of."""
    found = ranks.numpy()
    unseen = ~(told[task.asked[:, 0]] & told[task.asked[:, 2]]).repeat(2).numpy()
    half = len(found) // 2
    return {
        "MRR": 100 * mean_reciprocal_rank(found),
        **{f"H@{k}": 100 * recall_at(found, k) for k in (1, 3, 10)},
        "tail MRR": 100 * mean_reciprocal_rank(found[:half]),
        "head MRR": 100 * mean_reciprocal_rank(found[half:]),
        "unseen MRR": 100 * mean_reciprocal_rank(found[unseen]) if unseen.any() else 0.0,
        "unseen share": 100 * float(unseen.mean()),
    }


@dataclass(frozen=True)
class Choice:
    """What validation chose."""

    epochs: int
    blends: dict[str, tuple[Blend, float]]

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Choice:
        """From a file."""
        return cls(
            kept["epochs"], {row: (Blend(**blend), mrr) for row, (blend, mrr) in kept["blends"].items()}
        )


def mined(task: Task) -> Rules:
    """The rules of what the task lets one learn from."""
    return mine(task.learned.numpy(), task.facts.num_entities, task.facts.num_relations, MINING)


def named(task: Task, seed: int) -> FeatureLinks:
    """Names alone, trained on what the task lets one learn from."""
    return FeatureLinks.learned(task.names, task.learned, task.facts.num_relations, seed=seed)


def chosen(task: Task, run: Run, epochs: int) -> Choice:
    """Number of epochs and weights of the best validation MRR."""
    rules = mined(task)
    both, known = task.both, task.answers

    def judge(model: Free) -> float:
        return mean(completion_ranks(completion_of(task, rules, model, Blend()), both, known))

    model = trained(task.facts, task.learned, run, epochs, judge)
    return Choice(best_epoch(run), choose(task, rules, model, named(task, run.seed)))


def scored(task: Task, run: Run, choice: Choice) -> dict[str, Any]:
    """One seed on test."""
    model = trained(task.facts, task.learned, run, choice.epochs)
    start = time.perf_counter() - seconds_of(run)
    rules, names = mined(task), named(task, run.seed)
    result: dict[str, Any] = {"seed": run.seed, "rules": len(rules), "rows": {}}
    for row, (blend, valid) in choice.blends.items():
        completion = completion_of(task, rules, model, blend, names)
        ranks = completion_ranks(completion, task.both, task.answers)
        about = {"blend": asdict(blend), "valid MRR": 100 * valid}
        result["rows"][row] = about | scores(task, ranks, completion.told)
    return result | {"seconds": round(time.perf_counter() - start)}


def measured(
    tasks: tuple[Task, Task], run: Run, epochs: int, seeds: int
) -> tuple[Choice, list[dict[str, Any]]]:
    """What validation chooses, and each seed on test by it."""
    choice = Choice.from_json(run.once(lambda: chosen(tasks[0], run, epochs).to_json()))
    counted = [replace(run, name=run.name.replace("valid", "test"), seed=seed) for seed in range(seeds)]
    return choice, [one.once(partial(scored, tasks[1], one, choice)) for one in counted]


def spread(
    runs: list[dict[str, Any]], rows: Sequence[str] = ROWS
) -> dict[str, dict[str, tuple[float, float | None]]]:
    """Mean and standard deviation (None of a single seed) of each score of each row."""
    return {
        row: {
            key: (statistics.mean(values), deviation(values))
            for key in ("MRR", "H@1", "H@3", "H@10", "tail MRR", "head MRR", "unseen MRR")
            if (values := [run["rows"][row][key] for run in runs])
        }
        for row in rows
    }


def kept() -> dict[str, Any]:
    """What earlier runs of other sets left."""
    path = measure.RESULTS / "mmkg.json"
    details = json.loads(path.read_text(encoding="utf-8"))["details"] if path.is_file() else {}
    return dict(details)


def claims(details: dict[str, Any]) -> list[measure.Row]:
    """A row for each set that was run: the best row on validation against the target."""
    rows = []
    for name, target in TARGETS.items():
        if ROWS[-1] in details.get(name, {}).get("spread", {}):
            about = details[name]
            mrr, apart = about["spread"][ROWS[-1]]["MRR"]
            title = f"{name}, structure, prior, rules and names, rank {about['rank']}, test MRR"
            title += f" (mean of {len(about['runs'])}, {deviation_said(apart, 2)})"
            rows.append(measure.at_least(title, mrr, target, unit="%"))
    return rows


def main() -> int:
    """Measure, report."""
    parser = measure.parser("completing multimodal knowledge graphs")
    parser.add_argument("--data", type=Path, default=DATA, help=f"folder of the sets ({DATA})")
    parser.add_argument("--set", action="append", choices=TARGETS, help="only this one; repeat for more")
    parser.add_argument("--seeds", type=int, default=3, help="runs (3)")
    parser.add_argument("--rank", type=int, help=f"complex numbers of an entity ({RANK})")
    parser.add_argument("--epochs", type=int, default=12, help="most epochs (12)")
    parser.add_argument("--n3", type=float, help=f"weight of the N3 penalty ({N3})")
    folder = measure.RESULTS / "checkpoints"
    parser.add_argument("--checkpoints", type=Path, default=folder, help=f"where epochs are kept ({folder})")
    flags = parser.parse_args()
    if flags.quick:
        flags.set, flags.seeds, flags.rank, flags.epochs = flags.set or ["MKG-Y"], 1, 16, 2
        flags.checkpoints = Path(tempfile.mkdtemp())
    details: dict[str, Any] = {}
    for name in flags.set or TARGETS:
        try:
            tasks = load(flags.data / name, quick=flags.quick)
        except FileNotFoundError as error:
            parser.error(str(error))
        rank, n3 = flags.rank or RANK[name], N3[name] if flags.n3 is None else flags.n3
        run = Run(flags.checkpoints, f"{name}-valid" + "-quick" * flags.quick, 0, rank, n3)
        choice, runs = measured(tasks, run, flags.epochs, flags.seeds)
        about = {"rank": rank, "n3": n3, "epochs": choice.epochs}
        details[name] = about | {"runs": runs, "spread": spread(runs)}
        print(json.dumps({name: details[name]["spread"]}), flush=True)
    details = details if flags.quick else kept() | details
    return measure.report("mmkg", claims(details), quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
