"""From a question of the page to what it shows: asked of one state of the store, in a line of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.page.cards import card
from pipelines.page.pattern import pattern
from pipelines.search.cards import reasons_part
from pipelines.search.question import Query
from pipelines.search.question import Question as Asked
from pipelines.search.reasons import explain
from pipelines.service.answers import mistakes
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.page.draft import Draft
    from pipelines.page.room import Room
    from pipelines.service.state import State

Files = Mapping[str, Path]
"""The picture and the sound of a question, where they lie, by modality."""


@dataclass(frozen=True)
class ShownHit:
    """A hit: its IRI, its label, its card."""

    entity: str
    label: str
    html: str


@dataclass(frozen=True)
class Shown:
    """An answer as the page shows it.

    Args:
        hits: best first.
        counted: how many of those that may answer are shown, in words.
        anchors: IRI and label of what was recognised in the question.
        understood: how what is not wanted was taken.
        more: whether there are more.
        state: name of the state that answered.
    """

    hits: Sequence[ShownHit]
    counted: str
    anchors: Sequence[tuple[str, str]]
    understood: Sequence[str]
    more: bool
    state: str


def where_of(room: Room, draft: Draft) -> str | None:
    """The SPARQL of what was picked.

    Raises:
        ProblemError: something that was picked is no IRI.
    """
    try:
        return pattern(room.catalogue.names, draft.kind, draft.picked)
    except ValueError as error:
        raise ProblemError(422, str(error)) from None


def answer(state: State, room: Room, draft: Draft, files: Files) -> Shown:
    """Answer a question.

    Raises:
        ProblemError: one sentence says why there is no answer.
    """
    where = where_of(room, draft)
    with _sentences(files):
        searcher = room.asked_with(draft.priors)
        (found,) = searcher.search_batch([_query(draft, files)], where=where, k=draft.k)
    anchors = {iri: searcher.label(iri) for iri in found.anchors if iri != draft.like}
    return Shown(
        hits=[
            ShownHit(hit.entity, hit.label, card(hit, place, found.anchors, state.name))
            for place, hit in enumerate(found, start=1)
        ],
        counted=found.counted(),
        anchors=list(anchors.items()),
        understood=found.understood,
        more=len(found) < found.candidates,
        state=state.name,
    )


def reasons(room: Room, draft: Draft, files: Files, entity: str) -> str:
    """Why an entity answers a question, as HTML.

    Raises:
        ProblemError: one sentence says why there are no reasons.
    """
    question = Asked(_query(draft, files), where_of(room, draft))
    with _sentences(files):
        (found,) = explain(room.asked_with(draft.priors), question, [entity])
    return reasons_part(found)


def counted(room: Room, draft: Draft) -> tuple[str | None, int]:
    """The SPARQL of what was picked, and how many it leaves.

    Raises:
        ProblemError: one sentence says why it cannot be run.
    """
    where = where_of(room, draft)
    with _sentences({}):
        return where, len(room.searcher.allowed(where))


def _query(draft: Draft, files: Files) -> Query:
    media: dict[str, Any] = dict(files)
    return Query(
        text=draft.text.strip() or None, entity=draft.like, weights=dict(draft.weights) or None, **media
    )


@contextmanager
def _sentences(files: Files) -> Iterator[None]:
    """What is wrong, in one sentence that says nothing of where files lie."""
    try:
        with mistakes(ValueError):
            yield
    except ProblemError as error:
        detail = error.detail
        for modality, path in files.items():
            detail = detail.replace(str(path), "the picture" if modality == "image" else "the sound")
        raise ProblemError(error.status, detail, error.headers) from None
