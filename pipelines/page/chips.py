"""What is asked beside words, each part with a name and a way to take it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pipelines.page.cards import SENSES
from pipelines.page.catalogue import readable
from pipelines.page.pattern import Literal, Picked
from pipelines.search.cards import shortened

if TYPE_CHECKING:
    from pipelines.page.draft import Draft
    from pipelines.page.media import Shelf
    from pipelines.page.room import Room

LONGEST = 48


@dataclass(frozen=True)
class Chip:
    """One part of a question.

    Args:
        label: what it is called.
        without: the question without it.
        picture: a picture as a data URI; empty for none.
        sound: a sound as a data URI.
    """

    label: str
    without: Callable[[Draft], Draft]
    picture: str = ""
    sound: str = ""


def chips(room: Room, draft: Draft, shelf: Shelf) -> list[Chip]:
    """The parts of a question but its words."""
    out = []
    if draft.like is not None:
        out.append(Chip(f"like {_label(room, draft.like)}", lambda now: replace(now, like=None)))
    if draft.picture is not None:
        given = shelf.files.get(draft.picture)
        name = "a picture that is not here any more" if given is None else given.name
        shown = "" if given is None else given.shown
        out.append(Chip(f"looks like {name}", lambda now: replace(now, picture=None), picture=shown))
    if draft.sound is not None:
        given = shelf.files.get(draft.sound)
        name = "a sound that is not here any more" if given is None else given.name
        shown = "" if given is None else given.shown
        out.append(Chip(f"sounds like {name}", lambda now: replace(now, sound=None), sound=shown))
    if draft.kind is not None:
        out.append(Chip(f"only {readable(draft.kind)}", lambda now: replace(now, kind=None)))
    for one in draft.picked:
        out.append(Chip(condition(room, one), partial(_without_condition, one)))
    return out + _weights(draft)


def condition(room: Room, one: Picked) -> str:
    """A condition in words."""
    relation, side = readable(one.relation), "" if one.wanted else "not "
    if isinstance(one.value, Literal):
        return f"{relation}: {side}{shortened(one.value.value, LONGEST)}"
    if one.value is not None:
        return f"{relation}: {side}{_label(room, one.value)}{'' if one.below else ' itself'}"
    if one.least is None and one.most is None:
        return f"{'has' if one.wanted else 'has no'} {relation}"
    bounds = [
        f"{word} {bound:g}" for word, bound in (("from", one.least), ("to", one.most)) if bound is not None
    ]
    return f"{relation}: {side}{' '.join(bounds)}"


def _weights(draft: Draft) -> list[Chip]:
    out = []
    for name, weight in draft.weights.items():
        gone = {key: value for key, value in draft.weights.items() if key != name}
        label = f"{SENSES.get(name, name)}: {weight:g}"
        out.append(Chip(label, lambda now, gone=gone: replace(now, weights=gone)))  # type: ignore[misc]
    for iri, prior in draft.priors.items():
        gone = {key: value for key, value in draft.priors.items() if key != iri}
        label = f"trust in {readable(iri)} {prior:g}"
        out.append(Chip(label, lambda now, gone=gone: replace(now, priors=gone)))  # type: ignore[misc]
    return out


def _without_condition(one: Picked, draft: Draft) -> Draft:
    return replace(draft, picked=tuple(other for other in draft.picked if other != one))


def _label(room: Room, iri: str) -> str:
    return shortened(room.searcher.exhibit.label(room.searcher.asker.expanded(iri)), LONGEST)
