"""What the prior of a relation does, and the order of a hierarchy, on the demo.

python -m benchmarks.priors [--store stores/demo] [--figure priors.png] [--quick]

The demo's items are tied to what is known by schema:about; their folders are left out, which would tell the
same. A made-up relation deals the tails of schema:about at random. Links and attention are trained on
concept-disjoint splits as `pipelines.evaluate` does, the made-up relation having prior 0. Then the prior of
one of both is moved, the other's being 1, and all vectors are made anew by the weights that are there. Told
are the share of attention that goes by the relation, and the ranks of pictures asked for by text and of texts
by picture. Of the order it is told how many held-out facts of hierarchies are the wrong way round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.hierarchy_order import order
from benchmarks.measure import Row, parser, report
from benchmarks.priors_figure import RIGHT, TASKS, WRONG, draw

if TYPE_CHECKING:
    from fusion.base import JointGraph
    from fusion.senses import SenseFusion
    from kg.graph import KnowledgeGraph
    from pipelines.settings import Settings
    from pipelines.store.store import Store

LEFT_OUT = "https://schema.org/category"
PRIORS = (0.0, 0.01, 0.1, 0.5, 1.0)
SEEDS, LOSS = 3, 0.005
Curve = dict[str, list[float]]
"""By what is measured, a value for each prior."""


def with_shuffled(graph: KnowledgeGraph, relation: str, seed: int) -> KnowledgeGraph:
    """The graph and a made-up relation: the facts of another, their tails dealt anew."""
    import pyarrow as pa

    kind = graph.triples[:, 1] == graph.relation_id(relation)
    names = sorted([*graph.relations.to_pylist(), WRONG])
    place = np.array([names.index(name) for name in graph.relations.to_pylist()])
    facts = graph.triples[kind]
    dealt = np.random.default_rng(seed).permutation(facts[:, 2])
    made = np.stack([facts[:, 0], np.full(len(facts), names.index(WRONG)), dealt], axis=1)
    head, number, tail = graph.triples.T
    triples = np.concatenate([np.stack([head, place[number], tail], axis=1), made])
    order = np.lexsort(triples.T[::-1])
    return replace(
        graph,
        relations=pa.array(names),
        triples=triples[order],
        weights=np.concatenate([graph.weights, graph.weights[kind]])[order],
        origin=np.concatenate([graph.origin, graph.origin[kind]])[order],
    )


@torch.no_grad()
def attention_mass(
    model: SenseFusion, joint: JointGraph, structure: torch.Tensor | None, relations: Sequence[int]
) -> float:
    """The share of what entities hear by some relations, of those that hear by these and by others.

    A mean over the entities and over the senses whose context the model attends to; 0 where nobody hears.
    """
    from fusion.attention import CrossModalAttention
    from fusion.base import CONTEXT

    assert isinstance(model, CrossModalAttention)
    memory = model.memory(joint, structure, torch.ones(joint.num_entities, dtype=torch.bool))
    chosen = torch.isin(joint.edges.edge_type, torch.tensor(relations))
    shares = []
    for name in model.context:
        told = memory[name].present | memory[CONTEXT + name].present
        alpha, heard = model.listening(joint, told)
        by, other = (_at(joint, mask & heard) > 0 for mask in (chosen, ~chosen))
        shares.append(_at(joint, chosen, alpha.squeeze(1))[by & other])
    return float(torch.cat(shares).mean()) if sum(map(len, shares)) else 0.0


def _at(joint: JointGraph, edges: torch.Tensor, value: torch.Tensor | None = None) -> torch.Tensor:
    """The sum over some edges into each entity, of 1 or of a value: ``(num_entities,)``."""
    each = edges.float() if value is None else value * edges
    return torch.zeros(joint.num_entities).index_add(0, joint.edges.sources.row, each)


def sweep(store: Store, settings: Settings, priors: Sequence[float]) -> tuple[dict[str, Curve], float]:
    """What each prior of either relation does on one split; how far 0 is from having no such facts."""
    from pipelines.senses.joint import joint_graph
    from pipelines.training.alignment import held_out_scores
    from pipelines.training.links import structure_of
    from pipelines.training.train import aligned

    graph = with_shuffled(_lacking(store.graph.stated(), LEFT_OUT), RIGHT, settings.seed)
    found, *_ = aligned(
        graph,
        store.observations,
        replace(settings, prior={WRONG: 0.0}),
        progress=lambda stage, done, total: None,
    )

    def at(prior: dict[str, float], facts: KnowledgeGraph = graph) -> tuple[JointGraph, torch.Tensor | None]:
        joint = joint_graph(facts, found.observations, replace(settings, prior=prior))
        return joint, None if found.links is None else structure_of(found.links, joint)

    curves: dict[str, Curve] = {}
    difference = 0.0
    for relation in (RIGHT, WRONG):
        place = graph.relation_id(relation)
        curve: Curve = {name: [] for name in ("attention", *TASKS)}
        for prior in priors:
            made = at({relation: prior})
            kinds = (place, place + graph.num_relations)
            curve["attention"].append(attention_mass(found.model, *made, kinds))
            scores = held_out_scores(found.model, *made, found.split)
            for task in TASKS:
                curve[task].append(scores[task]["MRR"])
            if prior == 0:
                lacking = at({}, _lacking(graph, relation))
                difference = max(difference, _difference(found.model, made, lacking))
        curves[relation] = curve
    return curves, difference


def _lacking(graph: KnowledgeGraph, relation: str) -> KnowledgeGraph:
    """The graph without the facts of a relation."""
    kept = graph.triples[:, 1] != graph.relation_id(relation)
    return replace(graph, **{name: getattr(graph, name)[kept] for name in ("triples", "weights", "origin")})


@torch.no_grad()
def _difference(model: Any, one: tuple[Any, Any], other: tuple[Any, Any]) -> float:
    """The largest difference of any number in the joint vectors of two graphs."""
    return float((model(*one) - model(*other)).abs().max())


def means(curves: Sequence[dict[str, Curve]]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Mean and standard deviation over the splits, by relation and by what is measured."""
    out: dict[str, dict[str, dict[str, list[float]]]] = {}
    for relation in curves[0]:
        out[relation] = {}
        for name in curves[0][relation]:
            values = np.array([one[relation][name] for one in curves])
            out[relation][name] = {"mean": values.mean(0).tolist(), "spread": values.std(0).tolist()}
    return out


def rows(found: dict[str, Any]) -> list[Row]:
    """The claims."""
    out, curves = [], found["curves"]
    for relation, name in ((RIGHT, "schema:about"), (WRONG, "the made-up relation")):
        mass = curves[relation]["attention"]["mean"]
        rises = all(one < other for one, other in pairwise(mass))
        title = f"attention that goes by {name}, at prior 1 against {found['priors'][1]:g}"
        out.append(Row(title, "share", mass[-1], mass[1], mass[-1] - mass[1], "rises with each prior", rises))
    for task in TASKS:
        right, wrong = (curves[relation][task]["mean"] for relation in (RIGHT, WRONG))
        for title, ours, rival in (
            (f"{task}: schema:about at prior 1, against 0, beside wrong links", right[-1], right[0]),
            (f"{task}: wrong links at prior 0, against 1", wrong[0], wrong[-1]),
        ):
            out.append(Row(title, "MRR", ours, rival, ours - rival, "ours - rival > 0", ours > rival))
    gap = found["difference"]
    title = "vectors at prior 0, against a graph without these facts: largest difference"
    out.append(Row(title, "", gap, 0.0, gap, "ours = 0", gap == 0))
    one, none = (found["order"][name] for name in ("default", "none"))
    for name in ("wrong by row", "wrong by score"):
        title = f"held-out facts of hierarchies, {name}: trained with their order, against without"
        out.append(
            Row(
                title,
                "share",
                one[name],
                none[name],
                one[name] - none[name],
                "ours < rival",
                one[name] < none[name],
            )
        )
    gain = one["validation MRR"] - none["validation MRR"]
    title = "validation MRR of links: trained with the order of hierarchies, against without"
    out.append(
        Row(
            title,
            "",
            one["validation MRR"],
            none["validation MRR"],
            gain,
            f"ours - rival >= -{LOSS:g}",
            gain >= -LOSS,
        )
    )
    return out


def measured(store: Store, settings: Settings, seeds: int, priors: Sequence[float]) -> dict[str, Any]:
    """All that the rows and the figure are made of."""
    swept, orders = [], []
    for seed in range(seeds):
        chosen = replace(settings, seed=seed)
        swept.append(sweep(store, chosen, priors))
        orders.append([order(store, replace(chosen, order=weight)) for weight in (settings.order, 0.0)])
        print(f"split {seed + 1} of {seeds}: {orders[-1]}", file=sys.stderr)
    names = dict(enumerate(("default", "none")))
    return {
        "priors": list(priors),
        "seeds": seeds,
        "curves": means([curves for curves, _ in swept]),
        "difference": max(gap for _, gap in swept),
        "order": {
            name: {key: float(np.mean([pair[side][key] for pair in orders])) for key in orders[0][side]}
            for side, name in names.items()
        },
        "orders": [dict(zip(names.values(), pair, strict=True)) for pair in orders],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, draw, report."""
    flags = _parser().parse_args(argv)
    from pipelines.drawing.plots import check_plots
    from pipelines.settings import Settings
    from pipelines.store.store import Store

    try:
        if flags.figure is not None:
            check_plots(flags.figure)
        store = Store.open(flags.store)
    except (ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if flags.quick:
        found = measured(store, Settings(epochs=4), 1, (0.0, 0.1, 1.0))
    else:
        found = measured(store, Settings(), SEEDS, PRIORS)
    if flags.figure is not None:
        draw(found, flags.figure)
    return report("priors", rows(found), quick=flags.quick, details=found)


def _parser() -> argparse.ArgumentParser:
    from pipelines.building.build import DEMO_STORE

    out = parser("What the prior of a relation does, and the order of a hierarchy.")
    out.add_argument("--store", type=Path, default=DEMO_STORE, help=f"a store of the demo ({DEMO_STORE})")
    out.add_argument("--figure", type=Path, metavar="PNG", help="also draw what priors do")
    return out


if __name__ == "__main__":
    sys.exit(main())
