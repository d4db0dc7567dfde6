"""One entity as a service tells of it: its values, its facts, and its media, which are found by number alone.

A request never names a file: it names an entity and which of its media is wanted, so the data alone decides,
and of that only what lies in the media root.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import pyarrow.compute as pc

from pipelines.service.problems import ProblemError
from pipelines.service.responses import Entity, FactOf, Media, Named, RuleOf, Value

if TYPE_CHECKING:
    from kg.paths import Step
    from pipelines.service.state import State

SHOWN = ("image/", "audio/")
"""Kinds of file that are told as what they are; all else is a row of octets."""


def thing(state: State, iri: str, *, most: int) -> Entity:
    """All of an entity.

    Args:
        state: what answers.
        iri: the entity, also with a prefix of the data.
        most: facts at most, those that it is the head of first.

    Raises:
        ProblemError: the entity is unknown.
    """
    place, graph = _place(state, iri), state.store.graph
    name = graph.entities[place].as_py()
    heads = graph.triples[slice(*np.searchsorted(graph.triples[:, 0], [place, place + 1]))]
    tails = graph.triples[(graph.triples[:, 2] == place) & (graph.triples[:, 0] != place)]
    facts = [tuple(row) for row in np.concatenate([heads[:most], tails[:most]])[:most].tolist()]
    values = graph.literals.filter(pc.equal(graph.literals["entity"], place)).slice(0, most)
    return Entity(
        entity=name,
        label=state.searcher.labels[place],
        literals=[
            Value(**{part: row[part] for part in ("predicate", "value", "language", "datatype")})
            for row in values.to_pylist()
        ],
        facts=[_fact(state, fact) for fact in facts],
        fact_count=len(heads) + len(tails),
        media=media_of(state, name),
    )


def media_of(state: State, iri: str) -> list[Media]:
    """Where this service has the media of an entity."""
    found = []
    for number, one in enumerate(state.searcher.exhibit.observations(iri)):
        if one.modality == "text":
            continue
        href = None
        if one.path is not None:
            href = f"/entity/media?{urlencode({'entity': iri, 'number': number})}"
        problem = None if one.path is not None else "it is not to be had"
        found.append(Media(modality=one.modality, name=one.name, href=href, problem=problem))
    return found


def media_file(state: State, iri: str, number: int) -> tuple[Path, str]:
    """The file of one of an entity's media, and what it is called.

    Raises:
        ProblemError: there is no such one, or it is not in the media root.
    """
    name = state.store.graph.entities[_place(state, iri)].as_py()
    found = state.searcher.exhibit.observations(name)
    if not 0 <= number < len(found) or (path := found[number].path) is None or not path.is_file():
        raise ProblemError(404, f"expected the number of a medium of {name} that can be had (got {number})")
    kind = mimetypes.guess_type(path.name)[0] or ""
    return path, kind if kind.startswith(SHOWN) else "application/octet-stream"


def _place(state: State, iri: str) -> int:
    try:
        return state.store.graph.entity_id(state.searcher.asker.expanded(iri))
    except ValueError as error:
        raise ProblemError(404, str(error)) from None


def _fact(state: State, fact: Step) -> FactOf:
    (named,) = state.searcher.named([fact])
    rule = state.searcher.steps.rule(fact)
    return FactOf(
        head=Named(entity=named[0], label=state.searcher.labels[fact[0]]),
        relation=named[1],
        tail=Named(entity=named[2], label=state.searcher.labels[fact[2]]),
        inferred=None if rule is None else RuleOf(rule=rule[0], confidence=rule[1]),
    )
