"""The view that asks: words, a picture, a sound, something to be like; below them the answers as cards."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import events, ui

from pipelines.page.answers import answer
from pipelines.page.chips import Chip, chips
from pipelines.page.draft import LONGEST, MOST_SHOWN, SHOWN, Draft
from pipelines.page.only import OnlyPanel
from pipelines.page.results import Results
from pipelines.page.weigh import WeighPanel
from pipelines.page.words import Notice, button, icon_button, said, trusted
from pipelines.service.door import PAGE
from pipelines.service.problems import ProblemError
from pipelines.service.uploads import MOST_OCTETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.page.visit import Visit

PLACEHOLDER = "Ask in your own words, or drop a picture or a sound here"
CUT = f"a question holds at most {LONGEST:,} characters: what is longer was cut off there"
TOO_LARGE = f"expected one picture or sound of at most {MOST_OCTETS >> 20} MB (got something larger)"
NOT_SENT = "the file did not arrive: it is larger than allowed, or the connection was lost"
CLOSED = "() => { if (!document.querySelector('.q-menu')) emit(); }"  # Esc closes a list that is open first
ENTER = "(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit(e.target.value); } }"


class AskView:
    """Draws the question and its answers.

    Args:
        visit: what the page remembers; its draft is the question.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit, self._number = visit, 0
        # handlers outlive what they were clicked on, so the page is named
        self._client = ui.context.client
        self._only_button = button("Only…", "only", "quiet")
        self._weigh_button = button("Weigh…", "weigh", "quiet")
        self._draw_question()
        self._only = OnlyPanel(visit, self._changed)
        self._weigh = WeighPanel(visit, self._changed)
        for panel, toggle in ((self._only, self._only_button), (self._weigh, self._weigh_button)):
            self._fold(panel.root, toggle, panel.fill)
        self.notice = Notice()
        self._busy = said("p", "Asking…", "busy").props("role=status")
        self._busy.visible = False
        self._results = Results(visit, self._like, self._more)

    def _draw_question(self) -> None:
        upload = ui.upload(
            on_upload=self._given,
            on_rejected=lambda: self.notice.tell(TOO_LARGE),
            max_file_size=MOST_OCTETS,
            auto_upload=True,
        ).classes("composer")
        upload.props["accept"] = "image/*,audio/*"
        upload.props["aria-label"] = "Question"
        # dropped files are told apart by what is in them, not by what they are called
        del upload.props["accept"]
        upload.on("failed", lambda: self.notice.tell(NOT_SENT), args=[])
        self._upload = upload
        with upload.add_slot("header"):
            ui.element("q-uploader-add-trigger")
        with upload.add_slot("list"):
            said("label", "Your question", "hidden").props["for"] = "question"
            self._text = ui.textarea(placeholder=PLACEHOLDER, value=self._visit.draft.text)
            self._text.props(f'autogrow borderless maxlength={LONGEST} for=question input-class="question"')
            self._text.on_value_change(self._typed)
            self._text.on("keydown.enter", self._entered, js_handler=ENTER)
            self._chips = ui.element("ul").classes("chips").props('aria-label="Also asked"')
            with ui.element("div").classes("actions") as row:
                pick = button("Picture or sound", "add", "quiet")
                pick.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")
                self._only_button.move(row)
                self._weigh_button.move(row)
                ui.element("span").classes("gap")
                button("Ask", "ask", "go").on_click(self.ask)

    def _fold(self, panel: ui.element, toggle: ui.button, fill: Callable[[], object]) -> None:
        """Let a button show and hide a panel, and Esc close it."""
        panel.visible = False
        toggle.props["aria-expanded"] = "false"
        toggle.props["aria-controls"] = panel.html_id

        async def turn(shown: bool) -> None:
            panel.visible = shown
            toggle.props["aria-expanded"] = str(shown).lower()
            if shown and asyncio.iscoroutine(filled := fill()):
                await filled
            if not shown:
                self._client.run_javascript(f"getElement({toggle.id}).$el.focus()")

        toggle.on_click(lambda: turn(not panel.visible))
        panel.on("keydown.escape", lambda: turn(False), js_handler=CLOSED)

    async def open(self) -> None:
        """Show the question's answer, asking if that is not known, or what could be asked."""
        draft = self._visit.draft
        await self._tell_chips()
        if draft.is_empty:
            await self._show_examples()
        elif draft == self._visit.asked and self._visit.shown is not None:
            self._results.show(self._visit.shown)
        else:
            await self._answer()

    def _typed(self, event: events.ValueChangeEventArguments[Any]) -> None:
        text = event.value or ""
        self._visit.draft = replace(self._visit.draft, text=text[:LONGEST])
        if len(text) >= LONGEST:
            self.notice.tell(CUT)
        elif text:
            self.notice.clear()

    async def _entered(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, str):
            self._visit.draft = replace(self._visit.draft, text=event.args[:LONGEST])
        await self.ask()

    async def ask(self) -> None:
        """Ask the question as it stands, from its first hits on."""
        self._visit.draft = replace(self._visit.draft, k=SHOWN)
        if self._visit.draft.is_empty:
            return self.notice.tell(
                "expected words, a picture, a sound or something to be like (got none of them)"
            )
        self._remember()
        return await self._answer()

    def _remember(self) -> None:
        """Let the address hold the question: reload, back and a bookmark lead to it."""
        query = self._visit.draft.address()
        address = f"/?{query}" if query else "/"
        self._client.sub_pages_router.current_path = self._visit.address = address
        self._client.run_javascript(f'history.pushState({{}}, "", {json.dumps(PAGE + address)})')

    async def _changed(self) -> None:
        """After something was picked, weighed or taken away: show it, and ask anew if there is a question."""
        await self._tell_chips()
        if not self._visit.draft.is_empty:
            self._remember()
            await self._answer()

    async def _answer(self) -> None:
        draft = self._visit.draft
        self._number += 1
        number = self._number
        self.notice.clear()
        self._busy.visible = True
        self._results.waits(True)
        try:
            files = self._visit.shelf.chosen(draft.picture, draft.sound)
            shown = await self._visit.do(lambda state, room: answer(state, room, draft, files))
        except ProblemError as problem:
            if number == self._number:
                self.notice.tell_problem(problem)
            return
        finally:
            if number == self._number:
                self._busy.visible = False
                self._results.waits(False)
        if number == self._number:  # else a later question was quicker
            self._visit.asked, self._visit.shown = draft, shown
            self._results.show(shown)

    async def _more(self) -> None:
        k = min(MOST_SHOWN, self._visit.draft.k + SHOWN)
        self._visit.draft = replace(self._visit.draft, k=k)
        self._remember()
        await self._answer()

    async def _like(self, iri: str) -> None:
        self._visit.draft = replace(self._visit.draft, like=iri, k=SHOWN)
        await self._changed()
        self._client.run_javascript("window.scrollTo({top: 0})")

    async def _given(self, event: events.UploadEventArguments) -> None:
        """A file was dropped or chosen: it takes the place of another of its kind."""
        self._upload.reset()
        self.notice.clear()
        try:
            number = await self._visit.take(event.file.name, await event.file.read())
        except ProblemError as problem:
            return self.notice.tell_problem(problem)
        modality = self._visit.shelf.files[number].modality
        draft = replace(self._visit.draft, k=SHOWN)
        picture = modality == "image"
        self._visit.draft = replace(draft, picture=number) if picture else replace(draft, sound=number)
        return await self._changed()

    async def _tell_chips(self) -> None:
        draft, shelf = self._visit.draft, self._visit.shelf
        try:
            found = await self._visit.do(lambda state, room: chips(room, draft, shelf))
        except ProblemError:
            found = []
        self._chips.clear()
        self._chips.visible = bool(found)
        with self._chips:
            for chip in found:
                self._draw_chip(chip)

    def _draw_chip(self, chip: Chip) -> None:
        async def taken() -> None:
            self._visit.draft = chip.without(self._visit.draft)
            if not self._only.root.visible:
                await self._changed()
                return
            await self._only.tell()
            await self._changed()

        with ui.element("li").classes("chip"):
            if chip.picture:
                trusted(f'<img src="{chip.picture}" alt="">', "span")
            if chip.sound:
                trusted(
                    f'<audio controls src="{chip.sound}" aria-label="{escape(chip.label)}"></audio>', "span"
                )
            said("span", chip.label)
            icon_button(f"Take away: {chip.label}", "close").on_click(taken)

    async def _show_examples(self) -> None:
        try:
            found, things = await self._visit.do(lambda state, room: (room.examples, room.samples))
        except ProblemError as problem:
            return self.notice.tell_problem(problem)
        self._results.show_examples(found, things, self._begin)
        return None

    async def _begin(self, draft: Draft) -> None:
        self._visit.draft = draft
        self._text.value = draft.text
        await self._changed()
