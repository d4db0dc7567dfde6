"""How long it takes to infer what follows: the OWL 2 RL closure of made-up facts, alone and against owlrl.

python -m benchmarks.reasoning
"""

from __future__ import annotations

import json
import statistics
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyoxigraph as ox

from benchmarks.measure import below, faster, in_turn, parser, report, seconds
from kg.fixpoint import Follower
from kg.rdf import read
from kg.reasoning import Reasoning
from kg.vocabulary import PREFIXES

TRIPLES, QUICK = 100_000, 5_000
AGAINST_OWLRL, QUICK_AGAINST_OWLRL = 20_000, 400
LIMIT = 15.0
"""Seconds that reading, inferring and writing 100,000 triples may take."""


def made_up(count: int) -> str:
    """N-Triples: things of a tree of classes, tied by properties: symmetric, with an inverse, with a kind."""
    random = np.random.default_rng(0)
    rdf, rdfs = PREFIXES["rdf"], PREFIXES["rdfs"]
    kind, above, sub = rdf + "type", rdfs + "subClassOf", rdfs + "subPropertyOf"
    owl = PREFIXES["owl"]
    things, classes = count // 4, max(count // 100, 4)
    lines = [
        f"<urn:p> <{kind}> <{owl}SymmetricProperty>",
        f"<urn:q> <{owl}inverseOf> <urn:qi>",
        f"<urn:r> <{sub}> <urn:rr>",
        *(f"<urn:C{i}> <{above}> <urn:C{i // 4}>" for i in range(1, classes)),
    ]
    for thing, (of, *others) in enumerate(random.integers(0, [classes] + 3 * [things], (things, 4)).tolist()):
        lines.append(f"<urn:e{thing}> <{kind}> <urn:C{of}>")
        lines += [f"<urn:e{thing}> <urn:{p}> <urn:e{other}>" for p, other in zip("pqr", others, strict=True)]
    return " .\n".join(lines) + " .\n"


def ours(text: str) -> set[tuple[str, ...]]:
    """What follows, by this library."""
    store = ox.Store()
    store.load(text.encode(), format=ox.RdfFormat.N_TRIPLES)
    follower = Follower(store, {}, (), sys.maxsize, lambda step: None)
    follower.follow("owl", [])
    return {tuple(str(term)[1:-1] for term in quad.triple) for quad in follower.inferred}


def owlrls(text: str) -> set[tuple[str, ...]]:
    """All triples after the reference has closed them."""
    import owlrl
    import rdflib

    graph = rdflib.Graph().parse(data=text, format="nt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        closure = owlrl.DeductiveClosure(
            owlrl.OWLRL_Semantics, axiomatic_triples=False, datatype_axioms=False
        )
        closure.expand(graph)
    return {tuple(map(str, triple)) for triple in graph}


def reading(count: int, repeats: int) -> list[float]:
    """Wall times of reading, inferring and writing the facts, s."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "facts.nt"
        path.write_text(made_up(count), encoding="utf-8")
        work = partial(read, [path], facts=Path(folder) / "rdf", reasoning=Reasoning("owl"))
        return [seconds(work) for _ in range(repeats)]


def main(argv: Sequence[str] | None = None) -> int:
    """Infer, compare, report."""
    flags = parser(__doc__.split("\n")[0]).parse_args(argv)
    count, few = (QUICK, QUICK_AGAINST_OWLRL) if flags.quick else (TRIPLES, AGAINST_OWLRL)
    repeats = 1 if flags.quick else flags.repeats
    text = made_up(few)
    inferred, closed = ours(text), owlrls(text)
    if not inferred <= closed:
        print(
            f"error: expected nothing that the reference does not derive (got {sorted(inferred - closed)[0]})"
        )
        return 1
    taken = reading(count, repeats)
    own, rivals = in_turn(lambda: ours(text), lambda: owlrls(text), repeats, warm=0)
    rows = [
        below(f"reading {count:,} triples with their OWL 2 RL closure", statistics.median(taken), LIMIT),
        faster(f"the OWL 2 RL closure of {few:,} triples, against owlrl", own, rivals, 10),
    ]
    details = {"s": [round(each, 2) for each in taken], "inferred of the few": len(inferred)}
    print(json.dumps(details))
    return report("reasoning", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
