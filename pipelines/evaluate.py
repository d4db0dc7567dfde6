"""Measure a store's model on held-out concepts, with and without the graph; or its labels.

    python -m pipelines.evaluate --store stores/demo --seeds 5
    python -m pipelines.evaluate --store my_store --target https://example.org/finding
    python -m pipelines.evaluate --store my_store --target https://example.org/finding --robustness out.png
    python -m pipelines.evaluate --store stores/demo --reconstructions out.png --media-root .cache/stamps
    python -m pipelines.evaluate --train train.tsv --valid valid.tsv --test test.tsv
    python -m pipelines.evaluate --compare first.json second.json

Without a target, for each seed the entities are split by concept (no concept of the test in training), the
model is trained anew on the store's features, and the test part is opened once. Text stands with the facts;
the other side shows its one sense alone. The rows of links are of the facts that the build has held out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.concepts import evaluate
from pipelines.evaluation.score_table import score_table
from pipelines.store.object_storage import place
from pipelines.store.store import Store

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipelines.training.history import Progress


SIZES = ("epochs", "structure_width")
"""Settings of a training on a split of one's own."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.evaluate", description="Measure a store's model.")
    what = out.add_mutually_exclusive_group(required=True)
    what.add_argument("--store", type=place, metavar="DIR", help="folder that build_kg left")
    what.add_argument(
        "--train", type=Path, action="append", metavar="FILE", help="facts of your own split to learn from"
    )
    what.add_argument(
        "--compare", type=Path, nargs=2, metavar="JSON", help="two results of --json, on the same queries"
    )
    for part in ("valid", "test"):
        out.add_argument(f"--{part}", type=Path, action="append", metavar="FILE", help="beside --train")
    out.add_argument(
        "--about",
        type=Path,
        action="append",
        metavar="FILE",
        help="RDF on the entities of --train ...: what is seen",
    )
    out.add_argument("--allow-leakage", action="store_true", help="a fact may be in two parts of --train ...")
    out.add_argument("--epochs", type=int, metavar="N", help="most epochs beside --train (60)")
    out.add_argument("--structure-width", type=int, metavar="N", help="of entities beside --train (64)")
    out.add_argument("--seeds", type=int, default=3, help="number of splits (3)")
    out.add_argument("--without", action="append", default=[], metavar="IRI", help="a relation to do without")
    out.add_argument("--target", metavar="IRI", help="measure how well this property is told, by labels")
    out.add_argument("--fusion", metavar="NAME", help="of the label models (default: all, attention first)")
    out.add_argument("--label-share", type=float, metavar="S", help="of the labels (the store's)")
    out.add_argument("--group", metavar="IRI", help="who shares its value stays together (the store's)")
    out.add_argument("--ensemble", type=int, default=3, metavar="N", help="models of a target's ensemble (3)")
    out.add_argument("--robustness", type=Path, metavar="PNG", help="draw how a target's models bear damage")
    out.add_argument("--reconstructions", type=Path, metavar="PNG", help="draw what an autoencoder returns")
    out.add_argument(
        "--media-root", type=Path, metavar="DIR", help="folder of pictures to reconstruct, or of --about"
    )
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
    if flags.compare:
        from pipelines.evaluation.comparison import compare, comparison_table

        result = compare(*flags.compare)
        return result, comparison_table(result)
    if flags.train:
        return _given(flags, progress)
    store = Store.open(flags.store)
    if flags.reconstructions:
        return _reconstructed(flags, store, progress)
    if flags.robustness:
        return _damaged(flags, store, progress)
    if flags.target:
        from pipelines.evaluation.label_table import labels_table
        from pipelines.evaluation.labels import evaluate_labels

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
    return result, score_table(result if result["rows"] else result | {"remarks": [nothing]})


def _given(flags: argparse.Namespace, progress: Progress | None) -> tuple[dict[str, Any], RenderableType]:
    from pipelines.evaluation.given import evaluate_given
    from pipelines.evaluation.given_split import ABOUT, PARTS
    from pipelines.settings import Settings

    result = evaluate_given(
        {part: getattr(flags, part) for part in (*PARTS, ABOUT)},
        Settings(**{name: value for name in SIZES if (value := getattr(flags, name)) is not None}),
        seeds=flags.seeds,
        allow_leakage=flags.allow_leakage,
        media_root=flags.media_root,
        device=flags.device,
        progress=progress,
    )
    return result, score_table(result | {"rows": {}})


def _check(flags: argparse.Namespace) -> None:
    if flags.train and not (flags.valid and flags.test):
        raise ValueError("expected --valid FILE and --test FILE beside --train: what is to be asked?")
    for flag in ("valid", "test", "about", "allow_leakage", *SIZES):
        if getattr(flags, flag) and not flags.train:
            raise ValueError(f"expected --train FILE beside --{flag.replace('_', '-')} (got none)")
    if flags.group and not flags.target:
        raise ValueError("expected --target IRI beside --group: which property is to be told?")
    if flags.robustness and not flags.target:
        raise ValueError("expected --target IRI beside --robustness: which property is to be told?")
    if flags.reconstructions and not flags.media_root:
        raise ValueError(
            "expected --media-root DIR beside --reconstructions: a store does not keep the pictures"
        )
    if flags.robustness or flags.reconstructions:
        from pipelines.drawing.plots import check_plots

        check_plots(flags.robustness or flags.reconstructions)


def _damaged(
    flags: argparse.Namespace, store: Store, progress: Progress | None
) -> tuple[dict[str, Any], str]:
    from pipelines.drawing.plots import draw_robustness, write_result
    from pipelines.evaluation.damage_curves import half_sentences
    from pipelines.evaluation.robustness import robustness

    result = robustness(
        store, flags.target, seeds=flags.seeds, group=flags.group, device=flags.device, progress=progress
    )
    draw_robustness(result, flags.robustness)
    numbers = write_result(result, flags.robustness)
    return result, "\n".join([*half_sentences(result), f"drawn: {flags.robustness}, numbers: {numbers}"])


def _reconstructed(
    flags: argparse.Namespace, store: Store, progress: Progress | None
) -> tuple[dict[str, Any], str]:
    from pipelines.drawing.plots import draw_reconstructions, write_result
    from pipelines.evaluation.reconstructions import error_sentences, reconstructions

    result, examples = reconstructions(store, flags.media_root, progress=progress)
    draw_reconstructions(result, examples, flags.reconstructions)
    numbers = write_result(result, flags.reconstructions)
    drawn = f"drawn: {flags.reconstructions}, numbers: {numbers}"
    return result, "\n".join([*error_sentences(result), drawn])


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, print."""
    flags = parser().parse_args(argv)
    from rich.console import Console

    try:
        from pipelines.report import bars

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
