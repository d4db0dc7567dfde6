"""Measure a store's model on held-out concepts, with and without the graph; or its labels.

    python -m pipelines.evaluate --store stores/demo --seeds 5
    python -m pipelines.evaluate --store my_store --target https://example.org/finding
    python -m pipelines.evaluate --store my_store --target https://example.org/finding --robustness out.png
    python -m pipelines.evaluate --store stores/demo --reconstructions out.png --media-root .cache/stamps

Without a target, for each seed the entities are split by concept (no concept of the test in training), the
model is trained anew on the store's features, and the test part is opened once. Text stands with the facts;
the other side shows its one sense alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.deviation import deviation, splits
from pipelines.object_storage import place
from pipelines.store import Store

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from pipelines.history import Progress

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
        None of a single one), ``links`` (the store's own held-out facts), ``seeds``.

    Raises:
        ValueError: for fewer than one seed, or a relation that the graph does not have.
    """
    from pipelines.building import resolve_device
    from pipelines.training import retrieval_scores

    if seeds < 1:
        raise ValueError(f"expected at least 1 seed (got {seeds})")
    for iri in without:
        store.graph.relation_id(iri)
    say = progress or (lambda stage, done, total: None)
    runs: list[Rows] = []
    for number in range(seeds):
        settings = replace(store.settings, seed=store.settings.seed + number)
        runs.append(
            retrieval_scores(
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
    names = [name for name in runs[0] if all(name in run for run in runs)]
    links = {name: row for name, row in store.metrics["held_out"].items() if name.startswith("links")}
    return {
        "rows": {name: _over(runs, name, statistics.fmean) for name in names},
        "spread": {name: _over(runs, name, deviation) for name in names},
        "links": links,
        "seeds": seeds,
        "without": list(without),
    }


def _over(
    runs: Sequence[Rows], name: str, of: Callable[[list[float]], float | None]
) -> dict[str, float | None]:
    return {metric: of([run[name][metric] for run in runs]) for metric in runs[0][name]}


def table(result: dict[str, Any]) -> Table:
    """The result as a table, mean ± standard deviation over the seeds."""
    from rich.table import Table

    out = Table(
        title=f"Held-out concepts, {splits(result['seeds'])}",
        title_justify="left",
        pad_edge=False,
    )
    out.add_column("")
    for metric in ("MRR", "R@1", "R@5", "R@10"):
        out.add_column(metric, justify="right")
    out.add_column("queries", justify="right")
    for name, row in result["rows"].items():
        spread = result["spread"][name]
        figures = [_figure(row[metric], spread[metric]) for metric in ("MRR", "R@1", "R@5", "R@10")]
        out.add_row(name, *figures, f"{row['queries']:.0f}")
    for name, row in result["links"].items():
        figures = [f"{row[metric]:.3f}" for metric in ("MRR", "R@1", "R@5", "R@10")]
        out.add_row(name, *figures, f"{row['queries']:.0f}")
    return out


def _figure(mean: float, spread: float | None) -> str:
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.evaluate", description="Measure a store's model.")
    out.add_argument("--store", type=place, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument("--seeds", type=int, default=3, help="number of splits (3)")
    out.add_argument("--without", action="append", default=[], metavar="IRI", help="a relation to do without")
    out.add_argument("--target", metavar="IRI", help="measure how well this property is told, by labels")
    out.add_argument("--fusion", metavar="NAME", help="of the label models (default: all, attention first)")
    out.add_argument("--label-share", type=float, metavar="S", help="of the labels (the store's)")
    out.add_argument("--group", metavar="IRI", help="who shares its value stays together (the store's)")
    out.add_argument("--ensemble", type=int, default=3, metavar="N", help="models of a target's ensemble (3)")
    out.add_argument("--robustness", type=Path, metavar="PNG", help="draw how a target's models bear damage")
    out.add_argument("--reconstructions", type=Path, metavar="PNG", help="draw what an autoencoder returns")
    out.add_argument("--media-root", type=Path, metavar="DIR", help="folder of the pictures to reconstruct")
    out.add_argument("--device", default="auto", help="cpu, cuda or auto")
    out.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")
    return out


def measured(
    flags: argparse.Namespace, progress: Progress | None = None
) -> tuple[dict[str, Any], RenderableType]:
    """What the flags ask for, and how it is shown to a person.

    Raises:
        ValueError: one sentence says what is wrong.
        ImportError: a picture is asked for and matplotlib is not installed.
    """
    _check(flags)
    store = Store.open(flags.store)
    if flags.reconstructions:
        return _reconstructed(flags, store, progress)
    if flags.robustness:
        return _damaged(flags, store, progress)
    if flags.target:
        from pipelines.label_evaluation import evaluate_labels
        from pipelines.label_table import labels_table

        result = evaluate_labels(
            store,
            flags.target,
            seeds=flags.seeds,
            fusion=flags.fusion,
            label_share=flags.label_share,
            group=flags.group,
            members=flags.ensemble,
            device=flags.device,
            progress=progress,
        )
        return result, labels_table(result)
    result = evaluate(store, seeds=flags.seeds, without=flags.without, device=flags.device, progress=progress)
    nothing = "nothing to measure: no two senses are held by 8 or more entities of the test part"
    return result, table(result) if result["rows"] else nothing


def _check(flags: argparse.Namespace) -> None:
    if flags.group and not flags.target:
        raise ValueError("expected --target IRI beside --group: which property is to be told?")
    if flags.robustness and not flags.target:
        raise ValueError("expected --target IRI beside --robustness: which property is to be told?")
    if flags.reconstructions and not flags.media_root:
        raise ValueError(
            "expected --media-root DIR beside --reconstructions: a store does not keep the pictures"
        )
    if flags.robustness or flags.reconstructions:
        from pipelines.plots import check_plots

        check_plots(flags.robustness or flags.reconstructions)


def _damaged(
    flags: argparse.Namespace, store: Store, progress: Progress | None
) -> tuple[dict[str, Any], str]:
    from pipelines.damage_curves import half_sentences
    from pipelines.plots import draw_robustness, write_result
    from pipelines.robustness import robustness

    result = robustness(
        store, flags.target, seeds=flags.seeds, group=flags.group, device=flags.device, progress=progress
    )
    draw_robustness(result, flags.robustness)
    numbers = write_result(result, flags.robustness)
    return result, "\n".join([*half_sentences(result), f"drawn: {flags.robustness}, numbers: {numbers}"])


def _reconstructed(
    flags: argparse.Namespace, store: Store, progress: Progress | None
) -> tuple[dict[str, Any], str]:
    from pipelines.plots import draw_reconstructions, write_result
    from pipelines.reconstructions import error_sentences, reconstructions

    result, examples = reconstructions(store, flags.media_root, progress=progress)
    draw_reconstructions(result, examples, flags.reconstructions)
    numbers = write_result(result, flags.reconstructions)
    drawn = f"drawn: {flags.reconstructions}, numbers: {numbers}"
    return result, "\n".join([*error_sentences(result), drawn])


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, print."""
    flags = parser().parse_args(argv)
    from rich.console import Console

    from pipelines.report import bars

    try:
        with bars(Console(stderr=True)) as progress:
            result, shown = measured(flags, progress)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the store is as it was", file=sys.stderr)
        return 130
    if flags.json:
        json.dump(result, sys.stdout)
        print()
    elif isinstance(shown, str):
        print(shown)
    else:
        screen = Console()
        if not screen.is_terminal:  # a file has no width of its own, and print's own width never widens
            screen = Console(width=max(screen.width, 100))
        screen.print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
