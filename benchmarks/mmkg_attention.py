"""The same links with graph attention: the rows of ComplEx come from the attention encoder, as in a build.

python -m benchmarks.mmkg_attention [--set MKG-Y] [--seeds 3] [--quick] [--data DIR]

Run `benchmarks.mmkg` first, whose rows are free. A seed trains on the facts that leave validation out, by
`pipelines.training.links.train_links` as `build_kg` does, until validation no longer gains; its weights of
rules, prior and names are chosen on validation likewise, and its test is opened once. DB15K, which has most
facts, has to be asked for by `--set`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import measure
from benchmarks.mmkg import DATA, ROWS, TARGETS, Task, completion_of, kept, load, mined, named, scores, spread
from benchmarks.mmkg_training import Run
from fusion.base import JointGraph
from kg.completion import Blend, choose_blend, completion_ranks
from kg.links import ComplEx, both_directions
from kg.sparse import SortedEdges
from pipelines.settings import Settings
from pipelines.training.deviation import deviation_said
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import structure_of, train_links

SETS = ("MKG-W", "MKG-Y")
WIDTH = 256
"""Numbers of a row: twice that of a build, since nothing but links is learned."""
SHOWN = (ROWS[0], ROWS[-1])


@dataclass(frozen=True)
class Attended:
    """What the encoder learned: a scorer, and the rows of all entities."""

    scorer: ComplEx
    rows: Tensor


def attended(task: Task, valid: Tensor, settings: Settings) -> Attended:
    """Train on what the task lets one learn from, and choose the epoch by other facts ``(v, 3)``."""
    count, both = task.facts.num_relations, both_directions(task.learned, task.facts.num_relations)
    edges = SortedEdges.of(both[:, [0, 2]].t(), both[:, 1], task.facts.num_entities, 2 * count)
    graph = JointGraph(task.facts.num_entities, {}, {}, edges, torch.zeros(len(both)), None)

    def progress(stage: str, done: int, total: int) -> None:
        if done % 10 == 0:
            print(f"{stage}, seed {settings.seed}: {done} of at most {total}", file=sys.stderr, flush=True)

    model, _ = train_links(LinkFacts(graph, task.learned, valid, count), settings, progress)
    with torch.no_grad():
        return Attended(model.scorer, structure_of(model, graph))


def scored(chooses: Task, counts: Task, settings: Settings) -> dict[str, Any]:
    """One seed: what validation chooses for it, and its scores on test."""
    start = time.perf_counter()
    model, rules, names = (
        attended(chooses, chooses.asked, settings),
        mined(chooses),
        named(chooses, settings.seed),
    )
    result: dict[str, Any] = {"seed": settings.seed, "rows": {}}
    for row in SHOWN:
        plain = completion_of(chooses, rules, model, Blend(0, 0), names if row == ROWS[-1] else None)
        if row == ROWS[-1]:
            best, _ = choose_blend(plain, chooses.both, chooses.answers)
            plain = replace(plain, blend=best.blend)
        ranks = completion_ranks(plain, counts.both, counts.answers)
        result["rows"][row] = {"blend": asdict(plain.blend)} | scores(counts, ranks, plain.told)
    return result | {"seconds": round(time.perf_counter() - start)}


def claims(details: dict[str, Any], free: dict[str, Any]) -> list[measure.Row]:
    """The attention's rows against free ones: by themselves, and with all the rest."""
    rows = []
    for name, about in details.items():
        for row in SHOWN:
            mrr, apart = about["spread"][row]["MRR"]
            rival = free[name]["spread"][row]["MRR"][0]
            title = f"{name}, {row}, test MRR: rows by graph attention against free ones"
            title += f" (mean of {len(about['runs'])}, {deviation_said(apart, 2)})"
            rows.append(measure.Row(title, "%", mrr, rival, mrr - rival, "ours - rival > 0", mrr > rival))
    return rows


def main() -> int:
    """Measure, report."""
    parser = measure.parser("links by graph attention on multimodal knowledge graphs")
    parser.add_argument("--data", type=Path, default=DATA, help=f"folder of the sets ({DATA})")
    parser.add_argument("--set", action="append", choices=TARGETS, help="only this one; repeat for more")
    parser.add_argument("--seeds", type=int, default=3, help="runs (3)")
    parser.add_argument("--width", type=int, default=WIDTH, help=f"numbers of a row ({WIDTH})")
    folder = measure.RESULTS / "checkpoints"
    parser.add_argument("--checkpoints", type=Path, default=folder, help=f"where seeds are kept ({folder})")
    flags = parser.parse_args()
    settings = Settings(structure_width=flags.width, order=0.0)
    if flags.quick:
        flags.set, flags.seeds, flags.checkpoints = flags.set or ["MKG-Y"], 1, Path(tempfile.mkdtemp())
        settings = replace(settings, structure_width=16, epochs=2)
    free, details = kept(), {}
    for name in flags.set or SETS:
        if not flags.quick and name not in free:
            parser.error(f"expected {name} in the results of benchmarks.mmkg: run that first")
        try:
            tasks = load(flags.data / name, quick=flags.quick)
        except FileNotFoundError as error:
            parser.error(str(error))
        runs = []
        for seed in range(flags.seeds):
            run = Run(
                flags.checkpoints, f"{name}-attention", seed, settings.structure_width // 2, settings.n3
            )
            runs.append(run.once(partial(scored, *tasks, replace(settings, seed=seed))))
            print(json.dumps({name: runs[-1]}), flush=True)
        details[name] = {"width": settings.structure_width, "runs": runs, "spread": spread(runs, SHOWN)}
    known = {name: about for name, about in details.items() if name in free}
    return measure.report("mmkg_attention", claims(known, free), quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
