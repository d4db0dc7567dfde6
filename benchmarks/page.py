"""The page of the service in a browser: its first paint, and the time from Enter to the answer, warm.

python -m benchmarks.page --store stores/demo [--quick]

Debian's Chromium, headless, on the same machine: what draws is the processor that answers. Each opening has
a browser context without a cache; times of paints are Chromium's own. The first paint is that of the frame,
the field for the question comes with the scripts. An answer is there when its cards are drawn, their pictures
apart; each question is another one, and ten come before any that counts.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import below, parser, report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WORDS = (
    *("a wild cat", "something to play music with", "red fruit", "a bird that swims", "an old house"),
    *(
        "a thing with wheels",
        "winter clothes",
        "a musical instrument",
        "what lives in the sea",
        "a tall tree",
    ),
    *("breakfast", "a flying machine", "something warm to wear", "a tool for the garden", "an insect"),
    *("a celebration", "a boat on a river", "dangerous animals", "a small dog", "furniture to sit on"),
)
WARM = 10
"""Questions that do not count."""
PAINTS = (
    "() => Object.fromEntries(performance.getEntriesByType('paint').map(one => [one.name, one.startTime]))"
)
QUIET = """() => [...document.querySelectorAll('.card img')]
  .every(one => one.complete || one.getBoundingClientRect().top > innerHeight)"""
# milliseconds from Enter to the frame in which the cards of another question are drawn
ASKED = """text => new Promise(done => {
  const question = document.querySelector('textarea.question'), answers = document.querySelector('.results');
  question.value = text;
  question.dispatchEvent(new Event('input', {bubbles: true}));
  setTimeout(() => {
    const start = performance.now();
    const before = answers.querySelector('.card');
    const seen = new MutationObserver(() => {
      const now = answers.querySelector('.card:last-child h3');
      if (!now || (before && before.isConnected)) return;
      seen.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    });
    seen.observe(answers, {childList: true, subtree: true});
    question.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
  }, 100);
})"""


@contextmanager
def served(store: Path) -> Iterator[str]:
    """A service of a store in a process of its own, and its address."""
    command = [sys.executable, "-W", "ignore", "-m", "pipelines.serve", "--store", str(store), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
            if found is None:
                raise ValueError(f"expected a store that can be served (got {store})")
            yield found.group()
        finally:
            process.terminate()


def paints(browser: Browser, address: str) -> tuple[float, float]:
    """Seconds until something is painted, and until a question can be typed, with an empty cache."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("textarea.question")
    ready: float = page.evaluate("performance.now()")
    first: float = page.evaluate(PAINTS)["first-contentful-paint"]
    context.close()
    return first / 1000, ready / 1000


def answers(page: Page, words: Sequence[str]) -> list[float]:
    """Seconds of each question, each asked when the pictures of the one before have come."""
    taken = []
    for text in words:
        taken.append(page.evaluate(ASKED, text) / 1000)
        page.wait_for_load_state("networkidle")
        page.wait_for_function(QUIET)
    return taken


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, open, ask, report."""
    from pipelines.building.build import DEMO_STORE

    out = parser(__doc__.split("\n")[0])
    out.add_argument("--store", type=Path, default=DEMO_STORE, help="the store that is served")
    flags = out.parse_args(argv)
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: expected a Chromium (got none): apt-get install chromium", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    repeats = 2 if flags.quick else flags.repeats
    with served(flags.store) as home, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = [paints(browser, f"{home}/page/") for _ in range(1 + repeats)][1:]
        page = browser.new_page()
        page.goto(f"{home}/page/")
        page.wait_for_selector(".examples")
        taken = answers(page, WORDS)[WARM:]
        browser.close()
    first, ready = (statistics.median(column) for column in zip(*opened, strict=True))
    rows = [
        below("page: first contentful paint, empty cache", first, 1.0),
        below("page: the question can be typed, empty cache", ready, 1.0),
        below("page: from Enter to the answer, warm", statistics.median(taken), 0.3),
    ]
    details = {"opened, s": opened, "answers, s": taken}
    return report("page", rows, quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
