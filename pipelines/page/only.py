"""The panel of constraints: class, relation and value are picked, and the SPARQL that it makes is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from nicegui import events, ui

from pipelines.page.answers import counted
from pipelines.page.catalogue import Choice, Offer
from pipelines.page.draft import MOST_PICKED
from pipelines.page.pattern import Picked
from pipelines.page.words import ICONS, Notice, button, said, trusted
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    from pipelines.page.room import Room
    from pipelines.page.visit import Visit
    from pipelines.service.state import State

Found = TypeVar("Found")
OFFERED = 300
"""Values in a list; typing finds the others."""
ANYTHING, ANY_VALUE = "anything", "any value"


class OnlyPanel:
    """Picks what may answer.

    Args:
        visit: the page.
        changed: told when the question was changed.
    """

    def __init__(self, visit: Visit, changed: Callable[[], Awaitable[None]]) -> None:
        self._visit, self._changed = visit, changed
        self._classes: Sequence[Choice] = ()
        self._relations: Sequence[Choice] = ()
        self._offer = Offer()
        self._filling = False
        self.root = ui.element("section").classes("panel").props('aria-label="Constraint"')
        with self.root:
            self._draw()

    def _draw(self) -> None:
        with ui.element("div").classes("fields"):
            self._class = _select("Class", self._class_picked)
            self._relation = _select("Relation", self._relation_picked)
            self._side = ui.select({True: "is", False: "is not"}, value=True).props(
                'outlined dense options-dense aria-label="Is or is not"'
            )
            self._side.props["dropdown-icon"] = ICONS["down"]
            self._side.classes("side")
            self._value = _select("Value", None)
            self._value.on("input-value", self._typed)
            self._least = ui.number("At least").props("outlined dense")
            self._most = ui.number("At most").props("outlined dense")
            button("Add", "add", "plain add").on_click(self._add)
        self._below = ui.checkbox("and all that is narrower than it", value=True).classes("below")
        self._notice = Notice()
        with ui.element("div").classes("made"):
            said("h3", "The SPARQL this makes", "small")
            self._sparql = trusted("", "pre", "sparql").props("tabindex=0")
            self._count = said("p", "", "why").props("role=status")
        self._show_value(Offer())

    async def fill(self) -> None:
        """Offer what the store has, as far as the question goes."""
        kind = self._visit.draft.kind

        def look(state: State, room: Room) -> tuple[Sequence[Choice], Sequence[Choice]]:
            return room.catalogue.classes, room.catalogue.relations(kind)

        await self._try(look, self._filled)
        await self.tell()

    def _filled(self, found: tuple[Sequence[Choice], Sequence[Choice]]) -> None:
        self._classes, self._relations = found
        self._filling = True
        kinds = [str(one.value) for one in self._classes]
        kind = self._visit.draft.kind
        chosen = kinds.index(kind) if kind in kinds else -1
        self._class.set_options({-1: ANYTHING} | _numbered(self._classes), value=chosen)
        self._relation.set_options(_numbered(self._relations), value=None)
        self._show_value(Offer())
        self._filling = False

    async def tell(self) -> None:
        """Show the SPARQL of what was picked, and how many it leaves."""
        draft = self._visit.draft

        def told(found: tuple[str | None, int]) -> None:
            where, left = found
            self._sparql.content = (
                f"<code>{escape(where or '# nothing is picked: all things may answer')}</code>"
            )
            self._count.content = f"It leaves {left:,} that may answer."

        await self._try(lambda state, room: counted(room, draft), told)

    async def _class_picked(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if self._filling:
            return
        place = -1 if event.value is None else int(event.value)
        kind = None if place < 0 else str(self._classes[place].value)
        self._visit.draft = replace(self._visit.draft, kind=kind)
        await self.fill()
        await self._changed()

    async def _relation_picked(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if self._filling or event.value is None:
            return
        kind, relation = self._visit.draft.kind, str(self._relations[int(event.value)].value)
        self._value.disable()  # until its values are there
        await self._try(lambda state, room: room.catalogue.offer(kind, relation), self._show_value)
        self._value.enable()

    def _show_value(self, offer: Offer) -> None:
        self._offer = offer
        numbers = offer.least is not None
        self._value.visible, self._least.visible, self._most.visible = not numbers, numbers, numbers
        self._below.visible = any(isinstance(one.value, str) for one in offer.values)
        self._value.set_options({-1: ANY_VALUE} | _numbered(offer.values[:OFFERED]), value=None)
        for field, bound in ((self._least, offer.least), (self._most, offer.most)):
            field.value = None
            field.props["placeholder"] = "" if bound is None else f"{bound:g}"

    def _typed(self, event: events.GenericEventArguments) -> None:
        """Of long lists, offer what has the typed words in its name."""
        values = self._offer.values
        if len(values) <= OFFERED or not isinstance(event.args, str):
            return
        words = event.args.lower().split()
        fit = [at for at, one in enumerate(values) if all(word in one.label.lower() for word in words)]
        self._value.set_options({at: values[at].shown for at in fit[:OFFERED]})

    async def _add(self) -> None:
        self._notice.clear()
        try:
            one = self._picked()
        except ValueError as error:
            return self._notice.tell(str(error))
        draft = self._visit.draft
        if one not in draft.picked:
            self._visit.draft = replace(draft, picked=(*draft.picked, one))
        self._value.value = None
        await self.tell()
        return await self._changed()

    def _picked(self) -> Picked:
        if self._relation.value is None:
            raise ValueError("expected a relation first (got none)")
        if len(self._visit.draft.picked) >= MOST_PICKED:
            raise ValueError(f"expected at most {MOST_PICKED} conditions (got one more)")
        relation, wanted = str(self._relations[int(self._relation.value)].value), bool(self._side.value)
        if self._offer.least is not None:
            return Picked(relation, wanted=wanted, least=self._least.value, most=self._most.value)
        if self._value.value is None:
            raise ValueError("expected a value, or any value (got none)")
        place = int(self._value.value)
        value = None if place < 0 else self._offer.values[place].value
        below = bool(self._below.value) if isinstance(value, str) else True
        return Picked(relation, value, below=below, wanted=wanted)

    async def _try(self, work: Callable[[State, Room], Found], then: Callable[[Found], None]) -> None:
        try:
            then(await self._visit.do(work))
        except ProblemError as problem:
            self._notice.tell_problem(problem)


def _select(label: str, picked: Callable[..., Awaitable[None]] | None) -> ui.select:
    made = ui.select({}, label=label, with_input=True, on_change=picked).props(
        "outlined dense options-dense hide-selected fill-input input-debounce=80"
    )
    made.props["dropdown-icon"] = ICONS["down"]
    return made


def _numbered(choices: Sequence[Choice]) -> dict[int, str]:
    return {at: one.shown for at, one in enumerate(choices)}
