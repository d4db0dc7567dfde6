"""A whole query of the demo store, the process warm: a text, a SPARQL constraint, reasons.

python -m benchmarks.query [--quick]

The text encoder's own time, which no retrieval can save, is measured apart on the same texts. Nothing
is remembered between questions: each encodes its text and solves its constraint.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import Row, below, parser, report, seconds

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher

COUNT, QUICK_COUNT = 500, 60
"""Questions of a whole run and of a quick one."""
LIMITS = {50: 25.0, 99: 80.0}
"""Most milliseconds that so many of a hundred questions take."""

Question = tuple[str, str | None]
"""A text, and the constraint that stands with it."""

WORDNET = "https://example.org/wordnet/"
CONSTRAINTS = (
    None,
    "?x schema:image ?picture",
    "?x schema:about ?concept",
    "?x a skos:Concept",
    f"?x schema:about/skos:broader* <{WORDNET}animal.n.01>",
    f"?x schema:about/skos:broader* <{WORDNET}animal.n.01> . "
    f"FILTER NOT EXISTS {{ ?x schema:about/skos:broader* <{WORDNET}feline.n.01> }}",
    f"?x schema:about/skos:broader* <{WORDNET}bird.n.01>",
    f"?x schema:about/skos:broader* <{WORDNET}feline.n.01>",
    "?x schema:audio ?sound",
    'SELECT ?x { ?x schema:category/skos:prefLabel ?name FILTER (CONTAINS (LCASE (STR (?name)), "fruit")) }',
)
"""From none, over broad, to a handful of things."""

PHRASES = (
    "{}",
    "something like {}",
    "what is near {} by the facts",
    "{} that cannot fly",
    "an old wooden toy beside {}",
)
UNNAMED = (
    "shining brightly overhead",
    "slowly getting warmer",
    "loud and sudden",
    "quick, shiny and expensive",
    "rather soft",
    "dangerous at dusk",
    "seldom seen alone",
    "heavier than expected",
    "about to explode",
    "delicious",
)
"""Texts that name nothing, also in pairs, so no path is searched."""


def questions(labels: Sequence[str], count: int, seed: int = 0) -> list[Question]:
    """So many different texts, four of five of them naming a thing, each under the next constraint."""
    names = sorted(set(labels))
    chosen = random.Random(seed).sample(names, min(count, len(names)))
    phrases = itertools.cycle(PHRASES)
    plain = (f"{first} or {second}" for first in UNNAMED for second in UNNAMED)
    texts = [
        next(plain, name) if number % 5 == 4 else next(phrases).format(name)
        for number, name in enumerate(chosen)
    ]
    # one further with each ten, so that each kind of text meets each constraint
    turn = (CONSTRAINTS[(number + number // 10) % len(CONSTRAINTS)] for number in itertools.count())
    return list(zip(texts, turn, strict=False))


def measured(searcher: Searcher, asked: Sequence[Question]) -> dict[str, list[float]]:
    """Milliseconds of each question, whole and in parts; and how many hits had a path of facts."""
    from encoders import make_encoder

    encoder = make_encoder("text")
    out: dict[str, list[float]] = {"whole": [], "encoder": [], "constraint": [], "paths": []}
    for text, where in asked:
        start = time.perf_counter()
        answer = searcher.search(text, where=where)
        out["whole"].append(1000 * (time.perf_counter() - start))
        out["encoder"].append(1000 * seconds(partial(encoder.encode, [encoder.load(text)])))
        out["constraint"].append(1000 * seconds(partial(searcher.allowed, where)))
        out["paths"].append(sum(bool(hit.path) for hit in answer))
    return out


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest of the values that so many of a hundred do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def rows(times: dict[str, list[float]]) -> list[Row]:
    """The claims."""
    return [
        below(f"a query of the demo, warm, p{percent}", percentile(times["whole"], percent), limit, unit="ms")
        for percent, limit in LIMITS.items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, measure, report."""
    flags = parser(__doc__.split("\n")[0]).parse_args(argv)
    from pipelines.building.build import DEMO_STORE
    from pipelines.search.retrieval import Searcher
    from pipelines.store.store import StoreError

    try:
        searcher = Searcher.open(DEMO_STORE)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    things = [searcher.labels[entity] for entity in searcher.allowed(None)]
    asked = questions(things, QUICK_COUNT if flags.quick else COUNT)
    measured(searcher, asked[:10])  # opens what is opened once
    times = measured(searcher, asked)
    details = {
        "questions": len(asked),
        "hits with a path": int(sum(times.pop("paths"))),
        "ms": {
            part: {f"p{percent}": round(percentile(values, percent), 2) for percent in LIMITS}
            for part, values in times.items()
        },
    }
    print(json.dumps(details))
    return report("query", rows(times), quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
