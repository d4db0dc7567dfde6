"""RDF into a KnowledgeGraph against rdflib's parser, and against pyoxigraph's bare one.

python -m benchmarks.loading [--quick]

A million triples of a made-up catalogue: names, classes, links, numbers, comments, pictures. Each run
is a process of its own that has read a thousand triples before, so that imports do not count; memory is
what it holds at its peak beyond that.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pyoxigraph as ox

from benchmarks.measure import Row, at_most, below, child, faster, parser, peak_bytes, report, seconds
from kg.rdf import read

SIZE, QUICK, LARGE, WARM = 1_000_000, 200_000, 10_000_000, 1_000
ENTITY, TERM = "http://example.org/resource/Entity_", "http://example.org/ontology/"
NAMES = {
    "resource": ENTITY.removesuffix("Entity_"),
    "ontology": TERM,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}


def catalogue(num_triples: int) -> Iterator[str]:
    """Lines of N-Triples, five for each entity; a third of the links point to a few popular entities."""
    rng = random.Random(0)
    size = num_triples // 5
    label, comment = (f"<{NAMES['rdfs']}{name}>" for name in ("label", "comment"))
    for number in range(size):
        this = f"<{ENTITY}{number}>"
        yield f"{this} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{TERM}Class{number % 50}> .\n"
        yield f'{this} {label} "Entity number {number}"@en .\n'
        for power in (2, 2, 1)[: 3 if number % 10 < 6 else 2]:
            other = f"<{ENTITY}{int(size * rng.random() ** power)}>"
            yield f"{this} <{TERM}relation{rng.randrange(100)}> {other} .\n"
        if number % 10 in (6, 7):
            number_type = "http://www.w3.org/2001/XMLSchema#decimal"
            yield f'{this} <{TERM}height> "{rng.random():.3f}"^^<{number_type}> .\n'
        elif number % 10 == 8:
            words = [f"word{rng.randrange(5000)}" for _ in range(3)]
            yield f'{this} {comment} "A {words[0]}, called \\"{words[1]}\\", known for {words[2]}."@en .\n'
        elif number % 10 == 9:
            yield f"{this} <http://xmlns.com/foaf/0.1/depiction> <http://example.org/{number}.jpg> .\n"


def write(folder: Path, size: int) -> dict[str, Path]:
    """The same triples as N-Triples and, with prefixes, as Turtle."""
    lines, turtle = folder / f"{size}.nt", folder / f"{size}.ttl"
    with lines.open("w", encoding="utf-8") as file:
        file.writelines(catalogue(size))
    ox.serialize(ox.parse(path=lines), turtle, format=ox.RdfFormat.TURTLE, prefixes=NAMES)
    return {"N-Triples": lines, "Turtle": turtle}


def _rdflib(path: Path) -> None:
    import rdflib

    rdflib.Graph().parse(path)


SIDES: dict[str, Callable[[Path], object]] = {
    "ours": lambda path: read([path]),
    "bare": lambda path: deque(ox.parse(path=path), maxlen=0),
    "rdflib": _rdflib,
}


def measure(side: str, path: Path) -> dict[str, float]:
    """Seconds and bytes of one side reading one file in this process."""
    SIDES[side](path.with_stem(str(WARM)))
    before = peak_bytes()
    time = seconds(lambda: SIDES[side](path))
    return {"s": time, "bytes": peak_bytes() - before, "GB": peak_bytes() / 2**30}


def median(results: list[dict[str, float]], key: str) -> float:
    """The middle of several runs."""
    return statistics.median(result[key] for result in results)


def rows_of(kind: str, path: Path, size: int, repeats: int) -> list[Row]:
    """The claims on one file: each side in turn, a process each."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for turn in range(repeats):
        for side in SIDES:
            if side != "rdflib" or turn < 2:  # a minute each, and far from close
                found[side].append(child("benchmarks.loading", "--part", f"{side}:{path}"))
    ours = median(found["ours"], "s")
    title = f"loading {size:,} triples of {kind}"
    return [
        faster(f"{title}, against rdflib", ours, median(found["rdflib"], "s"), 25),
        at_most(f"{title}, against pyoxigraph's bare parse", ours, median(found["bare"], "s"), 2),
        below(f"{title}, peak memory a triple", median(found["ours"], "bytes") / size, 250, unit="bytes"),
    ]


def main() -> int:
    """Measure and report."""
    flags = parser("RDF into a KnowledgeGraph against rdflib and pyoxigraph.").parse_args()
    if flags.part:
        side, _, path = flags.part.partition(":")
        print(json.dumps(measure(side, Path(path))))
        return 0
    size = QUICK if flags.quick else SIZE
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), WARM)
        files = write(Path(folder), size)
        rows = [row for kind, path in files.items() for row in rows_of(kind, path, size, flags.repeats)]
        if not flags.quick:
            large = write(Path(folder), LARGE)["N-Triples"]
            held = child("benchmarks.loading", "--part", f"ours:{large}")["GB"]
            rows.append(below(f"loading {LARGE:,} triples, peak memory", held, 3, unit="GB"))
    return report("loading", rows, quick=flags.quick)


if __name__ == "__main__":
    sys.exit(main())
