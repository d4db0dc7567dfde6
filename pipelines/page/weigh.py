"""The panel of weights: how much each sense counts, and how much the facts of each relation do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from nicegui import events, ui

from pipelines.page.cards import SENSES
from pipelines.page.catalogue import readable
from pipelines.page.words import button, said
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    from pipelines.page.room import Room
    from pipelines.page.visit import Visit
    from pipelines.service.state import State

MOST_RELATIONS = 12
"""Relations that have a slider, the most frequent."""
HELP = {
    "joint": "what the facts and all senses together say",
    "graph": "nearness, by the facts, to what the question names",
}
VALUE = "(e) => emit(e.target.value)"
Part = Literal["weights", "priors"]


class WeighPanel:
    """Sliders.

    Args:
        visit: the page.
        changed: told when a slider was let go.
    """

    def __init__(self, visit: Visit, changed: Callable[[], Awaitable[None]]) -> None:
        self._visit, self._changed = visit, changed
        self.root = ui.element("section").classes("panel").props('aria-label="Weights"')

    async def fill(self) -> None:
        """Draw a slider for each sense and relation of the store."""

        def look(state: State, room: Room) -> tuple[dict[str, float], dict[str, float]]:
            return room.senses, room.priors

        try:
            senses, priors = await self._visit.do(look)
        except ProblemError:
            return
        shown = dict(list(priors.items())[:MOST_RELATIONS])
        self.root.clear()
        with self.root:
            with ui.element("div").classes("columns"):
                with ui.element("div"):
                    said("h3", "How much each sense counts", "small")
                    for name, usual in senses.items():
                        self._slider("weights", name, SENSES.get(name, name), usual, 2.0, HELP.get(name, ""))
                with ui.element("div"):
                    said("h3", "How far the facts of each relation are trusted", "small")
                    for iri, built in shown.items():
                        self._slider("priors", iri, readable(iri), built, 1.0)
                    said("p", "All is embedded anew when one of these is moved: a few seconds.", "why")
            button("As usual").on_click(self._reset)

    def _slider(self, part: Part, key: str, name: str, usual: float, most: float, hint: str = "") -> None:
        now: Mapping[str, float] = getattr(self._visit.draft, part)
        with ui.element("div").classes("slider"):
            said("span", name, "name").tooltip(hint or name)
            # a browser's own slider: keys and screen readers know it
            slider = ui.element("input").props(f"type=range min=0 max={most:g} step=0.05")
            slider.props["value"] = now.get(key, usual)
            slider.props["aria-label"] = name + (f": {hint}" if hint else "")
            number = said("span", f"{slider.props['value']:.2f}", "number")
            slider.on("input", lambda event: number.set_content(f"{float(event.args):.2f}"), js_handler=VALUE)
            slider.on("change", partial(self._moved, part, key, usual, slider), js_handler=VALUE)

    async def _moved(
        self, part: Part, key: str, usual: float, slider: ui.element, event: events.GenericEventArguments
    ) -> None:
        now = dict(getattr(self._visit.draft, part))
        now[key] = slider.props["value"] = round(float(event.args), 2)
        if now[key] == usual:
            del now[key]
        draft = self._visit.draft
        self._visit.draft = replace(draft, weights=now) if part == "weights" else replace(draft, priors=now)
        await self._changed()

    async def _reset(self) -> None:
        self._visit.draft = replace(self._visit.draft, weights={}, priors={})
        await self.fill()
        await self._changed()
