"""Ask a store.

python -m pipelines.query --store stores/demo --text "a bird that cannot fly"
python -m pipelines.query --store stores/demo --image photo.jpg --where '?x schema:about ?c' --json
python -m pipelines.query --store stores/demo --text "a crow" --explain --html answers.html
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.explain import Answer
    from pipelines.reasons import Reasons
    from pipelines.retrieval import Searcher

MOST_EXPLAINED = 3
"""Hits, the first, that --explain explains."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.query", description="Ask a store.")
    out.add_argument("--store", type=Path, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument("--text", help="any words")
    out.add_argument("--image", type=Path, metavar="FILE", help="a picture")
    out.add_argument("--audio", type=Path, metavar="FILE", help="a sound")
    out.add_argument("--entity", metavar="IRI", help="an entity to be like and near to")
    out.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="SENSE=NUMBER",
        help="how much a sense counts: joint, graph, text, image or audio (1 is usual)",
    )
    out.add_argument("--where", metavar="SPARQL", help="graph pattern, or a SELECT, that binds ?x")
    out.add_argument(
        "--inferred",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether --where sees what follows from the facts, or only what was stated",
    )
    out.add_argument("-k", type=int, default=10, help="most hits wanted (10)")
    out.add_argument("--json", action="store_true", help="one JSON array on stdout, nothing else")
    out.add_argument(
        "--explain",
        action="store_true",
        help=f"also the nearest evidence, more chains of facts, and ranks without each sense and relation "
        f"(of the first {MOST_EXPLAINED} hits)",
    )
    out.add_argument("--html", type=Path, metavar="FILE", help="also write the answer as one page")
    out.add_argument(
        "--media-root", type=Path, metavar="DIR", help="folder of the store's media (where it was built from)"
    )
    out.add_argument("--device", default="cpu", help="where the encoder runs: cpu, cuda or auto")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, ask, print."""
    flags = parser().parse_args(argv)
    from pipelines.building import resolve_device
    from pipelines.flags import key_value, number

    try:
        weights = {
            sense: number(text, "--weight")
            for sense, text in (key_value(pair, "--weight") for pair in flags.weight)
        }
        from pipelines.retrieval import Searcher

        device = resolve_device(flags.device)
        searcher = Searcher.open(flags.store, device=device, media_root=flags.media_root)
        answer = searcher.search(
            flags.text,
            image=flags.image,
            audio=flags.audio,
            entity=flags.entity,
            where=flags.where,
            weights=weights,
            inferred=flags.inferred,
            k=flags.k,
        )
        reasons = _reasons(searcher, answer) if flags.explain else []
        if flags.html is not None:
            from pipelines.page import write_page

            write_page(flags.html, answer, reasons)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if flags.json:
        json.dump(_as_json(answer, reasons), sys.stdout, ensure_ascii=False)
        print()
    else:
        show(answer, searcher, title=_title(flags), reasons=reasons)
    return 0


def _reasons(searcher: Searcher, answer: Answer) -> list[Reasons]:
    from pipelines.reasons import explain

    if answer.question is None or not answer:
        return []
    return explain(searcher, answer.question, [hit.entity for hit in answer[:MOST_EXPLAINED]])


def _as_json(answer: Answer, reasons: Sequence[Reasons]) -> list[dict[str, Any]]:
    by_entity = {one.entity: {"reasons": one.as_json()} for one in reasons}
    return [hit.as_json() | by_entity.get(hit.entity, {}) for hit in answer]


def show(answer: Answer, searcher: Searcher, title: str, reasons: Sequence[Reasons] = ()) -> None:
    """Print an answer for a person."""
    from rich.console import Console

    from pipelines.report import hits_table, reasons_lines

    screen = Console()
    named = {iri for hit in answer for step in hit.path for iri in (step[0], step[2])} | set(answer.anchors)
    names = {iri: searcher.label(iri) for iri in named}
    if answer.anchors:
        shown = list(dict.fromkeys(names[iri] for iri in answer.anchors))
        screen.print(f"recognised in the question: {', '.join(shown[:8])}", highlight=False, markup=False)
    if answer:
        screen.print(hits_table(title, answer, names, answer.anchors))
    screen.print(answer.counted())
    for one in reasons:
        screen.print("\n".join(reasons_lines(one)), highlight=False, markup=False)


def _title(flags: argparse.Namespace) -> str:
    asked = [
        f"{name} {getattr(flags, name)!s}"
        for name in ("text", "image", "audio", "entity")
        if getattr(flags, name) is not None
    ]
    return " + ".join(asked) + (f"  where {flags.where}" if flags.where else "")


if __name__ == "__main__":
    sys.exit(main())
