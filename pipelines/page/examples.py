"""Questions to begin with, made from what a store holds, so that a newcomer has something to click."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from pipelines.page.catalogue import Choice, Ids
from pipelines.page.draft import Draft
from pipelines.page.pattern import Picked
from pipelines.search.cards import shortened

if TYPE_CHECKING:
    from pipelines.page.catalogue import Catalogue
    from pipelines.search.retrieval import Searcher

LEAST, MOST = 0.02, 0.3
"""Share of the things that a value to ask for is of."""
LOOKED_AT = 200
"""Things that are looked at for a picture or a sound, at most."""
LONGEST = 40


@dataclass(frozen=True)
class Example:
    """A question and what it is called."""

    title: str
    draft: Draft


def examples(searcher: Searcher, catalogue: Catalogue) -> list[Example]:
    """Up to five questions: words, words under a constraint, like a picture, like a sound, like but not."""
    found: list[Example] = []
    values = _values(catalogue)
    if "text" in searcher.store.manifest["encoders"]:
        for _, one in values[:1]:
            found.append(Example(f"“{shortened(one.label, LONGEST)}”", Draft(text=one.label)))
            found += _constrained(catalogue, values)
    near = values[0] if values else None
    found += islice(_by_media(searcher, catalogue, _members(catalogue, near)), 3)
    return found


def _members(catalogue: Catalogue, of: tuple[Choice, Choice] | None) -> Ids:
    """The things of a value; without one, all."""
    if of is None:
        return catalogue.things
    relation, value = of
    place = catalogue.graph.entity_id(str(value.value))
    held = catalogue.reach(catalogue.things, str(relation.value))[:, [place]].toarray().ravel()
    own: Ids = catalogue.things[held.astype(bool)]
    return own


def _values(catalogue: Catalogue) -> list[tuple[Choice, Choice]]:
    """Relations and values that are neither of nearly all nor of hardly any, the most frequent first."""
    known = set(catalogue.graph.relations.to_pylist())
    count = len(catalogue.things)
    found = []
    for relation in [one for one in catalogue.relations(None) if one.value in known][:3]:
        fit = [
            one
            for one in catalogue.offer(None, str(relation.value)).values
            if LEAST * count <= one.count <= MOST * count and 2 <= len(one.label) <= LONGEST
        ]
        found += [(relation, one) for one in fit[:4]]
    return found


def _constrained(catalogue: Catalogue, values: Sequence[tuple[Choice, Choice]]) -> list[Example]:
    """Words of one relation under the constraint of another, where a part of what they name is left."""
    relation, value = values[0]
    own = _members(catalogue, values[0])
    for other, wanted in values[1:]:
        both = np.intersect1d(_members(catalogue, (other, wanted)), own)
        if other == relation or not 0.2 * wanted.count <= len(both) < len(own):
            continue
        only = Picked(str(relation.value), value.value)
        title = (
            f"“{shortened(wanted.label, LONGEST)}”, only {relation.label}: {shortened(value.label, LONGEST)}"
        )
        return [Example(title, Draft(text=wanted.label, picked=(only,)))]
    return []


def _by_media(searcher: Searcher, catalogue: Catalogue, near: Ids) -> Iterator[Example]:
    """Like something that has a picture, like something that has a sound, like the first but not its kind."""
    first = None
    for modality, said in (("image", "looks"), ("audio", "sounds")):
        place = _with_media(searcher, near.tolist(), modality)
        if place is None:
            place = _with_media(searcher, catalogue.things.tolist(), modality)
        if place is None:
            continue
        first = place if first is None else first
        iri, label = _named(searcher, place)
        weights = {"image": 2.0} if modality == "image" else {"audio": 2.0, "image": 0.0}
        yield Example(f"What {said} like {label}", Draft(like=iri, weights=weights))
    if first is None:
        return
    iri, label = _named(searcher, first)
    for relation in catalogue.relations(None):
        own = catalogue.values_of(first, str(relation.value))
        if own:
            but = Picked(str(relation.value), own[0].value, wanted=False)
            yield Example(
                f"Like {label}, but {relation.label} not {own[0].label}", Draft(like=iri, picked=(but,))
            )
            return


def _with_media(searcher: Searcher, things: Sequence[int], modality: str) -> int | None:
    """The thing of the shortest name that has such a medium which can be had."""
    owners = searcher.store.observations.owners
    having: set[int] = set(owners[modality].tolist()).intersection(things) if modality in owners else set()
    ordered = sorted(having, key=lambda place: (len(searcher.labels[place]), searcher.labels[place], place))
    for place in ordered[:LOOKED_AT]:
        observed = searcher.exhibit.observations(searcher.store.graph.entities[place].as_py())
        if any(one.modality == modality and one.path is not None for one in observed):
            return place
    return None


def _named(searcher: Searcher, place: int) -> tuple[str, str]:
    label = searcher.labels[place].rstrip(".")
    return searcher.store.graph.entities[place].as_py(), shortened(label[:1].lower() + label[1:], LONGEST)
