"""Ask a store.

python -m pipelines.query --store stores/demo --text "a bird that cannot fly"
python -m pipelines.query --store stores/demo --image photo.jpg --where '?x schema:about ?c' --json
python -m pipelines.query --store stores/demo --text "a crow" --explain --html answers.html
python -m pipelines.query --store stores/demo --image photo.jpg --not-text "a bird"
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.store.object_storage import place

if TYPE_CHECKING:
    from pipelines.search.explain import Answer
    from pipelines.search.reasons import Reasons
    from pipelines.search.retrieval import Searcher

MOST_EXPLAINED = 3
"""Hits, the first, that --explain explains."""
PREFERRED = 0.5
"""What --prefer adds to a score where it names no number: about as much as half a likeness by one sense."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.query", description="Ask a store.")
    out.add_argument("--store", type=place, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument("--text", help="any words")
    out.add_argument("--image", type=Path, metavar="FILE", help="a picture")
    out.add_argument("--audio", type=Path, metavar="FILE", help="a sound")
    out.add_argument("--entity", metavar="IRI", help="an entity to be like and near to")
    for name, metavar, what in (
        ("text", "TEXT", "words for what is not wanted: all of a kind, by the facts, or what is like it"),
        ("image", "FILE", "a picture to be unlike"),
        ("audio", "FILE", "a sound to be unlike"),
        ("entity", "IRI", "what is not wanted, with all that is of it, or is like it"),
    ):
        out.add_argument(f"--not-{name}", action="append", metavar=metavar, help=f"{what} (repeatable)")
    out.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="SENSE=NUMBER",
        help="how much a sense counts: joint, graph, text, image or audio, or likeness to what is not "
        "wanted, not (1 is usual)",
    )
    out.add_argument("--where", metavar="SPARQL", help="graph pattern, or a SELECT, that binds ?x")
    out.add_argument(
        "--prefer",
        action="append",
        default=[],
        metavar="PATTERN=NUMBER",
        help="what the entities of a SPARQL pattern gain in score, or lose if it is negative "
        f"({PREFERRED} without a number; repeatable)",
    )
    out.add_argument(
        "--inferred",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether patterns and kinds see what follows from the facts, or only what was stated",
    )
    out.add_argument(
        "--facts", metavar="URL", help="a SPARQL 1.1 endpoint that answers constraints, rather than the store"
    )
    out.add_argument("--index", metavar="URI", help="a Milvus that pipelines.index filled with the vectors")
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
    try:
        from pipelines.building.build import resolve_device
        from pipelines.flags import key_value, number, weighted

        weights = {
            sense: number(text, "--weight")
            for sense, text in (key_value(pair, "--weight") for pair in flags.weight)
        }
        from pipelines.search.retrieval import Searcher

        device = resolve_device(flags.device)
        searcher = Searcher.open(
            flags.store, device=device, media_root=flags.media_root, facts=flags.facts, index=flags.index
        )
        answer = searcher.search(
            flags.text,
            image=flags.image,
            audio=flags.audio,
            entity=flags.entity,
            where=flags.where,
            prefer=dict(weighted(text, "--prefer", PREFERRED) for text in flags.prefer),
            not_text=flags.not_text,
            not_image=flags.not_image,
            not_audio=flags.not_audio,
            not_entity=flags.not_entity,
            weights=weights,
            inferred=flags.inferred,
            k=flags.k,
        )
        reasons = _reasons(searcher, answer) if flags.explain else []
        if flags.html is not None:
            from pipelines.search.answer_page import write_page

            write_page(flags.html, answer, reasons)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if flags.json:
        for line in answer.understood:
            print(line, file=sys.stderr)
        json.dump(_as_json(answer, reasons), sys.stdout, ensure_ascii=False)
        print()
    else:
        show(answer, searcher, title=_title(flags), reasons=reasons)
    return 0


def _reasons(searcher: Searcher, answer: Answer) -> list[Reasons]:
    from pipelines.search.reasons import explain

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
    for line in answer.understood:
        screen.print(line, highlight=False, markup=False)
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
    unwanted = [
        f" - {name} {one}"
        for name in ("text", "image", "audio", "entity")
        for one in getattr(flags, f"not_{name}") or ()
    ]
    return " + ".join(asked) + "".join(unwanted) + (f"  where {flags.where}" if flags.where else "")


if __name__ == "__main__":
    sys.exit(main())
