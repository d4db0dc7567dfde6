"""RotatE and TuckER on DB15K, MKG-W and MKG-Y, given as much time as ours took.

python -m benchmarks.mmkg_rivals [--set MKG-Y] [--seeds 3] [--seconds N] [--quick] [--data DIR]

Run `benchmarks.mmkg` first: a seed of a rival trains, on all of train, for as long as a seed of ours worked
in all, by the processor's clock. Both are trained as our ComplEx is, by the softmax over all entities in both
directions, since that is what helps every such model most (Ruffinelli et al., ICLR 2020); sizes and dropout
are those that they were published with, the learning rate is the best of three on the validation of MKG-Y
(two minutes each). PyKEEN's own, tried first, came to 3 epochs of MKG-Y in two minutes (RotatE), or to none
in five (TuckER). Test is opened once for each seed. Ranks are filtered, realistic, of tails and heads.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import measure
from benchmarks.mmkg import DATA, TARGETS, Task, kept, load
from kg.links import Answers, both_directions, ranks_among
from kg.ranking import mean_reciprocal_rank, recall_at
from pipelines.training.deviation import deviation, deviation_said

KS = (1, 3, 10)
RATES = {"RotatE": 0.001, "TuckER": 0.01}
OURS = ("structure only", "+ prior, rules and names")


class Rival(nn.Module):
    """A model that is trained from one look at the clock to the next."""

    optimizer: torch.optim.Optimizer

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.task, self.epochs = task, 0

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """Rows that the candidates' product with ranks them by: ``(b,), (b,) -> (b, d)``."""
        raise NotImplementedError

    def candidates(self) -> Tensor:
        """``(n, d)``."""
        raise NotImplementedError

    def logits(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """What the softmax is taken of: ``(b, d), (n, d) -> (b, n)``."""
        return queries @ candidates.t()

    def fit(self, seconds: float) -> None:
        """Whole epochs until so much of the processor's time is over, at least one."""
        start, count = time.process_time(), self.task.facts.num_relations
        answers = Answers.of(both_directions(self.task.learned, count), 2 * count)
        while not self.epochs or time.process_time() - start < seconds:
            self.epochs += 1
            for places in torch.randperm(len(answers)).split(256):
                row, tail = answers.take(places)
                queries = self.queries(answers.head[places], answers.relation[places])
                found = self.logits(queries, self.candidates()).log_softmax(1)
                self.optimizer.zero_grad()
                (-found[row, tail].mean()).backward()
                self.optimizer.step()

    @torch.no_grad()
    def scores(self, asked: Tensor, known: Tensor) -> dict[str, float]:
        """MRR and H@k of facts, both directions, %."""
        self.eval()
        count, candidates = self.task.facts.num_relations, self.candidates()
        answers = Answers.of(both_directions(torch.cat([known, asked]), count), 2 * count)
        found = []
        for part in both_directions(asked, count).split(256):
            head, relation, tail = part.unbind(1)
            row, other = answers.take(answers.places(head, relation))
            scores = candidates @ self.queries(head, relation).t()
            left_out = other != tail[row]
            found.append(ranks_among(scores, tail, row[left_out], other[left_out]))
        ranks = torch.cat(found).numpy()
        return {"MRR": 100 * mean_reciprocal_rank(ranks)} | {f"H@{k}": 100 * recall_at(ranks, k) for k in KS}


class RotatE(Rival):
    """Relations turn complex numbers, and tails are near to what comes (arXiv 1902.10197)."""

    def __init__(self, task: Task, seed: int, rate: float) -> None:
        super().__init__(task, seed)
        self.rows = nn.Parameter(0.1 * torch.randn(task.facts.num_entities, 2 * 200))
        self.phase = nn.Parameter(2 * math.pi * torch.rand(2 * task.facts.num_relations, 200))
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """The turned head, and 1 for what the candidates take off."""
        real, imaginary = self.rows[head].chunk(2, dim=1)
        cos, sin = self.phase[relation].cos(), self.phase[relation].sin()
        turned = [real * cos - imaginary * sin, real * sin + imaginary * cos]
        return torch.cat([*turned, torch.ones(len(head), 1)], dim=1)

    def candidates(self) -> Tensor:
        """Rows, and half of their squared length: the nearer one has the larger product."""
        return torch.cat([self.rows, -self.rows.square().sum(1, keepdim=True) / 2], dim=1)

    def logits(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Distances, less the better, on a scale that is learned."""
        length = queries[:, :-1].square().sum(1, keepdim=True)
        distance = (length - 2 * queries @ candidates.t()).clamp(min=1e-6).sqrt()
        return -self.scale.exp() * distance


class TuckER(Rival):
    """A core tensor between head, relation and tail (arXiv 1901.09590).

    Dropout lies between what was published for WN18RR and for FB15k-237.
    """

    def __init__(self, task: Task, seed: int, rate: float) -> None:
        super().__init__(task, seed)
        self.rows = nn.Parameter(0.1 * torch.randn(task.facts.num_entities, 200))
        self.relation = nn.Parameter(0.1 * torch.randn(2 * task.facts.num_relations, 64))
        self.core = nn.Parameter(2 * torch.rand(64, 200, 200) - 1)
        self.norms = nn.ModuleList([nn.BatchNorm1d(200), nn.BatchNorm1d(200)])
        self.drops = nn.ModuleList([nn.Dropout(share) for share in (0.2, 0.2, 0.3)])
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def queries(self, head: Tensor, relation: Tensor) -> Tensor:
        """Heads through the core: ``(b, 200)``."""
        kinds, place = torch.unique(relation, return_inverse=True)
        by_kind = self.drops[1](torch.einsum("kr,rij->kij", self.relation[kinds], self.core))
        rows = self.drops[0](self.norms[0](self.rows[head]))
        out: Tensor = self.drops[2](self.norms[1](torch.einsum("bi,bij->bj", rows, by_kind[place])))
        return out

    def candidates(self) -> Tensor:
        """The rows as they are."""
        return self.rows


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
