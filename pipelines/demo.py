"""Three questions to the demo store: by text, by picture, by sound, two of them under a constraint.

python -m pipelines.demo
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.building.build import DEMO_STORE

ANIMALS = "?x schema:about/skos:broader* <https://example.org/wordnet/animal.n.01>"


def questions(media: Path) -> list[tuple[str, dict[str, Any]]]:
    """What is asked, as a person would say it and as `Searcher.search` takes it."""
    return [
        ("text: something to play music with", {"text": "something to play music with"}),
        (
            "picture: like this tiger, but no cat (SPARQL: an animal that is no feline)",
            {
                "image": media / "animals/mammals/cats/tiger.png",
                "where": f"{ANIMALS} . FILTER NOT EXISTS "
                "{ ?x schema:about/skos:broader* <https://example.org/wordnet/feline.n.01> }",
            },
        ),
        (
            "sound: what sounds like this crow (SPARQL: an animal)",
            {"audio": media / "animals/birds/crow.ogg", "where": ANIMALS},
        ),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, print, and say how to go on."""
    argparse.ArgumentParser(prog="python -m pipelines.demo", description=__doc__.split("\n")[0]).parse_args(
        argv
    )
    from data.stamps.recipe import stamps_ttl
    from pipelines.query import show
    from pipelines.search.retrieval import Searcher

    try:
        media = stamps_ttl().parent / "media"
        searcher = Searcher.open(DEMO_STORE)
        for title, question in questions(media):
            print()
            show(searcher.search(**question, k=4), searcher, title)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        "\nAsk your own:\n"
        f'  .venv/bin/python -m pipelines.query --store {DEMO_STORE} --text "a wild cat"\n'
        f'  .venv/bin/python -m pipelines.query --store {DEMO_STORE} --image FILE --where "{ANIMALS}"'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
