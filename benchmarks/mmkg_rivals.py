"""RotatE and TuckER by PyKEEN on DB15K, MKG-W and MKG-Y, given as much time as ours took.

python -m benchmarks.mmkg_rivals [--set MKG-Y] [--seeds 3] [--seconds N] [--quick] [--data DIR]

Run `benchmarks.mmkg` first: a seed of a rival trains, on all of train, for as long as a seed of ours worked
in all. Sizes, losses and dropout are those that each model was published with, but for the learning rate,
which is the best of three on the validation of MKG-Y; minutes on two cores are fewer epochs than a GPU's
hours. Test is opened once for each seed. Ranks are filtered, realistic at ties, of tails and heads.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import measure
from benchmarks.mmkg import DATA, TARGETS, Task, kept, load
from pipelines.training.deviation import deviation, deviation_said

BATCH, NEGATIVES = 512, 64
RATES = {"RotatE": 0.005, "TuckER": 0.003}
OURS = ("structure only", "+ prior, rules and names")


class Rival:
    """A model of PyKEEN, trained from one look at the clock to the next."""

    def __init__(self, name: str, task: Task, seed: int, rate: float) -> None:
        from pykeen.triples import CoreTriplesFactory

        self.facts = CoreTriplesFactory(
            task.learned,
            num_entities=task.facts.num_entities,
            num_relations=task.facts.num_relations,
            create_inverse_triples=name == "TuckER",
        )
        self.model, self.loop = MAKERS[name](self.facts, seed, rate)
        self.epochs = 0

    def train(self, seconds: float) -> None:
        """Whole epochs until the time is over, at least one."""
        start = time.perf_counter()
        while not self.epochs or time.perf_counter() - start < seconds:
            self.epochs += 1
            self.loop.train(
                self.facts,
                num_epochs=self.epochs,  # in all: one more than before
                continue_training=self.epochs > 1,
                batch_size=BATCH,
                use_tqdm=False,
                use_tqdm_batch=False,
            )

    def scores(self, asked: Tensor, known: Tensor) -> dict[str, float]:
        """MRR and H@k of facts, both directions, %."""
        from pykeen.evaluation import RankBasedEvaluator

        result = RankBasedEvaluator().evaluate(
            self.model, asked, batch_size=16, additional_filter_triples=[known], use_tqdm=False
        )
        named = {"MRR": "inverse_harmonic_mean_rank"} | {f"H@{k}": f"hits_at_{k}" for k in (1, 3, 10)}
        return {
            name: 100 * float(result.get_metric(f"both.realistic.{metric}")) for name, metric in named.items()
        }


def rotate(facts: Any, seed: int, rate: float) -> tuple[Any, Any]:
    """RotatE with self-adversarial negatives, as published (arXiv 1902.10197)."""
    from pykeen.losses import NSSALoss
    from pykeen.models import RotatE
    from pykeen.training import SLCWATrainingLoop

    model = RotatE(
        triples_factory=facts,
        embedding_dim=200,
        loss=NSSALoss(margin=9.0, adversarial_temperature=1.0),
        random_seed=seed,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    negatives = {"num_negs_per_pos": NEGATIVES}
    return model, SLCWATrainingLoop(
        model=model,
        triples_factory=facts,
        optimizer=optimizer,
        negative_sampler_kwargs=negatives,
        automatic_memory_optimization=False,
    )


def tucker(facts: Any, seed: int, rate: float) -> tuple[Any, Any]:
    """TuckER over all entities, with the dropout of WN18RR and FB15k-237 between them (arXiv 1901.09590)."""
    from pykeen.models import TuckER
    from pykeen.training import LCWATrainingLoop

    model = TuckER(
        triples_factory=facts,
        embedding_dim=200,
        relation_dim=64,
        dropout_0=0.2,
        dropout_1=0.2,
        dropout_2=0.3,
        loss="crossentropy",
        random_seed=seed,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    return model, LCWATrainingLoop(
        model=model, triples_factory=facts, optimizer=optimizer, automatic_memory_optimization=False
    )


MAKERS: dict[str, Callable[[Any, int, float], tuple[Any, Any]]] = {"RotatE": rotate, "TuckER": tucker}


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
                rival = Rival(model, task, seed, flags.rate or RATES[model])
                rival.train(seconds)
                scores = rival.scores(task.asked, task.known)
                runs.append({"seed": seed, "epochs": rival.epochs, "seconds": round(seconds)} | scores)
                print(json.dumps({name: {model: runs[-1]}}), flush=True)
            values = {key: [run[key] for run in runs] for key in ("MRR", "H@1", "H@3", "H@10")}
            spread = {key: (statistics.mean(found), deviation(found)) for key, found in values.items()}
            details.setdefault(name, {})[model] = {"runs": runs, "spread": spread}
    if flags.valid:
        return 0
    rows = [] if flags.quick and not ours else claims(details, ours)
    return measure.report("mmkg_rivals", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
