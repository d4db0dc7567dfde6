"""Retrieval across senses on the demo: text finds picture, picture finds text, sound finds either.

python -m benchmarks.retrieval [--store stores/demo] [--keep FOLDER] [--quick]

Five splits by concept (no concept of the test in training) and five at random, the demo's folders left out.
On each, hand-built rivals (A a linear map, C with WordNet, D with the captions' nearest neighbours, G with
captions, glosses and WordNet; `hub` takes off what is near to all, `names` gives them, too, what the picture
encoder can name) and the model that build_kg trains: with the graph, without, and with the links to WordNet
dealt at random. Texts stand with their facts, a picture alone; a gallery holds the held-out items; ties take
the middle rank. What is chosen is chosen on validation. Differences are paired by split, with the 95 %
interval of Student's t. The better features (`efficientnet-lite0-lite2`) are encoded once and kept beside
the others. What was tried stands in [retrieval.md](retrieval.md).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Row, parser, report

if TYPE_CHECKING:
    from benchmarks.retrieval_runs import Scores
    from pipelines.senses.joint import Observations
    from pipelines.settings import Settings
    from pipelines.store.store import Store

SEEDS, QUICK = range(5), range(100, 101)
"""Of the splits; a quick run looks at one of which no figure speaks."""
TASKS = ("text to image", "image to text")
TARGETS = {"ours": (0.38, 0.72), "ours, better features": (0.42, 0.77)}
"""MRR and R@10 of both tasks on the concept splits."""
BETTER = "efficientnet-lite0-lite2"
FALLS = 0.01
Found = dict[str, list["Scores"]]
"""By row of the table, what each split came to."""


def with_names(store: Store) -> Observations:
    """The store's observations, and what its picture encoder names: a store of an older build has none."""
    from encoders import make_encoder
    from pipelines.building.build import cache_folder
    from pipelines.senses.naming import names_of

    if store.observations.names is not None:
        return store.observations
    made = {name: make_encoder(name) for name in ("image", "text")}
    return replace(store.observations, names=names_of(made, cache_folder()))


def better_features(store: Store) -> Observations:
    """The same with the better encoder's pictures."""
    import pyarrow.compute as pc
    import torch

    from encoders import encode_cached, make_encoder, resolve_media
    from pipelines.building.build import cache_folder
    from pipelines.senses.naming import names_of

    table = store.observed
    table = table.filter(pc.and_(pc.equal(table["modality"], "image"), pc.greater_equal(table["row"], 0)))
    root = store.media_root or Path()
    files = [resolve_media(one, root) for one in table["reference"].to_pylist()]
    encoder = make_encoder("image", BETTER)
    encoded = encode_cached(encoder, files, cache_folder() / "features")
    seen = store.observations
    owners = torch.tensor(table["entity"].to_pylist())[torch.from_numpy(encoded.rows)]
    return replace(
        seen,
        features={**seen.features, "image": encoded.features},
        owners={**seen.owners, "image": owners},
        names=names_of({"image": encoder, "text": make_encoder("text")}, cache_folder()),
    )


def runs(
    store: Store, seen: Observations, better: Observations | None, settings: Settings
) -> Iterator[tuple[str, str, Scores]]:
    """Kind of split, row and scores of everything that one seed is to tell."""
    from benchmarks.retrieval_runs import NONE, SHUFFLED, TRUE, Work, linked_facts, ours, rivals

    work = Work.of(store.graph, seen, settings, random=False)
    kinds = (TRUE, NONE) if better is None else (TRUE, NONE, SHUFFLED)
    facts = {kind: linked_facts(work, kind) for kind in kinds}
    for name, scores in rivals(work).items():
        yield "concept", name, scores
    for kind in kinds:
        yield "concept", _said("ours", kind), ours(work, facts[kind])
    if better is None:
        return
    for kind in kinds:
        yield "concept", _said("ours without names", kind), ours(work, facts[kind], names=False)
    finer = replace(work, observations=better)
    for name, scores in rivals(finer).items():
        yield "concept", f"{name}, better features", scores
    for kind in (TRUE, NONE):
        yield "concept", _said("ours, better features", kind), ours(finer, facts[kind])
    work = Work.of(store.graph, seen, settings, random=True)
    for name, scores in rivals(work).items():
        yield "random", name, scores
    for kind in (TRUE, NONE):
        yield "random", _said("ours", kind), ours(work, facts[kind])


def _said(name: str, facts: str) -> str:
    return name if facts == "graph" else f"{name}, {facts}"


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of paired differences, by Student's t; a single one has none."""
    from scipy.stats import t

    if len(differences) < 2:
        return float("-inf"), float("inf")
    error = statistics.stdev(differences) / len(differences) ** 0.5
    half = float(t.ppf(0.975, len(differences) - 1)) * error
    mean = statistics.fmean(differences)
    return mean - half, mean + half


def mean(found: Found, row: str, task: str, metric: str = "MRR") -> float:
    """The mean of a row over its splits."""
    return statistics.fmean(scores[task][metric] for scores in found[row])


def gain(found: Found, ours: str, rival: str, task: str) -> Row:
    """A claim that a row is above another on the same splits, the interval clear of zero."""
    pairs = zip(found[ours], found[rival], strict=True)
    differences = [one[task]["MRR"] - other[task]["MRR"] for one, other in pairs]
    low, high = interval(differences)
    said = f"{task}: {ours}, against {rival} (difference by split {low:.3f} to {high:.3f})"
    values = mean(found, ours, task), mean(found, rival, task)
    return Row(said, "MRR", *values, values[0] - values[1], "interval above 0", low > 0)


def rows(found: Found) -> list[Row]:
    """The claims, of the concept splits."""
    out = []
    for name, targets in TARGETS.items():
        for task in TASKS if name in found else ():
            for metric, least in zip(("MRR", "R@10"), targets, strict=True):
                value = mean(found, name, task, metric)
                spread = [one[task][metric] for one in found[name]]
                deviation = statistics.stdev(spread) if len(spread) > 1 else 0.0
                said = f"{task}: {name} ({len(spread)} splits, deviation {deviation:.3f})"
                out.append(Row(said, metric, value, least, value / least, f"ours >= {least}", value >= least))
    for name, rival in (
        ("ours", "ours, no graph"),
        ("ours", "D hub names"),
        ("ours", "G hub names"),
        ("ours without names", "ours without names, no graph"),
        ("ours without names", "D hub"),
        ("ours without names", "G whitened hub"),
        ("ours", "ours without names"),
        ("ours, better features", "ours, better features, no graph"),
    ):
        out += [gain(found, name, rival, task) for task in TASKS if name in found and rival in found]
    for name in ("ours", "ours without names"):
        for task in TASKS if f"{name}, shuffled links" in found else ():
            wrong, bare = (mean(found, f"{name}, {facts}", task) for facts in ("shuffled links", "no graph"))
            target = f"ours - rival >= -{FALLS}"
            said = f"{task}: {name}, links shuffled, against no graph"
            out.append(Row(said, "MRR", wrong, bare, wrong - bare, target, wrong - bare >= -FALLS))
    return out


def measured(
    store: Store, settings: Settings, seeds: Sequence[int], quick: bool, keep: Path | None = None
) -> dict[str, Found]:
    """All rows of all splits, by kind of split; a seed that is kept already is not run again."""
    seen = with_names(store)
    better = None if quick else better_features(store)
    out: dict[str, Found] = {"concept": {}, "random": {}}
    for seed in seeds:
        file = None if keep is None else keep / f"{seed}.json"
        if file is not None and file.exists():
            said = json.loads(file.read_text(encoding="utf-8"))
        else:
            said = []
            for kind, name, scores in runs(store, seen, better, replace(settings, seed=seed)):
                said.append((kind, name, scores))
                told = ", ".join(
                    f"{task} {scores[task]['MRR']:.3f} / {scores[task]['R@10']:.3f}" for task in TASKS
                )
                print(f"seed {seed}, {kind} split, {name}: {told}", file=sys.stderr, flush=True)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(said), encoding="utf-8")
        for kind, name, scores in said:
            out[kind].setdefault(name, []).append(scores)
    return out


def table(found: Found) -> dict[str, dict[str, dict[str, float]]]:
    """Means over the splits, by row and task."""
    return {
        name: {
            task: {metric: mean(found, name, task, metric) for metric in scores[0][task]}
            for task in scores[0]
            if all(task in one for one in scores)
        }
        for name, scores in found.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, report."""
    flags = _parser().parse_args(argv)
    from pipelines.settings import Settings
    from pipelines.store.store import Store

    try:
        store = Store.open(flags.store)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    settings = Settings(epochs=4) if flags.quick else Settings()
    found = measured(store, settings, QUICK if flags.quick else SEEDS, flags.quick, flags.keep)
    details: dict[str, Any] = {
        "means": {kind: table(one) for kind, one in found.items()},
        "by split": found,
    }
    return report("retrieval", rows(found["concept"]), quick=flags.quick, details=details)


def _parser() -> argparse.ArgumentParser:
    from pipelines.building.build import DEMO_STORE

    out = parser("Retrieval across senses on the demo.")
    out.add_argument("--store", type=Path, default=DEMO_STORE, help=f"a store of the demo ({DEMO_STORE})")
    out.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep each finished seed, and go on from there"
    )
    return out


if __name__ == "__main__":
    sys.exit(main())
