r"""Predict a property that entities lack, or the missing end of a fact.

python -m pipelines.predict --store my_store --target https://example.org/finding
python -m pipelines.predict --store my_store --target https://example.org/finding --new study.ttl --json
python -m pipelines.predict --store my_store --target https://example.org/finding \
    --entity https://example.org/study/7 --media-root scans --map why.png
python -m pipelines.predict --store my_store --head https://example.org/chair \
    --relation https://schema.org/about --propose review.nq
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.flags import print_json
from pipelines.store.object_storage import place

if TYPE_CHECKING:
    from pipelines.prediction.predictor import Prediction, Predictor


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(
        prog="python -m pipelines.predict", description="Predict a property that entities lack, or a fact."
    )
    out.add_argument("--store", type=place, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument("--json", action="store_true", help="JSON on stdout, nothing else")
    _property_flags(out.add_argument_group("a property that the store was built with (--target)"))
    _fact_flags(out.add_argument_group("the missing end of a fact (--relation with --head or --tail)"))
    return out


def _fact_flags(out: argparse._ArgumentGroup) -> None:
    out.add_argument("--relation", metavar="IRI", help="the relation of the fact")
    out.add_argument("--head", metavar="IRI", help="what the fact is about; its tails are ranked")
    out.add_argument("--tail", metavar="IRI", help="alone: its heads are ranked; with --head: this one fact")
    out.add_argument("-k", type=int, metavar="N", help="most candidates (10)")
    out.add_argument(
        "--propose", type=Path, metavar="FILE.nq", help="also write them for review; see build_kg --accept"
    )


def _property_flags(out: argparse._ArgumentGroup) -> None:
    out.add_argument("--target", metavar="IRI", help="the property; the store was built with it")
    out.add_argument("--new", nargs="+", default=[], metavar="FILE", help="RDF files of new entities")
    out.add_argument(
        "--media-root",
        type=Path,
        help="folder of the new files' media (default: the file's), or of the map's",
    )
    out.add_argument(
        "--entity", action="append", default=[], metavar="IRI", help="only this one; repeat for more"
    )
    out.add_argument(
        "--abstain", type=float, default=0.0, metavar="P", help="least probability of a prediction (0)"
    )
    out.add_argument(
        "--suggest",
        type=int,
        metavar="N",
        help="instead: N entities whose label to ask for next, unsure and not alike",
    )
    out.add_argument(
        "--map",
        type=Path,
        metavar="PNG",
        help="also draw where in the --entity's picture the evidence stands (pictures in --media-root)",
    )
    out.add_argument("--device", default="auto", help="where the encoders run: cpu, cuda or auto")


def _check_kind(flags: argparse.Namespace) -> None:
    """One of the two questions, and nothing of the other."""
    if (flags.target is None) == (flags.relation is None):
        got = "neither" if flags.target is None else "both"
        raise ValueError(f"expected --target, or --relation with --head or --tail (got {got})")
    groups = {
        "--target": ("new", "media_root", "entity", "abstain", "suggest", "map", "device"),
        "--relation": ("head", "tail", "k", "propose"),
    }
    kind, other = ("--target", "--relation") if flags.relation is None else ("--relation", "--target")
    if strange := [name for name in groups[other] if getattr(flags, name) not in (None, [], 0.0, "auto")]:
        flag = "-k" if strange[0] == "k" else "--" + strange[0].replace("_", "-")
        raise ValueError(f"expected {flag} with {other} only (got it with {kind})")


def complete(flags: argparse.Namespace) -> int:
    """Rank the missing end of a fact, print, and write it for review.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    from pipelines.prediction.completion import Completer, write_proposals
    from pipelines.store.store import Store

    completer = Completer(Store.open(flags.store))
    found = completer.find(
        flags.relation, head=flags.head, tail=flags.tail, k=10 if flags.k is None else flags.k
    )
    if flags.propose is not None:
        write_proposals(flags.propose, found.proposals)
    if flags.json:
        print_json(found.proposals)
        return 0
    from rich.console import Console

    from pipelines.report import proposals_table

    screen = Console()
    screen.print(proposals_table(found))
    return 0


def predict(flags: argparse.Namespace) -> tuple[Predictor, list[Prediction]]:
    """What the flags ask for.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    from pipelines.building.build import resolve_device
    from pipelines.prediction.predictor import Predictor
    from pipelines.store.store import Store

    if not 0 <= flags.abstain <= 1:
        raise ValueError(f"expected --abstain in [0, 1] (got {flags.abstain})")
    _check_map(flags)
    store = Store.open(flags.store)
    predictor = Predictor.open(
        store,
        flags.target,
        flags.new,
        media_root=flags.media_root,
        device=resolve_device(flags.device),
    )
    if flags.suggest is not None:
        return predictor, predictor.suggest(flags.suggest)
    entities = predictor.candidates()
    if flags.new:
        old = set(store.graph.entities.to_pylist())
        entities = entities[[predictor.graph.entities[i].as_py() not in old for i in entities.tolist()]]
    if flags.entity:
        import numpy as np

        entities = np.array([predictor.graph.entity_id(iri) for iri in flags.entity], dtype=np.int64)
    found = predictor.predict(entities, abstain=flags.abstain)
    if flags.map is not None:
        found = [_mapped(predictor, found[0], flags)]
    return predictor, found


def _check_map(flags: argparse.Namespace) -> None:
    """Tell before any work what a map lacks."""
    if flags.map is None:
        return
    from pipelines.drawing.heat import check_name

    check_name(flags.map)
    if flags.suggest is not None or len(flags.entity) != 1:
        got = "--suggest" if flags.suggest is not None else len(flags.entity)
        raise ValueError(f"expected one --entity with --map (got {got})")
    if flags.media_root is None and not flags.new:
        raise ValueError("expected --media-root with --map, the folder of the pictures (got none)")


def _mapped(predictor: Predictor, found: Prediction, flags: argparse.Namespace) -> Prediction:
    """Draw the map of a prediction; the same prediction with the place of the peak."""
    from dataclasses import replace

    from pipelines.building.build import cache_folder, media_folder, resolve_device
    from pipelines.drawing.heat import draw
    from pipelines.prediction.heat_map import HeatMapper
    from pipelines.senses.encoding import MediaAccess

    media = MediaAccess(media_folder(flags.new, flags.media_root), cache_folder())
    mapper = HeatMapper.of(predictor, media, resolve_device(flags.device))
    entity, label = predictor.graph.entity_id(found.entity), predictor.names.index(found.likeliest)
    best = mapper.maps(entity, label)[0]
    sure = f"{found.likeliest_label}  {found.probability:.2f}"
    title = sure if found.prediction is not None else f"unsure: {sure}"
    draw(best, title, found.label or found.entity, flags.map)
    return replace(found, place=best.place)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, predict, print."""
    flags = parser().parse_args(argv)
    try:
        _check_kind(flags)
        if flags.relation is not None:
            return complete(flags)
        predictor, found = predict(flags)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for sentence in predictor.problems:
        print(f"left out: {sentence}", file=sys.stderr)
    if flags.json:
        print_json(found)
        return 0
    from rich.console import Console

    from pipelines.report import predictions_table

    screen = Console()
    if not found:
        screen.print(
            "nothing to predict: every entity of this kind has a value, or nothing was observed of it"
        )
        return 0
    title = "labels to ask for next" if flags.suggest else flags.target
    screen.print(predictions_table(title, found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
