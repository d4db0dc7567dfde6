"""Cards show what a hit is and why, and nothing of the data is ever markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.search.cards import bars, chain, picture, player, shown_answer, shown_hit, shown_reasons
from pipelines.search.exhibit import Observed
from pipelines.search.explain import Answer, Hit

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
VOID = {"img", "br", "meta"}


class Read(HTMLParser):
    """Reads HTML strictly: every tag closed, attributes kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_an_answer_in_a_notebook_shows_pictures_players_bars_and_chains(searcher: Searcher) -> None:
    read = Read(searcher.search("a cat", k=3)._repr_html_())
    pictures = [attributes for tag, attributes in read.tags if tag == "img"]
    assert len(pictures) == 3
    assert all(str(one["src"]).startswith("data:image/webp;base64,") for one in pictures)
    assert {one["alt"] for one in pictures} == {
        f"Picture: {name}" for name in ("A sleeping cat", "A cat on a sofa", "A hungry cat")
    }
    players = [attributes for tag, attributes in read.tags if tag == "audio"]
    assert len(players) == 3
    assert all(str(one["src"]).startswith("data:audio/wav;base64,") for one in players)
    assert "cat ← about A hungry cat" in read.text
    assert "https://example.org/c/cat2" in read.text
    assert "3 of 31 entities that may answer" in read.text


def test_a_hit_alone_has_a_card_also_without_a_store_behind_it(searcher: Searcher) -> None:
    hit = searcher.search("a cat", k=1)[0]
    assert Read(hit._repr_html_()).text.count(hit.label) == 2  # its name, and the end of the chain
    plain = Read(shown_hit(replace(hit, exhibit=None)))
    assert "no picture" in plain.text


def test_everything_from_the_data_is_escaped() -> None:
    path = [(EVIL, EVIL, EVIL + "2")]
    hit = Hit(EVIL + "2", EVIL, 1.0, {EVIL: 0.5}, path)
    text = shown_answer(Answer([hit], 1, [EVIL]))
    tags = {tag for tag, _ in Read(text).tags}
    assert "script" not in tags
    assert "img" not in tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&gt;" in text


@pytest.mark.parametrize("make", [lambda one: picture(one, EVIL), player])
def test_what_is_missing_is_a_placeholder_that_says_why(make: Any, tmp_path: Path) -> None:
    known = Observed("image", f"media/{EVIL}.png", 0, None, f"gone: {EVIL}")
    read = Read(make(known))
    assert "not shown" in read.text
    assert "gone: <script>" in read.text
    assert {tag for tag, _ in read.tags} == {"div", "br"}
    (tmp_path / "broken").write_bytes(b"neither")
    assert "not shown: broken" in Read(make(Observed("image", "broken", 0, tmp_path / "broken"))).text


def test_bars_are_as_long_as_the_similarity_and_never_negative() -> None:
    styles = [
        attributes["style"]
        for _, attributes in Read(bars({"text": 0.333, "joint": -0.4, "graph": 1.2})).tags
        if "style" in attributes
    ]
    assert styles == ["width:33%", "width:0%", "width:100%"]


def test_a_chain_is_read_from_the_anchor_to_the_hit() -> None:
    path = [("urn:x/penguin", "urn:x/broader", "urn:x/bird"), ("urn:x/toucan", "urn:x#about", "urn:x/bird")]
    assert Read(chain(path, "urn:x/toucan", None)).text == "penguin broader → bird ← about toucan"
    assert chain([], "urn:x/toucan", None) == ""


def test_reasons_show_evidence_chains_and_ranks(searcher: Searcher, collection: Any) -> None:
    found = searcher.explain(collection.iri("cat1"), "a cat", image=collection.picture("cat0"))
    read = Read(shown_reasons(found))
    assert "Nearest evidence" in read.text
    assert "A cat on a sofa" in read.text
    assert f"Rank among {found.candidates}" in read.text
    for one in found.without:
        assert f"{one.words} {one.rank} {one.score:.2f}" in read.text
    assert read.text == Read(found._repr_html_()).text
