"""The page in a browser: every act by clicking or by keys, on a service of its own that demands a token.

The browser is Debian's Chromium (`apt-get install chromium`), driven by playwright, which fetches none.
`SENSEGRAPH_SCREENSHOTS=FOLDER` keeps a picture of each view.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("nicegui")
pytest.importorskip("playwright")

from playwright import sync_api as playwright
from playwright.sync_api import expect

from pipelines.service.door import COOKIE, PAGE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium: apt-get install chromium"),
]
ROOT = Path(__file__).parents[3]
EX = "https://example.org/c/"
TOKEN = "long-enough-and-secret"
PATIENCE = 60_000
"""Longest that anything may take, ms: machines that run tests are busy."""
expect.set_options(timeout=PATIENCE)
NAMELESS = """() => [...document.querySelectorAll('button, a, input, textarea, audio, img, [role=slider]')]
  .filter(one => one.checkVisibility() && !one.closest('[aria-hidden=true]') && one.tabIndex >= 0)
  .filter(one => !(one.alt ?? '').trim() && !(one.innerText ?? '').trim() && !one.getAttribute('aria-label')
    && ![...(one.labels ?? [])].some(label => label.innerText.trim()))
  .map(one => one.outerHTML.slice(0, 200))"""
FAINT = """() => {
  const parts = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > .99) return found;
    }
    return [255, 255, 255];
  };
  const out = [];
  for (const one of document.querySelectorAll('h1,h2,h3,p,a,span,button,label,th,td,summary,code,li')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest('[aria-hidden=true],.hidden')) continue;
    const pair = [light(parts(getComputedStyle(one).color)), light(ground(one))].sort((a, b) => b - a);
    const contrast = (pair[0] + .05) / (pair[1] + .05);
    if (contrast < 4.5) out.push([one.outerHTML.slice(0, 120), contrast.toFixed(2)]);
  }
  return out;
}"""
NODE = """name => {
  const root = document.querySelector('.graph'), chart = getElement(Number(root.id.slice(1))).chart;
  const series = chart.getModel().getSeriesByIndex(0), data = series.getData();
  const [x, y] = series.coordinateSystem.dataToPoint(data.getItemLayout(data.indexOfName(name)));
  const box = root.getBoundingClientRect();
  return [box.x + x, box.y + y];
}"""
POINT = """name => {
  const root = document.querySelector('.map'), chart = getElement(Number(root.id.slice(1))).chart;
  for (const series of chart.getOption().series) {
    const found = series.data.find(row => row.name === name);
    if (!found) continue;
    const [x, y] = chart.convertToPixel({xAxisIndex: 0, yAxisIndex: 0}, found.value);
    const box = root.getBoundingClientRect();
    return [box.x + x, box.y + y];
  }
}"""
SPAN = """() => {
  const chart = getElement(Number(document.querySelector('.map').id.slice(1))).chart;
  return chart.getOption().dataZoom.map(one => Math.round(one.end - one.start));
}"""
DROP = """async ([name, kind, content]) => {
  const files = new DataTransfer(), target = document.querySelector('.composer');
  files.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name, {type: kind}));
  target.dispatchEvent(new DragEvent('dragover', {dataTransfer: files, bubbles: true, cancelable: true}));
  await new Promise(done => setTimeout(done, 100));
  const over = document.querySelector('.q-uploader__dnd');
  over.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--force-prefers-reduced-motion"]
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def store(store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, as it is updated in the end."""
    return Path(shutil.copytree(store_folder, tmp_path_factory.mktemp("served") / "store"))


@pytest.fixture(scope="module")
def home(store: Path) -> Iterator[str]:
    """The address of a service in a process of its own."""
    token = store.parent / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    flags = ["--store", str(store), "--port", "0", "--token", str(token)]
    command = [sys.executable, "-m", "pipelines.serve", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        yield found.group()
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


@pytest.fixture(scope="module")
def inside(browser: Browser, home: str) -> Any:
    """The cookie of somebody who typed the token."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{home}{PAGE}/")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("heading", name="What are you looking for?")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, inside: Any) -> Iterator[BrowserContext]:
    made = browser.new_context(storage_state=inside, viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, home: str) -> Iterator[Page]:
    """The empty page; in the end it asked nobody but the service, and no script of it failed."""
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            None if request.url.startswith((home, "data:", "blob:")) else troubles.append(request.url)
        ),
    )
    opened.goto(f"{home}{PAGE}/")
    expect(opened.get_by_role("heading", name="To begin with")).to_be_visible()
    yield opened
    assert not troubles


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("SENSEGRAPH_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your question").fill(text)
    page.get_by_role("button", name="Ask", exact=True).click()
    answered(page)


def answered(page: Page) -> None:
    """Wait until what is shown is the answer to what was asked last."""
    expect(page.locator(".results")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".card").first).to_be_visible()


def titles(page: Page) -> list[str]:
    return page.locator(".card h3 a").all_inner_texts()


def chips(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".chip").all_inner_texts()]


def png(side: int) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("1", (side, side)).save(content, "PNG")
    return content.getvalue()


def test_who_has_no_token_sees_a_form_and_nothing_else(browser: Browser, home: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{home}/")
    page.get_by_label("Token").fill("not the token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the token of this service.")
    keep(page, "token")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_visible()
    assert TOKEN not in page.url
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert COOKIE not in {one["name"] for one in context.cookies()}
    context.close()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{home}{PAGE}/_nicegui_ws/socket.io/?EIO=4&transport=polling")


def test_words_are_answered_with_pictures_players_texts_and_reasons(page: Page) -> None:
    keep(page, "empty")
    ask(page, "a sleeping cat")
    assert titles(page)[0] == "A sleeping cat"
    assert "may answer" in page.get_by_role("region", name="Answers").inner_text()
    first = page.locator(".card").first
    picture = first.get_by_role("img", name="Picture: A sleeping cat")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('.card img').naturalWidth > 0")
    player = first.locator("audio")
    expect(player).to_have_attribute("aria-label", "Sound: cat0.wav")
    assert page.request.get(page.url.partition(PAGE)[0] + str(player.get_attribute("src"))).ok
    assert "cat" in page.locator(".card .chain").first.inner_text()
    page.locator(".card summary").first.click()
    assert "all together" in first.inner_text()
    keep(page, "answers")
    page.get_by_role("button", name="More answers").click()
    expect(page.locator(".card")).to_have_count(24)


def test_a_question_stays_in_the_address_and_back_leads_to_the_one_before(page: Page) -> None:
    ask(page, "a sour lemon")
    page.get_by_label("Your question").fill("a steam train")
    page.keyboard.press("Enter")
    expect(page.locator(".card h3").first).to_contain_text("A steam train")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("a steam train")
    expect(page.locator(".card h3").first).to_contain_text("A steam train")
    page.go_back()
    expect(page.get_by_label("Your question")).to_have_value("a sour lemon")
    expect(page.locator(".card h3").first).to_contain_text("A sour lemon")


def test_a_picture_is_chosen_and_a_sound_is_dropped(page: Page, collection: Any) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Picture or sound").click()
    chooser.value.set_files(collection.picture("drum1"))
    expect(page.locator(".chip")).to_contain_text("looks like drum1.png")
    answered(page)
    assert titles(page)[0] == "A drum with sticks"
    sound = base64.b64encode(collection.sound("wolf2").read_bytes()).decode()
    page.evaluate(DROP, ["howl.wav", "audio/wav", sound])
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".chip audio")).to_be_visible()
    page.get_by_role("button", name="Take away: looks like drum1.png").click()
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator(".card h3").first).to_contain_text("A lone wolf")
    # another view and back: the sound is still there
    page.locator(".card h3 a").first.click()
    expect(page.get_by_role("heading", level=1, name="A lone wolf")).to_be_visible()
    page.go_back()
    expect(page.locator(".chip audio")).to_be_visible()
    assert titles(page)[0] == "A lone wolf"


def test_a_click_says_like_this_and_another_takes_it_back(page: Page) -> None:
    ask(page, "A rare violin")
    page.get_by_role("button", name="Like this: A rare violin").click()
    expect(page.locator(".chip")).to_contain_text("like A rare violin")
    answered(page)
    expect(page.locator(".card h3").first).not_to_contain_text("A rare violin")  # it is not its own answer
    page.get_by_role("button", name="Take away: like A rare violin").click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator(".card h3").first).to_contain_text("A rare violin")


def test_a_constraint_is_picked_and_the_sparql_that_it_makes_is_shown(page: Page) -> None:
    ask(page, "A howling wolf")
    page.get_by_role("button", name="Only…").click()
    panel = page.get_by_role("region", name="Constraint")
    expect(panel).to_contain_text("It leaves 31 that may answer")
    panel.get_by_label("Class").click()
    page.get_by_role("option", name="card (30)").click()
    expect(panel.locator(".sparql")).to_have_text("?x a ex:Card .")
    panel.get_by_label("Relation").click()
    page.get_by_role("option", name="about (30)").click()
    expect(panel.get_by_role("checkbox", name="and all that is narrower than it")).to_be_checked()
    panel.get_by_label("Value").click()
    page.get_by_role("option", name="fruit (6)").click()
    panel.get_by_role("button", name="Add").click()
    expect(panel).to_contain_text("It leaves 6 that may answer")
    expect(panel.locator(".sparql")).to_have_text("?x a ex:Card .\n?x schema:about/skos:broader* ex:fruit .")
    expect(page.get_by_role("region", name="Answers")).to_contain_text("all 6 entities that may answer")
    assert chips(page) == ["only card", "about: fruit"]
    assert all("apple" in title.lower() or "lemon" in title.lower() for title in titles(page))
    keep(page, "constraint")
    panel.get_by_label("Value").click()
    expect(page.get_by_role("option", name="animal (6)")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Only…")).to_be_focused()


def test_sliders_of_senses_and_priors_change_the_answer(page: Page) -> None:
    ask(page, "a sleeping cat")
    page.get_by_role("button", name="Weigh…").click()
    panel = page.get_by_role("region", name="Weights")
    words = panel.get_by_role("slider", name="words")
    words.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chip")).to_contain_text("words: 1.05")
    answered(page)
    about = panel.get_by_role("slider", name="about")
    box = about.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    expect(page.locator(".chip").nth(1)).to_contain_text("trust in about 0")
    answered(page)
    # without the facts of about no chain of them is a reason
    expect(page.locator(".card").nth(1).locator(".chain")).to_have_count(0)
    keep(page, "weights")
    panel.get_by_role("button", name="As usual").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_reasons_are_told_in_a_dialog_that_esc_closes(page: Page) -> None:
    ask(page, "cat")
    page.get_by_role("button", name="Why A hungry cat?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Rank among 31 if it were not so")).to_be_visible()
    expect(dialog).to_contain_text("The score is the sum of")
    keep(page, "reasons")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".card")).to_have_count(12)


def test_an_entity_has_its_facts_its_media_and_a_graph_to_be_clicked(page: Page) -> None:
    ask(page, "A hungry cat")
    page.get_by_role("link", name="A hungry cat").first.click()
    expect(page.get_by_role("heading", level=1, name="A hungry cat")).to_be_visible()
    assert EX + "cat2" in page.locator(".iri").inner_text()
    expect(page.get_by_role("row", name="about cat")).to_be_visible()
    expect(page.locator(".gallery img")).to_be_visible()
    expect(page.locator(".entity audio")).to_be_visible()
    graph = page.locator(".graph svg")
    expect(graph).to_be_visible()
    widths = set(
        graph.evaluate(
            "svg => [...svg.querySelectorAll('path[stroke-width]')].map(p => p.getAttribute('stroke-width'))"
        )
    )
    assert len(widths) > 2  # by attention
    keep(page, "entity")
    page.mouse.click(*page.evaluate(NODE, "cat"))
    expect(page.get_by_role("heading", level=1, name="cat", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="is about of A hungry cat")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="A hungry cat")).to_be_visible()
    page.get_by_role("button", name="Like this").click()
    expect(page.locator(".chip")).to_contain_text("like A hungry cat")
    answered(page)


def test_the_map_is_zoomed_and_a_point_of_it_clicked(page: Page) -> None:
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".map canvas")).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("animal (6)")
    assert page.get_by_role("link", name="Map").get_attribute("aria-current") == "page"
    keep(page, "map")
    assert page.evaluate(SPAN) == [100, 100]
    page.get_by_role("button", name="Closer").click()
    page.wait_for_function(f"() => ({SPAN})()[0] === 50")
    box = page.locator(".map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    page.wait_for_function(f"() => ({SPAN})()[0] < 50")
    page.get_by_role("button", name="Whole map").click()
    page.wait_for_function(f"() => ({SPAN})()[0] === 100")
    page.mouse.click(*page.evaluate(POINT, "A lone wolf"))
    expect(page.locator(".iri")).to_contain_text(EX)
    assert "/entity?iri=" in page.url


def test_all_goes_by_keys(page: Page) -> None:
    page.get_by_label("Your question").fill("not sent yet")
    page.get_by_role("link", name="To the content").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#app .main")).to_be_focused()
    expect(page.get_by_label("Your question")).to_have_value("not sent yet")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(document.activeElement.innerText || document.activeElement.id).trim()")
        )
    wanted = ["question", "Picture or sound", "Only…", "Weigh…", "Ask"]
    assert [name for name in reached if name in wanted] == wanted
    page.get_by_role("button", name="“", exact=False).first.focus()
    page.keyboard.press("Enter")
    answered(page)
    page.get_by_label("Your question").focus()
    page.keyboard.press("Shift+Enter")
    assert "\n" in page.get_by_label("Your question").input_value()


BAD: list[tuple[str, bytes, str]] = [
    ("bomb.png", png(9_000), "million"),
    ("words.png", b"no picture at all", "Expected a picture or a sound"),
    ("ten.txt", b"a" * 10_000_000, "Expected a picture or a sound"),
    ("large.png", bytes(21 * 2**20), "at most 20 MB"),
]


def test_bad_files_are_told_in_one_sentence_and_nothing_is_lost(page: Page, tmp_path: Path) -> None:
    ask(page, "a sour lemon")
    for name, content, words in BAD:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Picture or sound").click()
        (tmp_path / name).write_bytes(content)
        chooser.value.set_files(tmp_path / name)
        told = page.get_by_role("alert").filter(has_text=words)
        expect(told).to_be_visible()
        assert told.inner_text().count(". ") == 0
        assert titles(page)[0] == "A sour lemon"
        expect(page.get_by_label("Your question")).to_have_value("a sour lemon")
    ask(page, "a steam train")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_ten_megabytes_of_text_are_cut_off_and_said_to_be(page: Page) -> None:
    page.get_by_label("Your question").focus()
    page.keyboard.insert_text("cat " * 2_500_000)
    expect(page.get_by_role("alert")).to_contain_text("at most 10,000 characters")
    assert len(page.get_by_label("Your question").input_value()) == 10_000
    page.get_by_role("button", name="Ask", exact=True).click()
    answered(page)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("entity?iri=urn:none", "unknown"),
        ("entity", "unknown"),
        ("?like=urn:none", "unknown"),
        ("?only=%5B%5B%5B", "address as this page writes it"),
        ("?picture=7", "Expected the picture again"),
        ("?text=cat&only=%5B%7B%22relation%22%3A%22a%20b%22%7D%5D", "Expected an IRI"),
    ],
)
def test_bad_addresses_are_told_in_one_sentence(page: Page, home: str, address: str, words: str) -> None:
    page.goto(f"{home}{PAGE}/{address}")
    expect(page.get_by_role("alert").first).to_contain_text(words)


def test_a_lost_connection_loses_nothing(context: BrowserContext, home: str) -> None:
    sockets: list[WebSocketRoute] = []
    down = False

    def connected(route: WebSocketRoute) -> None:
        if down:
            route.close()
            return
        route.connect_to_server()
        sockets.append(route)

    context.route_web_socket(re.compile("socket.io"), connected)
    context.route(re.compile("transport=polling"), lambda route: route.abort() if down else route.continue_())
    page = context.new_page()
    page.goto(f"{home}{PAGE}/")
    ask(page, "a sour lemon")
    down = True
    for socket in sockets:
        socket.close()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    expect(page.get_by_text("what you ask is sent when it is back")).to_be_visible()
    keep(page, "lost")
    page.get_by_label("Your question").fill("a steam train")
    page.keyboard.press("Enter")
    assert titles(page)[0] == "A sour lemon"
    down = False
    expect(page.locator(".card h3").first).to_contain_text("A steam train")
    expect(page.get_by_text("The connection is lost.")).to_be_hidden()
    expect(page.get_by_label("Your question")).to_have_value("a steam train")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read_in_light_and_in_dark(
    browser: Browser, inside: Any, home: str, colours: Any
) -> None:
    context = browser.new_context(
        storage_state=inside,
        viewport={"width": 390, "height": 844},
        color_scheme=colours,
        has_touch=True,
        is_mobile=True,
    )
    page = context.new_page()
    page.goto(f"{home}{PAGE}/")
    expect(page.get_by_role("heading", name="To begin with")).to_be_visible()
    checked(page, f"phone-{colours}-empty")
    page.get_by_role("button", name="Only…").click()
    page.get_by_role("button", name="Weigh…").click()
    expect(page.get_by_role("slider", name="words")).to_be_visible()
    ask(page, "a sleeping cat")
    checked(page, f"phone-{colours}-answers")
    page.locator(".card h3 a").first.click()
    expect(page.locator(".graph svg")).to_be_visible()
    checked(page, f"phone-{colours}-entity")
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".map canvas")).to_be_visible()
    checked(page, f"phone-{colours}-map")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Colours: system").click()
    expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    page.reload()
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == ground) == (colours == "dark")
    context.close()


def checked(page: Page, name: str) -> None:
    keep(page, name)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.lang") == "en-US"
    assert page.get_by_role("heading", level=1).count() == 1


def test_the_page_follows_the_store(page: Page, store: Path, collection: Any) -> None:
    from pipelines.update import main

    ask(page, "a purple submarine")
    assert "A purple submarine" not in titles(page)
    more = store.parent / "more.ttl"
    more.write_text(
        "@prefix ex: <https://example.org/c/> . @prefix schema: <https://schema.org/> .\n"
        'ex:submarine a ex:Card ; schema:about ex:boat ; schema:name "A purple submarine"@en .\n'
    )
    assert main([str(store), "--add", str(more)]) == 0
    expect(page.get_by_role("alert")).to_contain_text("The store was updated")
    keep(page, "updated")
    page.get_by_role("button", name="Show this again from it").click()
    expect(page.locator(".card h3").first).to_contain_text("A purple submarine")
