"""Measure retrieval on several concept-disjoint splits, with and without the graph; and a store's links."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pipelines.store.store import Store
from pipelines.training.deviation import deviation

Rows = dict[str, dict[str, float]]


def evaluate(
    store: Store,
    *,
    seeds: int = 3,
    without: Sequence[str] = (),
    device: str = "auto",
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Train and test over several concept-disjoint splits.

    Args:
        store: the opened store; only its facts, features and settings are used.
        seeds: number of splits, from the store's own seed upwards.
        without: IRIs of relations that the graph is to do without.
        device: cpu, cuda or auto.
        progress: called with stage, steps done, steps in all.

    Returns:
        ``rows`` (name -> metric -> mean), ``spread`` (the same, standard deviation of the sample of seeds,
        None of a single one), ``intervals`` (95 % by bootstrap over the queries within the splits),
        ``ranks`` (row -> split -> ranks by query), ``opened`` (for each split when its test was opened, and
        what was chosen before), ``seeds``; and of the store's own held-out facts ``links``, ``relations``,
        ``leakage`` (see `pipelines.training.link_report`).

    Raises:
        ValueError: for fewer than one seed, or a relation that the graph does not have.
    """
    from pipelines.building.build import resolve_device
    from pipelines.training.concept_ranks import Tested
    from pipelines.training.ranked import intervals
    from pipelines.training.train import retrieval_tested

    if seeds < 1:
        raise ValueError(f"expected at least 1 seed (got {seeds})")
    for iri in without:
        store.graph.relation_id(iri)
    say = progress or (lambda stage, done, total: None)
    found: list[Tested] = []
    for number in range(seeds):
        settings = replace(store.settings, seed=store.settings.seed + number)
        found.append(
            retrieval_tested(
                store.graph,
                store.observations,
                settings,
                without=frozenset(without),
                device=resolve_device(device),
                progress=lambda stage, done, total, number=number: say(  # type: ignore[misc]
                    f"split {number + 1}, {stage}", done, total
                ),
            )
        )
    runs: list[Rows] = [{name: one.row() for name, one in run.ranked.items()} for run in found]
    names = [name for name in runs[0] if all(name in run for run in runs)]
    links = stored_links(store)
    splits_of = {name: [run.ranked[name] for run in found] for name in names}
    return {
        "rows": {name: _over(runs, name, statistics.fmean) for name in names},
        "spread": {name: _over(runs, name, deviation) for name in names} | links["spread"],
        "intervals": {name: intervals(parts) for name, parts in splits_of.items()} | links["intervals"],
        "links": links["links"],
        "relations": links["relations"],
        "leakage": links["leakage"],
        "seeds": seeds,
        "without": list(without),
        "opened": {"links": links["opened"], "alignment": [run.opened for run in found]},
        "ranks": {name: [one.as_json() for one in parts] for name, parts in splits_of.items()}
        | links["ranks"],
    }


def stored_links(store: Store) -> dict[str, Any]:
    """The report of the facts that a store's build has held out; of an older store its scores alone."""
    from pipelines.training.link_report import link_report
    from pipelines.training.link_rows import FILE

    if FILE not in store.manifest["files"]:
        links = {n: row for n, row in store.metrics["held_out"].items() if n.startswith("links")}
        nothing: dict[str, Any] = {}
        parts = ("intervals", "spread", "relations", "ranks", "leakage")
        return {"links": links, **dict.fromkeys(parts, nothing), "opened": None}
    import pyarrow.parquet as pq

    report = link_report([pq.read_table(store.folder / FILE)])
    metrics = store.metrics
    return report | {"opened": metrics["test_opened"]["links"], "leakage": metrics["leakage"]}


def _over(
    runs: Sequence[Rows], name: str, of: Callable[[list[float]], float | None]
) -> dict[str, float | None]:
    return {metric: of([run[name][metric] for run in runs]) for metric in runs[0][name]}
