"""What senses tell of missing facts: structure, rules and what is usual, with the senses and without.

python -m benchmarks.sense_links [--store stores/demo] [--quick]

The facts of the demo are split three times as a build splits them, the seed deciding. Each time the link
scorer is trained once, and the other terms are weighed twice, by validation: with what was observed of the
entities, and without it. The test facts, both directions, are then ranked once by either.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.measure import Row, parser, report

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.store.store import Store

SEEDS = 3


def scores(store: Store, settings: Settings) -> dict[str, float]:
    """Test MRR of one split."""
    from kg.completion import completion_ranks
    from kg.links import Answers, both_directions
    from kg.ranking import mean_reciprocal_rank
    from kg.splits import triple_split
    from pipelines.senses.joint import joint_graph
    from pipelines.training.completion import choose_completion
    from pipelines.training.link_facts import LinkFacts
    from pipelines.training.links import link_ranks, train_links
    from pipelines.training.train import joint_triples

    graph, share = store.graph.stated(), settings.link_share
    joint = joint_graph(graph, store.observations, settings, diffusion=False)
    found = joint_triples(graph, joint)
    split = triple_split(found, valid=share, test=share, seed=settings.seed)
    facts = LinkFacts.of(joint, torch.from_numpy(found), split.learning())
    model, _ = train_links(facts, settings, lambda stage, done, total: None)
    test, count = torch.from_numpy(found[split.test]), graph.num_relations
    everything, denied = torch.from_numpy(found), found[:0]
    out = {"structure": mean_reciprocal_rank(link_ranks(model, facts.graph, test, everything))}
    known, asked = Answers.of(both_directions(everything, count), 2 * count), both_directions(test, count)
    for name, given in (("without senses", replace(facts, observed=None)), ("with senses", facts)):
        completion, _ = choose_completion(model, given, settings, denied)
        out[name] = mean_reciprocal_rank(completion_ranks(completion, asked, known).numpy())
        out[f"{name}, weight"] = completion.blend.further
    return out


def main() -> int:
    """Measure, report."""
    flags_of = parser("what senses tell of missing facts")
    flags_of.add_argument("--store", type=Path, default=Path("stores/demo"), help="the demo's (make demo)")
    flags = flags_of.parse_args()
    from kg.memory import kept_memory
    from pipelines.store.store import Store

    store = Store.open(flags.store)
    settings = replace(store.settings, epochs=2) if flags.quick else store.settings
    with kept_memory():
        runs = [scores(store, replace(settings, seed=seed)) for seed in range(1 if flags.quick else SEEDS)]
    with_senses, without, structure = (
        [run[name] for run in runs] for name in ("with senses", "without senses", "structure")
    )
    gains = [ours - rival for ours, rival in zip(with_senses, without, strict=True)]
    rows = [
        Row(
            f"demo, facts held out, both directions ({len(runs)} splits, least gain {min(gains):.3f}): "
            f"with senses, against {name}",
            "MRR",
            statistics.mean(with_senses),
            statistics.mean(rival),
            statistics.mean(with_senses) - statistics.mean(rival),
            "ours - rival > 0",
            min(ours - other for ours, other in zip(with_senses, rival, strict=True)) > 0,
        )
        for name, rival in (("structure, rules and prior", without), ("structure alone", structure))
    ]
    return report("sense_links", rows, quick=flags.quick, details={"runs": runs})


if __name__ == "__main__":
    sys.exit(main())
