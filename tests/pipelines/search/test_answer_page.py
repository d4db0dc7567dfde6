"""The page is whole: it loads nothing from elsewhere, runs nothing, and shows what was asked and found."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.query import main
from pipelines.search.answer_page import page

if TYPE_CHECKING:
    from pipelines.search.retrieval import Searcher


def test_a_page_loads_nothing_and_runs_nothing(searcher: Searcher, collection: Any) -> None:
    text = page(searcher.search("a cat", image=collection.picture("cat0")))
    loaded = re.findall(r'(?:src|href|action|data|poster)\s*=\s*"([^"]*)"', text)
    assert len(loaded) > 10
    assert all(address.startswith("data:") for address in loaded)
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', text))
    assert "default-src 'none'" in text


def test_a_page_is_made_for_phones_and_for_the_dark(searcher: Searcher) -> None:
    text = page(searcher.search("a cat"))
    assert '<html lang="en">' in text
    assert 'name="viewport" content="width=device-width' in text
    assert "prefers-color-scheme: dark" in text
    assert all("alt=" in tag for tag in re.findall(r"<img[^>]*>", text))


def test_the_command_writes_a_page_with_what_was_asked(
    store_folder: Path, collection: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "answers.html"
    question = ["--text", "a <b>cat</b>", "--image", str(collection.picture("cat0"))]
    question += ["--audio", str(collection.sound("cat0")), "--where", "?x schema:about ex:cat"]
    assert main(["--store", str(store_folder), *question, "--html", str(out), "--explain"]) == 0
    text = out.read_text(encoding="utf-8")
    assert "<h1>“a &lt;b&gt;cat&lt;/b&gt;” and like this picture and like this sound</h1>" in text
    assert "<code>?x schema:about ex:cat</code>" in text
    assert text.count("<article") == 3
    assert text.count("<details>") == 3
    assert 'alt="Picture: what was asked"' in text
    printed = capsys.readouterr().out
    assert "nearest image 1.00: cat0.png" in printed
    assert "without the question's image: rank" in printed
    assert list(tmp_path.iterdir()) == [out]


def test_an_entity_that_is_asked_for_is_named(searcher: Searcher, collection: Any) -> None:
    text = page(searcher.search(entity=collection.iri("boat0"), k=2))
    assert "<h1>Like A sailing boat</h1>" in text


def test_a_page_that_cannot_be_written_is_one_sentence(
    store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "no" / "answers.html")
    assert main(["--store", str(store_folder), "--text", "a cat", "--html", out]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_media_that_moved_leave_placeholders(
    store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "answers.html"
    command = ["--store", str(store_folder), "--text", "a cat", "-k", "2", "--html", str(out)]
    assert main([*command, "--media-root", str(tmp_path)]) == 0
    text = out.read_text(encoding="utf-8")
    assert text.count("picture not shown: cat") == 2
    assert text.count("sound not shown: cat") == 2
    assert capsys.readouterr().err == ""


def test_what_is_not_wanted_and_preferred_is_shown_and_said_how_it_was_understood(
    searcher: Searcher, collection: Any
) -> None:
    answer = searcher.search(
        "an animal",
        not_text="a cat",
        not_image=collection.picture("wolf0"),
        prefer={"?x schema:audio ?s FILTER(1 < 2)": 0.5},
        k=2,
    )
    text = page(answer)
    assert "<h1>“an animal”, but not “a cat” or like a certain picture</h1>" in text
    assert 'alt="Picture: what is not wanted"' in text
    assert len(answer.understood) == 3
    assert all(f"<p>{escape(line)}</p>" in text for line in answer.understood)
    assert "<p>not: cat (by the facts, 3 entities left out)</p>" in text
    assert "<p>prefers: ?x schema:audio ?s FILTER(1 &lt; 2) (+0.5, " in text
    assert "<span>prefers</span>" in text
