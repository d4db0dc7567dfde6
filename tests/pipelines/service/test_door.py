"""Who comes in to the page: by the token once, then by a cookie that is good for nothing else."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("fastapi")

from fastapi import FastAPI, Form, Request, Response, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from pipelines.service import door as page_door
from pipelines.service.door import COOKIE, ENTER, LASTS, MEDIA, PAGE, Door, leave
from pipelines.service.limits import Guard

TOKEN = "long-enough-and-secret"
HERE = "http://127.0.0.1"


def service(token: str | None = TOKEN) -> TestClient:
    """Something to be guarded: the page, its socket, its media, and an endpoint for programs."""
    app, door = FastAPI(), Door(token)

    @app.post(ENTER)
    def enter(request: Request, token: str = Form()) -> Response:
        return door.enter(token, request.scope)

    @app.post(page_door.LEAVE)
    def gone() -> Response:
        return leave()

    for path in (PAGE + "/", MEDIA, "/search"):
        app.add_api_route(path, lambda: "here", methods=["GET", "POST"])

    @app.websocket(PAGE + "/socket")
    async def socket(one: WebSocket) -> None:
        await one.accept()
        await one.send_text("here")
        await one.close()

    app.add_middleware(Guard, token=token, hosts=frozenset(("127.0.0.1",)), door=door)
    return TestClient(app, base_url=HERE, follow_redirects=False)


def heard(client: TestClient, **headers: str) -> str:
    with client.websocket_connect(f"ws://127.0.0.1{PAGE}/socket", headers=headers) as one:
        return one.receive_text()


def test_a_browser_without_a_cookie_gets_the_form_and_a_program_a_problem() -> None:
    client = service()
    form = client.get(PAGE + "/", headers={"accept": "text/html"})
    assert form.status_code == 401
    assert 'type="password"' in form.text
    assert "default-src 'none'" in form.headers["content-security-policy"]
    program = client.get("/search", headers={"accept": "text/html"})
    assert program.status_code == 401
    assert program.json()["title"] == "Unauthorized"
    with pytest.raises(WebSocketDisconnect):
        heard(client)


def test_the_token_typed_once_opens_the_page_its_socket_and_its_media_and_nothing_else() -> None:
    client = service()
    entered = client.post(ENTER, data={"token": f" {TOKEN}\n"})
    assert (entered.status_code, entered.headers["location"]) == (303, PAGE + "/")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert TOKEN not in entered.headers["location"]
    assert client.get(PAGE + "/").json() == "here"
    assert client.get(MEDIA).json() == "here"
    assert heard(client) == "here"
    assert client.post(MEDIA).status_code == 401
    assert client.post("/search").status_code == 401
    assert client.get("/search").status_code == 401
    client.post(page_door.LEAVE)
    assert client.get(PAGE + "/").status_code == 401


def test_a_wrong_token_is_told_and_opens_nothing() -> None:
    client = service()
    for typed in ("not-the-token", "ä" * 30, "x" * 900, TOKEN[:-1]):
        answer = client.post(ENTER, data={"token": typed})
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert typed not in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie", ["", "x", "9.y", f"{10**11}.{'0' * 64}", "²³.x", '"', "99999999999999999.x"]
)
def test_a_cookie_that_nobody_gave_is_worth_nothing(cookie: str) -> None:
    client = service()
    answer = client.get(PAGE + "/", headers={"cookie": f"{COOKIE}={cookie}".encode()})
    assert answer.status_code == 401


def test_a_cookie_ends_and_one_of_another_token_is_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    client, other = service(), service(TOKEN + "-2")
    client.post(ENTER, data={"token": TOKEN})
    given = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    assert client.get(PAGE + "/").status_code == 200
    assert other.get(PAGE + "/", headers=given).status_code == 401
    now = time.time()
    monkeypatch.setattr(page_door.time, "time", lambda: now + LASTS + 1)
    assert service().get(PAGE + "/", headers=given).status_code == 401


@pytest.mark.parametrize("token", [None, TOKEN])
def test_no_page_from_elsewhere_acts_in_the_name_of_who_sits_there(token: str | None) -> None:
    client = service(token)
    client.post(ENTER, data={"token": TOKEN})
    assert heard(client, origin=HERE) == "here"
    for origin in ("https://evil.example", "null", f"{HERE}:81", "http://127.0.0.1.evil.example"):
        with pytest.raises(WebSocketDisconnect):
            heard(client, origin=origin)
        assert client.post(PAGE + "/", headers={"origin": origin}).status_code == 403


def test_without_a_token_only_who_calls_this_machine_by_its_name_comes_in() -> None:
    client = service(None)
    assert client.get(PAGE + "/").json() == "here"
    assert client.get(PAGE + "/", headers={"host": "evil.example"}).status_code == 421
    with pytest.raises(WebSocketDisconnect):
        heard(client, host="evil.example")


def test_over_tls_the_cookie_travels_by_tls_alone() -> None:
    assert "Secure" in Door(TOKEN).enter(TOKEN, {"scheme": "https"}).headers["set-cookie"]
    assert "Secure" not in Door(TOKEN).enter(TOKEN, {"scheme": "http"}).headers["set-cookie"]
