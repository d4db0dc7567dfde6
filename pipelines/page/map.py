"""The view of the map: every thing by its embedding, coloured by class, to be zoomed and clicked."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import events, ui

from pipelines.page.cards import entity_address
from pipelines.page.charts import COLOURS, OTHER, SIGNS, map_chart
from pipelines.page.words import ICONS, Notice, button, said, trusted
from pipelines.service.door import PAGE
from pipelines.service.problems import ProblemError

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.page.atlas import Atlas
    from pipelines.page.room import Room
    from pipelines.page.visit import Visit
    from pipelines.service.state import State

LISTED = 60
"""Things of a group that are listed."""
LEGEND = (
    "Near ones are alike by all that is known of them; distances between far ones mean little. Turn the "
    "wheel or pinch to zoom, drag to move, click a point to go there."
)
STEP, SMALLEST = 2.0, 2.0
"""A step of zooming, and the smallest part that is shown, in percent."""


class MapView:
    """Draws the map.

    Args:
        visit: what the page remembers.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit, self._span = visit, 100.0
        said("h1", "The map of all embeddings")
        self._notice = Notice()
        self._busy = said("p", "Laying out the map: it takes a while the first time…", "busy late")
        self._busy.props("role=status")
        self._root = ui.element("div").classes("atlas")

    async def open(self) -> None:
        """Lay the map out, if nobody did yet, and draw it."""
        house = self._visit.house
        try:
            await self._visit.do(lambda state, room: room.catalogue.things)
            self._atlas, self._labels, self._iris = await self._visit.do(_look, house.maps)
        except ProblemError as problem:
            self._notice.tell_problem(problem)
            return
        finally:
            self._busy.visible = False
        with self._root:
            self._draw(0 if self._atlas.groupings else -1)

    def _draw(self, number: int) -> None:
        atlas = self._atlas
        grouping = atlas.groupings[number] if number >= 0 else None
        shown = len(atlas.things)
        count = f"{shown:,} things" if shown == atlas.total else f"{shown:,} of {atlas.total:,} things"
        with ui.element("div").classes("tools"):
            said("p", count, "why")
            if len(atlas.groupings) > 1:
                names = {at: one.name for at, one in enumerate(atlas.groupings)}
                by = ui.select(names, label="Coloured by", value=number, on_change=self._recoloured)
                by.props("outlined dense options-dense")
                by.props["dropdown-icon"] = ICONS["down"]
            for name, factor in (("Closer", 1 / STEP), ("Further", STEP), ("Whole map", 100.0)):
                button(name).on_click(partial(self._zoom, factor))
        self._chart = ui.echart(map_chart(atlas, grouping, self._labels), on_point_click=self._clicked)
        self._chart.classes("map")
        self._chart.props["role"] = "img"
        self._chart.props["aria-label"] = f"Map of {count}; the groups below list them"
        said("p", LEGEND, "why")
        if grouping is not None:
            trusted(self._listed(number), classes="legend")

    def _listed(self, number: int) -> str:
        """The groups with their colours, each with its things as links."""
        atlas, grouping = self._atlas, self._atlas.groupings[number]
        parts = []
        for at in [*range(len(grouping.groups)), -1]:
            own = atlas.things[grouping.group == at].tolist()
            if not own:
                continue
            label, colour = ("others", OTHER) if at < 0 else (grouping.groups[at].label, COLOURS[at])
            links = "".join(self._link(place) for place in own[:LISTED])
            more = f"<li>and {len(own) - LISTED:,} more</li>" if len(own) > LISTED else ""
            parts.append(
                f'<details><summary><span class="mark" style="color:{colour}" aria-hidden="true">'
                f"{SIGNS[colour]}</span> {escape(label)} ({len(own):,})</summary>"
                f"<ul>{links}{more}</ul></details>"
            )
        return "".join(parts)

    def _link(self, place: int) -> str:
        address = entity_address(self._iri(place))
        return f'<li><a href="{escape(address)}">{escape(self._labels[place])}</a></li>'

    def _iri(self, place: int) -> str:
        return str(self._iris[place])

    def _recoloured(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self._root.clear()
        with self._root:
            self._draw(int(event.value))

    def _zoom(self, factor: float) -> None:
        self._span = min(100.0, max(SMALLEST, self._span * factor))
        start = 50 - self._span / 2
        for axis in (0, 1):
            action: dict[str, Any] = {"type": "dataZoom", "dataZoomIndex": axis}
            self._chart.run_chart_method(
                "dispatchAction", action | {"start": start, "end": start + self._span}
            )

    def _clicked(self, event: events.EChartPointClickEventArguments) -> None:
        point: Any = event.data
        ui.navigate.to(entity_address(self._iri(int(point["place"]))).removeprefix(PAGE))


def _look(state: State, room: Room) -> tuple[Atlas, list[str], pa.Array]:
    return room.atlas, room.searcher.labels, state.store.graph.entities
