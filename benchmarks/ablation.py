"""What each part of the model pays, on three of the demo's benchmarks: the whole, and the whole without it.

python -m benchmarks.ablation [--store stores/demo] [--keep FOLDER] [--only retrieval] [--splits 3] [--quick]

Retrieval across text and images on concept splits, the folders left out; facts held out, by all terms of the
completion; and the folder of each stamp, one of 100. Every model is trained as build_kg does, once for each
split, whole and without one part; the main parts of the links are asked of retrieval as well. This decides
what the product is made of, so it looks at *validation* alone: no test is opened here. The same validation
stops the training, with a part and without it, so the scores themselves are too good: what counts is their
difference. The blend of the links' terms is chosen on one half of the validation facts and judged on the
other, both ways.

Differences are of the reciprocal rank, query by query on the same splits. A part pays where the 95 % interval
of the mean (bootstrap over the queries within the splits) lies above zero in the first task or the second
(retrieval: sounds; links: structure alone; labels: text or image taken from who is judged), and below in
none. Of a larger model it is asked that the whole is not below it. All others are named. Of fifty such
intervals one or two lie off by luck, and no interval knows of the luck of training: so it is told how far the
splits agree. Reconstruction is not among the parts: it is the autoencoder's, and the attention has none.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.ablation_parts import ENCODER
from benchmarks.ablation_runs import WHOLE, labels, links, retrieval
from benchmarks.measure import Row, parser, report
from benchmarks.retrieval import interval
from kg.ranking import scores_of
from kg.resampling import Difference, paired_difference
from pipelines.building.build import DEMO_STORE
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.ranked import Ranked

RUNS = {"retrieval": retrieval, "links": links, "labels": labels}
SPLITS, QUICK = 3, 100
"""How many, from seed 0; a quick run looks at one of which no figure speaks."""
PAYS, COSTS, OPEN = "pays", "costs", "nothing shown"
Splits = list[dict[str, Ranked]]
"""For each split, by task, the ranks of what was asked."""


@dataclass(frozen=True)
class Gain:
    """What the whole has over a model without a part, in one task.

    `by_split` are the mean differences of the reciprocal rank, `splits` their interval by Student's t.
    """

    task: str
    whole: float
    without: float
    by_split: tuple[float, ...]
    splits: tuple[float, float]
    queries: Difference

    @classmethod
    def of(cls, task: str, whole: Splits, without: Splits) -> Gain:
        """Pair the same queries, those of an entity or a fact counting as one.

        Raises:
            ValueError: if the two were asked other queries.
        """
        if [one[task].asked for one in whole] != [one[task].asked for one in without]:
            raise ValueError(f"expected runs of the same queries (got others for {task})")
        ours, rival = ([scores_of(one[task].ranks)["MRR"].mean(1) for one in run] for run in (whole, without))
        by_split = [float((one - other).mean()) for one, other in zip(ours, rival, strict=True)]
        means = [statistics.fmean(float(part.mean()) for part in run) for run in (ours, rival)]
        splits, queries = interval(by_split), paired_difference(ours, rival)
        return cls(task, means[0], means[1], tuple(by_split), splits, queries)

    def verdict(self) -> str:
        """Whether the part pays in this task, costs, or nothing can be told."""
        if self.queries.low > 0:
            return PAYS
        return COSTS if self.queries.high < 0 else OPEN


@dataclass(frozen=True)
class Judged:
    """One part of one benchmark: what it gains, in the task that is named first and in the second."""

    benchmark: str
    part: str
    larger: bool
    gains: tuple[Gain, ...]

    @property
    def verdict(self) -> str:
        """It pays if it does in one task and costs in none."""
        said = [gain.verdict() for gain in self.gains]
        return next((one for one in (COSTS, PAYS) if one in said), OPEN)

    @property
    def holds(self) -> bool:
        """Whether the product is right to be as it is."""
        return self.verdict != COSTS if self.larger else self.verdict == PAYS

    def row(self) -> Row:
        """The claim."""
        first, *others = self.gains
        splits = ", ".join(f"{one:+.3f}" for one in first.by_split)
        beside = "".join(f"; {gain.task} {gain.queries.mean:+.3f}, {_span(gain)}" for gain in others)
        said = (
            f"{self.benchmark}, {first.task}: the whole, and the same {self.part} "
            f"(difference {_span(first)}; by split {splits}{beside})"
        )
        target = "interval not below 0" if self.larger else "an interval above 0"
        return Row(said, "MRR", first.whole, first.without, first.queries.mean, target, self.holds)


def _span(gain: Gain) -> str:
    return f"{gain.queries.low:+.3f} to {gain.queries.high:+.3f}"


def judged(benchmark: str, found: dict[str, Splits], larger: frozenset[str]) -> list[Judged]:
    """Every part of one benchmark; of the tasks those that the model without it has as well."""
    whole = found[WHOLE]
    out = []
    for part, without in found.items():
        tasks = [task for task in whole[0] if all(task in one for one in (*whole, *without))]
        if part != WHOLE:
            gains = tuple(Gain.of(task, whole, without) for task in tasks)
            out.append(Judged(benchmark, part, part in larger, gains))
    return out


def details(found: dict[str, dict[str, Splits]], verdicts: Sequence[Judged]) -> dict[str, Any]:
    """All figures: means and spread by task and measure, differences, and the parts that are to be named."""
    out: dict[str, Any] = {}
    for name, parts in found.items():
        own = [one for one in verdicts if one.benchmark == name]
        out[name] = {
            "to be named": [one.part for one in own if not one.holds],
            "verdicts": {one.part: one.verdict for one in own},
            "differences": {one.part: {gain.task: asdict(gain) for gain in one.gains} for one in own},
            "scores": {
                part: {task: _scores(splits, task) for task in splits[0]} for part, splits in parts.items()
            },
        }
    return out


def _scores(splits: Splits, task: str) -> dict[str, Any]:
    rows = [one[task].row() for one in splits if task in one]
    return {
        measure: {
            "mean": statistics.fmean(row[measure] for row in rows),
            "deviation": statistics.stdev(row[measure] for row in rows) if len(rows) > 1 else None,
        }
        for measure in rows[0]
    }


def measured(
    store: Store, settings: Settings, names: Sequence[str], seeds: Sequence[int], keep: Path | None
) -> dict[str, dict[str, Splits]]:
    """By benchmark and part, what each split came to; a split that is kept already is not run again."""
    out: dict[str, dict[str, Splits]] = {}
    for name in names:
        for seed in seeds:
            for part, found in _split(store, replace(settings, seed=seed), name, keep):
                out.setdefault(name, {}).setdefault(part, []).append(found)
    return out


def _split(
    store: Store, settings: Settings, name: str, keep: Path | None
) -> Iterator[tuple[str, dict[str, Ranked]]]:
    """The parts of one split, which is kept once it is finished."""
    file = None if keep is None else keep / f"{name}-{settings.seed}.json"
    if file is not None and file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        for part, tasks in kept.items():
            yield part, {task: Ranked.from_json(one) for task, one in tasks.items()}
        return
    done, start = {}, time.perf_counter()
    for part, found in RUNS[name](store, settings):
        done[part] = {task: one.as_json() for task, one in found.items()}
        told = ", ".join(f"{task} {one.row()['MRR']:.3f}" for task, one in found.items())
        seconds = time.perf_counter() - start
        print(f"{seconds:6.0f} s, {name}, seed {settings.seed}, {part}: {told}", file=sys.stderr, flush=True)
        yield part, found
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(done), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, report."""
    flags = _parser().parse_args(argv)
    try:
        if flags.splits < 2:
            raise ValueError(f"expected 2 splits or more, to tell how far they agree (got {flags.splits})")
        store = Store.open(flags.store)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    settings = Settings(epochs=2, label_width=64) if flags.quick else Settings()
    seeds = [QUICK] if flags.quick else range(flags.splits)
    found = measured(store, settings, flags.only or tuple(RUNS), seeds, flags.keep)
    larger = frozenset(part.name for part in ENCODER if part.larger)
    verdicts = [one for name, parts in found.items() for one in judged(name, parts, larger)]
    rows = [one.row() for one in verdicts]
    # the page tells of all three: one alone is shown, and kept in the folder
    return report("ablation", rows, quick=flags.quick or bool(flags.only), details=details(found, verdicts))


def _parser() -> argparse.ArgumentParser:
    out = parser("What each part of the model pays, on validation.")
    out.add_argument("--store", type=Path, default=DEMO_STORE, help=f"a store of the demo ({DEMO_STORE})")
    out.add_argument("--keep", type=Path, metavar="FOLDER", help="keep finished splits, and go on from there")
    out.add_argument("--only", choices=tuple(RUNS), action="append", help="one benchmark; shown, not written")
    out.add_argument("--splits", type=int, default=SPLITS, help=f"how many ({SPLITS})")
    return out


if __name__ == "__main__":
    sys.exit(main())
