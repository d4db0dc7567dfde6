"""Which labels to ask for next: the suggestions of `pipelines.predict --suggest` against random choice.

python -m benchmarks.suggestions --data FOLDER [--quick]

The groceries (see benchmarks.groceries): two hundred random labels at first, then a hundred more in each of
four rounds, asked for among the train photos; the photos of the validation part are judged after each round.
Both sides start from the same labels and train in the same way; only the choice differs. The mean over the
rounds counts.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.groceries import SETTINGS, TARGET, Shop, data_parser, only, open_shop
from benchmarks.measure import Row, report
from kg.splits import Split
from pipelines.labels.learn import Lesson, prepare, probabilities
from pipelines.labels.split import Taught
from pipelines.labels.training import Labeller, train_labels
from pipelines.prediction.suggestion import suggested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

START, STEP, ROUNDS, SEEDS = 200, 100, 4, 3
VALID = 0.1


def train(lesson: Lesson, known: Ids, seed: int) -> Labeller:
    """Learn from some of the labels, a tenth of them for validation."""
    order = np.random.default_rng(seed).permutation(known)
    cut = round(VALID * len(known))
    rest = np.setdiff1d(np.arange(len(lesson.target.entities)), known)
    split = Split(np.sort(order[cut:]), np.sort(order[:cut]), rest)
    settings = replace(SETTINGS, seed=seed, epochs=5)
    taught = Taught.of(lesson.target, split)
    return train_labels(lesson.joint, taught, settings, lambda stage, done, total: None)


def told(lesson: Lesson, labeller: Labeller, entities: Ids) -> NDArray[np.float32]:
    """What the model compares of some entities, side by side."""
    with torch.no_grad():
        memory = labeller.model.remember(lesson.joint)
        view = labeller.model.view(memory.senses, lesson.joint.affinity, torch.from_numpy(entities))
        return torch.cat([s.vectors for s in labeller.model.fusion.told(view).values()], dim=1).numpy()


def course(shop: Shop, lesson: Lesson, seed: int, *, ask: bool) -> list[float]:
    """Fine accuracy after each round, with suggested or with random labels."""
    entities = lesson.target.entities
    random = np.random.default_rng(seed)
    known = random.permutation(len(entities))[:START]
    scores = []
    for _ in range(ROUNDS):
        labeller = train(lesson, known, seed)
        pool = np.setdiff1d(np.arange(len(entities)), known)
        if ask:
            sure = probabilities(labeller, lesson.joint, entities[pool])
            chosen = suggested(sure, told(lesson, labeller, entities[pool]), STEP)
        else:
            chosen = random.permutation(len(pool))[:STEP]
        known = np.concatenate([known, pool[chosen]])
        found = probabilities(train(lesson, known, seed), lesson.joint, shop.photos)
        scores.append(shop.scores(lesson, found)[0])
    return scores


def main() -> int:
    """Parse, measure, report."""
    flags = data_parser("Which labels to ask for next.").parse_args()
    shop = open_shop(flags.data)
    lesson = prepare(
        shop.graph, only(shop.encoded.observations, "text", "image"), shop.encoded.table, TARGET, SETTINGS
    )
    seeds = range(1 if flags.quick else SEEDS)
    found = {
        name: [course(shop, lesson, seed, ask=ask) for seed in seeds]
        for name, ask in (("suggested", True), ("random", False))
    }
    ours, rival = (statistics.mean(map(statistics.mean, found[name])) for name in ("suggested", "random"))
    title = f"groceries, fine accuracy with {STEP} more labels at a time, suggested against random"
    row = Row(title, "accuracy", ours, rival, ours - rival, "ours - rival > 0", ours > rival)
    return report("suggestions", [row], quick=flags.quick, details=found)


if __name__ == "__main__":
    sys.exit(main())
