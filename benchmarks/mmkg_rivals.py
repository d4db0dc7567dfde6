"""RotatE and TuckER on DB15K, MKG-W and MKG-Y, given as much time as ours took.

python -m benchmarks.mmkg_rivals [--set MKG-Y] [--seeds 3] [--seconds N] [--quick] [--data DIR]

Run `benchmarks.mmkg` first: a seed of a rival trains, on all of train, for as long as a seed of ours worked
in all. Sizes and dropout are those that each model was published with, but for the learning rate, which is
the best of three on the validation of MKG-Y (two minutes each); minutes on two cores are fewer epochs than a
GPU's hours. RotatE is PyKEEN's. TuckER is trained here with the loss of our own ComplEx, since PyKEEN's,
which multiplies element by element, did not finish an epoch of MKG-Y in five minutes. Test is opened once
for each seed. Ranks are filtered, realistic at ties, of tails and heads.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from benchmarks import measure
from benchmarks.mmkg import DATA, TARGETS, Task, kept, load
from kg.links import Answers, answer_loss, both_directions, fast_bfloat16, filtered_ranks
from kg.ranking import mean_reciprocal_rank, recall_at
from pipelines.training.deviation import deviation, deviation_said

KS = (1, 3, 10)
RATES = {"RotatE": 0.005, "TuckER": 0.003}
OURS = ("structure only", "+ prior, rules and names")


class Rival(Protocol):
    """A model that trains from one look at the clock to the next."""

    epochs: int

    def fit(self, seconds: float) -> None:
        """Whole epochs until the time is over, at least one."""

    def scores(self, asked: Tensor, known: Tensor) -> dict[str, float]:
        """MRR and H@k of facts, both directions, %."""


class RotatE:
    """PyKEEN's, with self-adversarial negatives, as published (arXiv 1902.10197)."""

    def __init__(self, task: Task, seed: int, rate: float) -> None:
        from pykeen.losses import NSSALoss
        from pykeen.models import RotatE as Model
        from pykeen.training import SLCWATrainingLoop
        from pykeen.triples import CoreTriplesFactory

        self.facts = CoreTriplesFactory(
            task.learned, num_entities=task.facts.num_entities, num_relations=task.facts.num_relations
        )
        self.model = Model(
            triples_factory=self.facts,
            embedding_dim=200,
            loss=NSSALoss(margin=9.0, adversarial_temperature=1.0),
            random_seed=seed,
        )
        self.loop = SLCWATrainingLoop(
            model=self.model,
            triples_factory=self.facts,
            optimizer=torch.optim.Adam(self.model.parameters(), lr=rate),
            negative_sampler_kwargs={"num_negs_per_pos": 64},
            automatic_memory_optimization=False,
        )
        self.epochs = 0

    def fit(self, seconds: float) -> None:
        """Whole epochs until the time is over, at least one."""
        start = time.perf_counter()
        while not self.epochs or time.perf_counter() - start < seconds:
            self.epochs += 1
            self.loop.train(
                self.facts,
                num_epochs=self.epochs,  # in all: one more than before
                continue_training=self.epochs > 1,
                batch_size=512,
                use_tqdm=False,
                use_tqdm_batch=False,
            )

    def scores(self, asked: Tensor, known: Tensor) -> dict[str, float]:
        """MRR and H@k of facts, both directions, %."""
        from pykeen.evaluation import RankBasedEvaluator

        result = RankBasedEvaluator().evaluate(
            self.model, asked, batch_size=16, additional_filter_triples=[known], use_tqdm=False
        )
        named = {"MRR": "inverse_harmonic_mean_rank"} | {f"H@{k}": f"hits_at_{k}" for k in KS}
        return {
            name: 100 * float(result.get_metric(f"both.realistic.{metric}")) for name, metric in named.items()
        }


class TuckER(nn.Module):
    """A core tensor between head, relation and tail (arXiv 1901.09590), over all entities.

    Dropout lies between what was published for WN18RR and for FB15k-237.
    """

    def __init__(self, task: Task, seed: int, rate: float) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.task, self.epochs = task, 0
        self.rows = nn.Parameter(0.1 * torch.randn(task.facts.num_entities, 200))
        self.relation = nn.Parameter(0.1 * torch.randn(2 * task.facts.num_relations, 64))
        self.core = nn.Parameter(2 * torch.rand(64, 200, 200) - 1)
        self.norms = nn.ModuleList([nn.BatchNorm1d(200), nn.BatchNorm1d(200)])
        self.drops = nn.ModuleList([nn.Dropout(share) for share in (0.2, 0.2, 0.3)])
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """What tails are compared with: ``(b, 200), (b,) -> (b, 200)``."""
        kinds, place = torch.unique(relation, return_inverse=True)
        by_kind = self.drops[1](torch.einsum("kr,rij->kij", self.relation[kinds], self.core))
        head = self.drops[0](self.norms[0](head))
        found = torch.einsum("bi,bij->bj", head, by_kind[place])
        out: Tensor = self.drops[2](self.norms[1](found))
        return out

    def fit(self, seconds: float) -> None:
        """Whole epochs until the time is over, at least one."""
        start, count = time.perf_counter(), self.task.facts.num_relations
        answers = Answers.of(both_directions(self.task.learned, count), 2 * count)
        while not self.epochs or time.perf_counter() - start < seconds:
            self.epochs += 1
            for places in torch.randperm(len(answers)).split(256):
                row, tail = answers.take(places)
                queries = self.queries(self.rows[answers.head[places]], answers.relation[places])
                share = torch.full((len(row),), 1 / len(row))
                loss = answer_loss(queries, self.rows, row, tail, share, half=fast_bfloat16(queries.device))
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()

    @torch.no_grad()
    def scores(self, asked: Tensor, known: Tensor) -> dict[str, float]:
        """MRR and H@k of facts, both directions, %."""
        count = self.task.facts.num_relations
        answers = Answers.of(both_directions(torch.cat([known, asked]), count), 2 * count)
        ranks = filtered_ranks(self.eval(), self.rows, both_directions(asked, count), answers).numpy()
        return {"MRR": 100 * mean_reciprocal_rank(ranks)} | {f"H@{k}": 100 * recall_at(ranks, k) for k in KS}


MAKERS: dict[str, Callable[[Task, int, float], Rival]] = {"RotatE": RotatE, "TuckER": TuckER}


def claims(details: dict[str, Any], ours: dict[str, Any]) -> list[measure.Row]:
    """A row for each set and rival: our structure alone, and all of ours, against it."""
    rows = []
    for name, rivals in details.items():
        for model, about in rivals.items():
            said = deviation_said(about["spread"]["MRR"][1], 2)
            for row in OURS:
                mrr, rival = ours[name]["spread"][row]["MRR"][0], about["spread"]["MRR"][0]
                title = f"{name}, test MRR: ours, {row}, against {model}"
                title += f" (mean of {len(about['runs'])}, {said})"
                rows.append(measure.Row(title, "%", mrr, rival, mrr - rival, "ours - rival > 0", mrr > rival))
    return rows


def main() -> int:
    """Measure, report."""
    parser = measure.parser("rivals on multimodal knowledge graphs, structure only")
    parser.add_argument("--data", type=Path, default=DATA, help=f"folder of the sets ({DATA})")
    parser.add_argument("--set", action="append", choices=TARGETS, help="only this one; repeat for more")
    parser.add_argument("--seeds", type=int, default=3, help="runs (3)")
    parser.add_argument("--seconds", type=float, help="time of a training (what ours took)")
    parser.add_argument("--model", action="append", choices=MAKERS, help="only this one; repeat for more")
    parser.add_argument("--rate", type=float, help=f"learning rate ({RATES})")
    parser.add_argument("--valid", action="store_true", help="rank validation, and keep nothing")
    flags = parser.parse_args()
    ours = kept()
    details: dict[str, Any] = {}
    for name in flags.set or (["MKG-Y"] if flags.quick else TARGETS):
        if not (flags.quick or flags.valid) and name not in ours:
            parser.error(f"expected {name} in the results of benchmarks.mmkg: run that first")
        try:
            task = load(flags.data / name, quick=flags.quick)[0 if flags.valid else 1]
        except FileNotFoundError as error:
            parser.error(str(error))
        taken = [run["seconds"] for run in ours.get(name, {}).get("runs", [{"seconds": 5}])]
        seconds = flags.seconds or (5 if flags.quick else statistics.mean(taken))
        for model in flags.model or MAKERS:
            runs = []
            for seed in range(1 if flags.quick else flags.seeds):
                rival = MAKERS[model](task, seed, flags.rate or RATES[model])
                rival.fit(seconds)
                scores = rival.scores(task.asked, task.known)
                runs.append({"seed": seed, "epochs": rival.epochs, "seconds": round(seconds)} | scores)
                print(json.dumps({name: {model: runs[-1]}}), flush=True)
            values = {key: [run[key] for run in runs] for key in ("MRR", *(f"H@{k}" for k in KS))}
            spread = {key: (statistics.mean(found), deviation(found)) for key, found in values.items()}
            details.setdefault(name, {})[model] = {"runs": runs, "spread": spread}
    if flags.valid:
        return 0
    rows = [] if flags.quick and not ours else claims(details, ours)
    return measure.report("mmkg_rivals", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
