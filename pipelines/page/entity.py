"""The view of one entity: its media, its facts, its texts, and its neighbourhood as a graph to be moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import events, ui

from pipelines.page.cards import entity_address, facts_table, media, sounds, values_table
from pipelines.page.catalogue import readable
from pipelines.page.charts import graph_chart
from pipelines.page.draft import SHOWN
from pipelines.page.words import Notice, button, said, trusted
from pipelines.service.door import PAGE
from pipelines.service.problems import ProblemError
from pipelines.service.things import thing

if TYPE_CHECKING:
    from pipelines.page.visit import Visit
    from pipelines.search.exhibit import Observed
    from pipelines.service.responses import Entity
    from pipelines.service.state import State

MOST_FACTS = 200
AROUND, MORE_AROUND = 14, 40
"""Entities in the graph at first, and on demand."""
LEGEND = (
    "The wider a line, the more attention the fact carries: how the entity's vector came about, not why it "
    "answers. Dashed lines were inferred. Drag to move, turn the wheel or pinch to zoom, click an entity to "
    "go there."
)


@dataclass(frozen=True)
class Portrait:
    """All that is shown of an entity."""

    entity: Entity
    observed: list[Observed]
    state: str
    languages: tuple[str, ...]


def portrait(state: State, iri: str) -> Portrait:
    """Look an entity up.

    Raises:
        ProblemError: it is unknown.
    """
    found = thing(state, iri, most=MOST_FACTS)
    observed = state.searcher.exhibit.observations(found.entity)
    return Portrait(found, observed, state.name, tuple(state.store.settings.languages))


def surroundings(state: State, iri: str, k: int) -> tuple[dict[str, Any], list[tuple[str, str, float]]]:
    """The chart of what surrounds an entity, and the same as a list: IRI, label, share of what it hears."""
    searcher, graph = state.searcher, state.store.graph
    around = searcher.neighbourhood(iri, k)
    ids = {node: graph.entity_id(node) for node in around}

    def inferred(head: str, relation: str, tail: str) -> bool:
        return searcher.steps.rule((ids[head], graph.relation_id(relation), ids[tail])) is not None

    chart = graph_chart(around, inferred, readable)
    told = [(node, str(data["label"]), float(data["heard"])) for node, data in around.nodes(data=True)]
    return chart, sorted(told[1:], key=lambda row: -row[2])


class EntityView:
    """Draws one entity.

    Args:
        visit: what the page remembers.
        iri: the entity.
    """

    def __init__(self, visit: Visit, iri: str) -> None:
        self._visit, self._iri = visit, iri
        self._notice = Notice()
        self._busy = said("p", "Looking it up…", "busy").props("role=status")
        self._root = ui.element("article").classes("entity")

    async def open(self) -> None:
        """Look the entity up and draw it."""
        iri = self._iri
        try:
            found = await self._visit.do(lambda state, room: portrait(state, iri))
        except ProblemError as problem:
            self._notice.tell_problem(problem)
            return
        finally:
            self._busy.visible = False
        ui.page_title(f"{found.entity.label} · Sensegraph")
        with self._root:
            self._draw(found)
        await self._draw_graph(AROUND)

    def _draw(self, found: Portrait) -> None:
        entity = found.entity
        with ui.element("header").classes("who"):
            said("h1", entity.label)
            said("p", entity.entity, "iri")
            with ui.element("div").classes("actions"):
                button("Like this", "ask", "go").on_click(self._like)
        with ui.element("div").classes("columns"):
            with ui.element("div"):
                trusted(media(entity.entity, entity.label, found.observed, found.state), classes="gallery")
                trusted(sounds(entity.entity, found.observed))
                said("h2", "Facts")
                trusted(facts_table(entity))
            with ui.element("div"):
                said("h2", "What surrounds it")
                self._around = ui.element("div").classes("around")
                said("h2", "Texts and numbers")
                trusted(values_table(entity, found.languages))

    async def _draw_graph(self, k: int) -> None:
        iri = self._iri
        self._around.clear()
        with self._around:
            notice = Notice()
        try:
            chart, told = await self._visit.do(lambda state, room: surroundings(state, iri, k))
        except ProblemError as problem:
            return notice.tell_problem(problem)
        with self._around:
            drawn = ui.echart(chart, on_point_click=self._clicked, renderer="svg").classes("graph")
            drawn.props["role"] = "img"
            drawn.props["aria-label"] = (
                f"Graph of {len(told)} entities around it; the list below says the same"
            )
            said("p", LEGEND, "why")
            rows = "".join(
                f'<li><a href="{escape(entity_address(node))}">{escape(label)}</a> '
                f"<small>{share:.0%}</small></li>"
                for node, label, share in told
            )
            trusted(f"<details><summary>The same as a list</summary><ol>{rows}</ol></details>")
            if k == AROUND and len(told) >= AROUND:
                button("Show more around it", "down").on_click(lambda: self._draw_graph(MORE_AROUND))
        return None

    def _clicked(self, event: events.EChartPointClickEventArguments) -> None:
        if event.data_type == "node":
            node: Any = event.data
            ui.navigate.to(entity_address(node["id"]).removeprefix(PAGE))

    def _like(self) -> None:
        self._visit.draft = replace(self._visit.draft, like=self._iri, k=SHOWN)
        ui.navigate.to(f"/?{self._visit.draft.address()}")
