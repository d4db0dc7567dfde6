"""The answers on the page: a card for each hit, what was understood, and on demand the reasons of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from pipelines.page.answers import Shown, reasons
from pipelines.page.draft import MOST_SHOWN
from pipelines.page.words import Notice, button, icon_button, light_button, said, trusted
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    from pipelines.page.draft import Draft
    from pipelines.page.examples import Example
    from pipelines.page.visit import Visit

NAMED = 8
"""Names of what was recognised that are told."""


class Results:
    """Draws answers, or what could be asked.

    Args:
        visit: what the page remembers.
        like: told the IRI of an entity that answers are to be like.
        more: told that more answers are wanted.
    """

    def __init__(
        self, visit: Visit, like: Callable[[str], Awaitable[None]], more: Callable[[], Awaitable[None]]
    ) -> None:
        self._visit, self._like, self._more = visit, like, more
        self.root = ui.element("section").classes("results").props('aria-label="Answers"')

    def waits(self, waits: bool) -> None:
        """Tell that an answer is on its way, or is there."""
        self.root.props["aria-busy"] = str(waits).lower()

    def show(self, shown: Shown) -> None:
        """Draw an answer in place of what was there."""
        self.root.clear()
        with self.root:
            with ui.element("div").classes("heading"):
                said("h2", "Answers")
                said("p", shown.counted, "why").props("role=status")
            if shown.anchors:
                labels = list(dict.fromkeys(label for _, label in shown.anchors))[:NAMED]
                said("p", f"Recognised in your question: {', '.join(labels)}", "why")
            for line in shown.understood:
                said("p", line, "why")
            self._draw_cards(shown)
            if shown.more and len(shown.hits) < MOST_SHOWN:
                button("More answers", "down").on_click(self._more)

    def _draw_cards(self, shown: Shown) -> None:
        with ui.element("ol").classes("cards"):
            for hit in shown.hits:
                with ui.element("li").classes("card"):
                    trusted(hit.html, classes="inside")
                    with ui.element("div").classes("actions"):
                        like = light_button("Like this", f"Like this: {hit.label}")
                        like.on("click", partial(self._like, hit.entity), args=[])
                        why = light_button("Why?", f"Why {hit.label}?", "quiet")
                        why.on("click", partial(self._why, hit.entity, hit.label), args=[])

    async def _why(self, iri: str, label: str) -> None:
        """Reasons in a dialog, which Esc closes."""
        draft = self._visit.asked or self._visit.draft
        with self.root, ui.dialog() as dialog, ui.element("div").classes("sheet reasons"):
            dialog.props["aria-label"] = f"Why {label}?"
            with ui.element("div").classes("heading"):
                said("h2", f"Why {label}")
                icon_button("Close", "close").on_click(dialog.close)
            notice = Notice()
            place = said("div", "Asking the same without a sense, and without a relation…", "busy")
        dialog.on("hide", dialog.delete)
        dialog.open()
        try:
            files = self._visit.shelf.chosen(draft.picture, draft.sound)
            html = await self._visit.do(lambda state, room: reasons(room, draft, files, iri))
        except ProblemError as problem:
            place.visible = False
            return notice.tell_problem(problem)
        place.classes(replace="sensegraph")
        place.content = html
        return None

    def show_examples(
        self, found: Sequence[Example], things: Sequence[str], begin: Callable[[Draft], Awaitable[None]]
    ) -> None:
        """Draw questions to begin with, and some of what is there.

        Args:
            found: the questions.
            things: HTML of each thing to look at.
            begin: told which one was chosen.
        """
        self.root.clear()
        with self.root:
            if not found:
                said("p", "Type a question, or drop a picture or a sound.", "why")
                return
            said("h2", "To begin with")
            with ui.element("ul").classes("examples"):
                for one in found:
                    with ui.element("li"):
                        button(one.title, "", "example").on_click(partial(begin, one.draft))
            if things:
                said("h2", "Some of what is here")
                items = "".join(f"<li>{one}</li>" for one in things)
                trusted(items, tag="ul", classes="samples")
