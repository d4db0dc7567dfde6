"""The page for people, served by the same process as the endpoints for programs: routes, frame, views.

NiceGUI brings all that a browser needs; nothing is fetched from elsewhere. One process has one page.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, FastAPI, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app as page_app
from nicegui import core, ui
from nicegui.translations import translations

from pipelines.page.ask import AskView
from pipelines.page.cards import PICTURE
from pipelines.page.draft import Draft, draft_of
from pipelines.page.entity import EntityView
from pipelines.page.map import MapView
from pipelines.page.media import picture_of
from pipelines.page.room import Rooms
from pipelines.page.visit import House, Visit
from pipelines.page.words import Notice, button, icon_button, said, trusted
from pipelines.search.cards import style
from pipelines.service.door import ENTER, LEAVE, LONGEST, PAGE, Door, leave
from pipelines.service.lanes import Lane

if TYPE_CHECKING:
    from nicegui import Client

    from pipelines.service.endpoints import Desk

UPLOADS = f"{PAGE}/_nicegui/client/"
"""Below it lie the addresses that take files."""
HOLDS = 300.0
"""Seconds that a page is held for a browser whose connection was lost."""
BEAT = 20
"""Seconds between two signs of life, shorter than proxies wait."""
LOOKS = 2.0
"""Seconds between two looks whether another state answers."""
MARK = (
    '<svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true"><path d="M7 18 13 7l7 10M7 18h13"'
    ' fill="none" stroke="currentColor" stroke-width="1.6" opacity=".5"/><circle cx="13" cy="6.5" r="3.5"'
    ' fill="#D55E00"/><circle cx="6.5" cy="19" r="3.5" fill="#0072B2"/><circle cx="20" cy="18" r="3.5"'
    ' fill="#009E73"/></svg>'
)
# seen at once, until the page itself is there
SKELETON = (
    '<div class="skeleton" aria-hidden="true"><div class="top">'
    f'<span class="brand">{MARK}Sensegraph</span></div>'
    '<div class="main"><p class="busy">One moment…</p></div></div>'
)
THEMES = {None: "system", True: "dark", False: "light"}
COLOURS = "sensegraph-colours"
"""The cookie that keeps which of them was chosen."""


def add_page(app: FastAPI, desk: Desk, door: Door | None) -> None:
    """Give a service its page, below `PAGE`.

    Args:
        app: the service; its middleware guards the page as well.
        desk: its states and lines.
        door: lets people in, where a token is demanded.
    """
    house = House(desk, Rooms(), Lane("pictures", waiting=256), Lane("maps", waiting=16))
    app.include_router(_routes(house, door or Door(None)))
    translations["en-US"] |= {
        "connection_lost": "The connection is lost.",
        "trying_to_reconnect": "Nothing else is: what you ask is sent when it is back.",
        "message_too_long": "That was too much at once.",
        "message_too_long_body": "Nothing of it was sent; a question holds at most 10,000 characters.",
    }
    css = files("pipelines.page").joinpath("page.css").read_text(encoding="utf-8")
    ui.add_head_html(f"<style>{style()}{css}</style>", shared=True)
    ui.add_body_html(SKELETON, shared=True)
    for path in ("/", "/entity", "/map"):
        ui.page(path, title="Sensegraph")(_frame(house, guarded=door is not None and door.is_locked))

    def beat() -> None:
        core.sio.eio.ping_interval, core.sio.eio.ping_timeout = BEAT, BEAT

    page_app.on_startup(beat)
    page_app.on_shutdown(house.close)
    # to find its server NiceGUI touches every object, torch's obsolete ones among them
    warnings.filterwarnings("ignore", "`torch.distributed.reduce_op` is deprecated", FutureWarning)
    ui.run_with(
        app,
        mount_path=PAGE,
        title="Sensegraph",
        language="en-US",
        dark=None,
        tailwind=False,
        reconnect_timeout=HOLDS,
        show_welcome_message=False,
        favicon=MARK.replace("currentColor", "#777").replace(
            "<svg", '<svg xmlns="http://www.w3.org/2000/svg"'
        ),
    )


def _routes(house: House, door: Door) -> APIRouter:
    """What lies below the page but is no view."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    @routes.get(PAGE)
    async def home() -> Response:
        return RedirectResponse(f"{PAGE}/", 307)

    @routes.post(ENTER)
    async def enter(request: Request, token: Annotated[str, Form(max_length=LONGEST)] = "") -> Response:
        return door.enter(token, request.scope)

    @routes.post(LEAVE)
    async def gone() -> Response:
        return leave()

    @routes.get(PICTURE)
    async def picture(
        entity: Annotated[str, Query(max_length=2_000)], number: Annotated[int, Query(ge=0, le=10**6)]
    ) -> Response:
        content, _ = await house.desk.do(house.pictures, lambda state: picture_of(state, entity, number))
        kept = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type="image/webp", headers=kept)

    return routes


def _frame(house: House, *, guarded: bool) -> Callable[[], None]:
    """The builder of the page: what stands around every view."""

    def build() -> None:
        client = ui.context.client
        visit = Visit(house, address=client.sub_pages_router.current_path)
        client.on_delete(visit.shelf.close)
        ui.colors(primary="#1f5fa8")
        with client.layout, ui.element("header").classes("top") as top:
            trusted(f'<a class="brand" href="{PAGE}/">{MARK}Sensegraph</a>')
            with ui.element("nav").props('aria-label="Views"'):
                views = trusted(_views(client), classes="views")
            _theme(client)
            if guarded:
                trusted(f'<form method="post" action="{LEAVE}"><button class="leave">Leave</button></form>')
        top.move(target_index=0)
        main = ui.element("div").classes("main")
        with main:
            news = ui.element("div").classes("news")
            frame = ui.sub_pages(
                {
                    "/": lambda: _ask(visit, _said(client)),
                    "/entity": lambda: _entity(visit, _said(client)),
                    "/map": lambda: _map(visit),
                },
                show_404=False,
            )

        # the address alone tells what is shown, whichever way it was changed
        def turned(path: str) -> None:
            address = path.partition("#")[0]
            if address != visit.address:  # else it is a link within the view, which goes on
                visit.address = address
                views.content = _views(client)
                frame.refresh()

        client.sub_pages_router.on_path_changed(turned)
        ui.skip_link("To the content", target=main)
        _footer(visit, news, frame)

    return build


def _views(client: Client) -> str:
    """Links to the views, that which is shown marked."""
    here = urlsplit(client.sub_pages_router.current_path).path.rstrip("/") or "/"
    current = {True: ' aria-current="page"', False: ""}
    return "".join(
        f'<a href="{PAGE}{path}"{current[path == here]}>{name}</a>'
        for path, name in (("/", "Ask"), ("/map", "Map"))
    )


def _said(client: Client) -> dict[str, str]:
    """The parameters of the address as it is now."""
    return dict(parse_qsl(urlsplit(client.sub_pages_router.current_path).query))


async def _ask(visit: Visit, said_so: dict[str, str]) -> None:
    ui.page_title("Sensegraph")
    problem = ""
    try:
        visit.draft = draft_of(said_so)
    except ValueError as error:
        visit.draft, problem = Draft(), str(error)
    with ui.element("div").classes("asking"):
        said("h1", "What are you looking for?")
        view = AskView(visit)
    view.notice.tell(problem)
    await view.open()


async def _entity(visit: Visit, said_so: dict[str, str]) -> None:
    await EntityView(visit, said_so.get("iri", "")).open()


async def _map(visit: Visit) -> None:
    ui.page_title("Map · Sensegraph")
    await MapView(visit).open()


def _theme(client: Client) -> None:
    """A button that goes from the system's colours to dark and light ones; the browser keeps the choice."""
    order = list(THEMES)
    kept = client.request.cookies.get(COLOURS)
    mode = ui.dark_mode(next((value for value in order if THEMES[value] == kept), None))
    toggle = icon_button(f"Colours: {THEMES[mode.value]}", "theme")

    def turn() -> None:
        mode.value = order[(order.index(mode.value) + 1) % len(order)]
        toggle.props["aria-label"] = f"Colours: {THEMES[mode.value]}"
        cookie = f"{COLOURS}={THEMES[mode.value]}; path={PAGE}; max-age=31536000; samesite=lax"
        client.run_javascript(f"document.cookie = {json.dumps(cookie)}")

    toggle.on_click(turn)


def _footer(visit: Visit, news: ui.element, frame: ui.sub_pages) -> None:
    """What store it is; and news, as soon as another state of it answers."""
    seen = visit.state
    with ui.context.client.layout, ui.element("footer").classes("foot"):
        count = visit.house.desk.states.current.store.graph.num_entities
        told = said("p", f"{count:,} entities in the store")

    def look() -> None:
        nonlocal seen
        if visit.state == seen:
            return
        seen = visit.state
        visit.asked = visit.shown = None
        count = visit.house.desk.states.current.store.graph.num_entities
        told.content = f"{count:,} entities in the store"
        news.clear()
        with news:
            Notice().tell("the store was updated: what you ask from now on is answered from its new state")
            button("Show this again from it", "ask", "quiet").on_click(again)

    def again() -> None:
        news.clear()
        frame.refresh()

    ui.timer(LOOKS, look)
