"""Like this picture, but not of its kind: what the first five answers still are of.

python -m benchmarks.negation [--quick]

Questions to the demo store (make demo). A kind is a concept that eight pictured things or more are of, but no
more than a third of them; the picture is that of one of these. It is asked with nothing unwanted, with the
kind's name (left out by the facts, so that none can be left), and by likeness alone: with words that hold the
name but are no name, and with the picture of another thing of the kind. The thing shown is no answer.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.measure import Row, at_most, parser, report
from kg.kinds import members

if TYPE_CHECKING:
    from pipelines.search.explain import Answer
    from pipelines.search.question import Ids
    from pipelines.search.retrieval import Searcher

SEED = 0
COUNT, QUICK_COUNT = 40, 10
PAIRS = 3
"""Questions for each kind."""
LEAST, MOST = 8, 1 / 3
SHOWN = 5
WORDS = "something like a {}"
LIKENESS = ("by likeness to words", "by likeness to a picture")


@dataclass(frozen=True)
class Case:
    """A kind, all that is of it, and the pictures of two things that are."""

    label: str
    kind: Ids
    thing: int
    picture: Path
    other: Path


def cases(searcher: Searcher, count: int) -> Iterator[Case]:
    """Kinds drawn at random, no two with the same things, each time with two of these."""
    from pipelines.search.asking import Asker
    from pipelines.search.negation import named

    graph, draw = searcher.store.graph, random.Random(SEED)
    pictures = dict(pictured(searcher))
    asker: Asker = searcher.asker
    kinds = np.setdiff1d(np.arange(graph.num_entities), searcher.allowed(None)).tolist()
    draw.shuffle(kinds)
    seen: set[tuple[int, ...]] = set()
    for kind in kinds:
        label = searcher.labels[kind]
        # what is of the kind by whichever entity has the name, as the question understands it
        found = members(graph, named(label, asker.names))
        things = [int(one) for one in found if int(one) in pictures]
        if count and LEAST <= len(things) <= MOST * len(pictures) and tuple(things) not in seen:
            seen.add(tuple(things))
            count -= 1
            for _ in range(PAIRS):
                thing, other = draw.sample(things, 2)
                yield Case(label, found, thing, pictures[thing], pictures[other])


def pictured(searcher: Searcher) -> Iterator[tuple[int, Path]]:
    """The things that have a picture, and the first of it."""
    for thing in searcher.allowed(None).tolist():
        seen = searcher.exhibit.observations(searcher.store.graph.entities[thing].as_py())
        path = next((one.path for one in seen if one.modality == "image" and one.path), None)
        if path is not None:
            yield thing, path


def first(searcher: Searcher, answer: Answer, case: Case, count: int) -> list[int]:
    """The first answers but the thing in the picture itself."""
    ids = [searcher.store.graph.entity_id(hit.entity) for hit in answer]
    return [one for one in ids if one != case.thing][:count]


def measured(searcher: Searcher, case: Case) -> dict[str, float]:
    """Of the first answers, how many are of the kind by each way; what likeness keeps of the right ones."""
    unwanted: dict[str, dict[str, str | Path]] = {
        "nothing said": {},
        "by the facts": {"not_text": case.label},
        "by likeness to words": {"not_text": WORDS.format(case.label)},
        "by likeness to a picture": {"not_image": case.other},
    }
    out: dict[str, float] = {}
    right: list[int] = []
    for name, said in unwanted.items():
        answer = searcher.search(image=case.picture, **said, k=2 * SHOWN + 1)  # type: ignore[arg-type]
        found = first(searcher, answer, case, SHOWN)
        out[name] = sum(one in case.kind for one in found)
        if name == "by the facts":
            right = found
        elif name in LIKENESS:
            kept = first(searcher, answer, case, 2 * SHOWN)
            out[f"kept {name}"] = sum(one in kept for one in right)
    return out


def rows(found: dict[str, list[float]]) -> list[Row]:
    """The claims: the facts leave nothing of the kind, likeness to it half of what there was at most."""
    means = {name: statistics.mean(values) for name, values in found.items()}
    title, plain = f"like a picture, not its kind: of the first {SHOWN} still of it", means["nothing said"]
    limits = {"by the facts": 0.0, **dict.fromkeys(LIKENESS, 0.5)}
    return [at_most(f"{title}, {name}", means[name], plain, limits[name], unit="") for name in limits]


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, count, report."""
    flags = parser(__doc__.split("\n")[0]).parse_args(argv)
    from pipelines.building.build import DEMO_STORE
    from pipelines.search.retrieval import Searcher
    from pipelines.store.store import StoreError

    try:
        searcher = Searcher.open(DEMO_STORE)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    drawn = list(cases(searcher, QUICK_COUNT if flags.quick else COUNT))
    counts = [measured(searcher, case) for case in drawn]
    found = {name: [one[name] for one in counts] for name in counts[0]}
    details = {
        "questions": len(drawn),
        "kinds": list(dict.fromkeys(case.label for case in drawn)),
        "mean": {name: round(statistics.mean(values), 3) for name, values in found.items()},
        "deviation": {name: round(statistics.stdev(values), 3) for name, values in found.items()},
    }
    print(json.dumps(details))
    return report("negation", rows(found), quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
