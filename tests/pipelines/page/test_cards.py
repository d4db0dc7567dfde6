"""What the data says is shown as it is, and never read as HTML, whatever it says."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from pipelines.page.cards import card, chain, entity_address, facts_table, media, sounds, values_table
from pipelines.search.exhibit import Observed
from pipelines.search.explain import Hit
from pipelines.service.responses import Entity, FactOf, Named, RuleOf, Value

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{x}}"
IRI = "javascript:alert(1)//" + EVIL.replace(" ", "")


class Seen(HTMLParser):
    """The tags of a piece of HTML, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


class Hostile:
    """Stands for an exhibit whose every label is hostile."""

    def __init__(self, observed: list[Observed]) -> None:
        self._observed = observed

    def label(self, iri: str) -> str:
        return EVIL

    def observations(self, iri: str) -> list[Observed]:
        return self._observed


OBSERVED = [
    Observed("text", EVIL + " as a text", 0),
    Observed("image", EVIL, 0, Path("x.png")),
    Observed("image", EVIL, 1),
    Observed("audio", EVIL, 0, Path("x.wav")),
]
HIT = Hit(
    IRI, EVIL, 1.0, {"joint": 0.5, EVIL: 0.1}, [(IRI, IRI, "urn:b"), ("urn:b", IRI, IRI)],
    rules=[(EVIL, 0.8), None], exhibit=Hostile(OBSERVED),  # type: ignore[arg-type]
)  # fmt: skip
ENTITY = Entity(
    entity=IRI,
    label=EVIL,
    literals=[
        Value(predicate=IRI, value=EVIL, language='en" onclick="x', datatype=None),
        Value(predicate=IRI, value=EVIL + "2", language=None, datatype=None),
    ],
    facts=[
        FactOf(
            head=Named(entity=IRI, label=EVIL),
            relation=IRI,
            tail=Named(entity="urn:b", label=EVIL),
            inferred=RuleOf(rule=EVIL, confidence=0.5),
        )
    ],
    fact_count=3,
    media=[],
)


@pytest.mark.parametrize(
    "html",
    [
        card(HIT, 1, [], EVIL),
        chain(HIT.path, IRI, HIT.exhibit, HIT.rules),
        media(IRI, EVIL, OBSERVED, EVIL),
        media(IRI, EVIL, [], EVIL),
        sounds(IRI, OBSERVED),
        facts_table(ENTITY),
        values_table(ENTITY, ["en"]),
        values_table(ENTITY, ["de"]),
    ],
)
def test_nothing_of_the_data_becomes_a_tag_or_an_attribute(html: str) -> None:
    seen = Seen(html)
    for tag, attributes in seen.tags:
        assert tag != "script"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert (attributes.get(name) or "/page").startswith(("/page", "/entity/media?"))
    assert seen.tags


def test_a_card_says_what_where_and_why() -> None:
    seen = Seen(card(HIT, 3, [], "state"))
    assert seen.text.startswith("3 ")
    assert "Because:" in seen.text
    assert f"by {EVIL}, 0.8" in seen.text
    assert "as a text" in seen.text
    pictures = [attributes for tag, attributes in seen.tags if tag == "img"]
    assert [one["alt"] for one in pictures] == [f"Picture: {EVIL}"]
    assert pictures[0]["loading"] == "lazy"
    assert [one["aria-label"] for tag, one in seen.tags if tag == "audio"]


def test_facts_say_which_way_they_go_and_by_what_they_follow() -> None:
    out = Seen(facts_table(ENTITY))
    assert "inferred by" in out.text
    assert "and 2 more" in out.text
    other = ENTITY.model_copy(update={"entity": "urn:b"})
    assert "is " in Seen(facts_table(other)).text
    assert "It has no facts." in facts_table(ENTITY.model_copy(update={"facts": [], "fact_count": 0}))


def test_the_readers_languages_come_first_and_repeats_are_told_once() -> None:
    values = [
        Value(predicate="urn:name", value="cello", language="en", datatype=None),
        Value(predicate="urn:name", value="cello", language="en-GB", datatype=None),
        Value(predicate="urn:name", value="Violoncello", language="de", datatype=None),
    ]
    html = values_table(ENTITY.model_copy(update={"literals": values}), ["en"])
    assert html.count("cello") == 2
    assert "1 in other languages" in html
    assert 'lang="de"' in html
    assert "no texts" in values_table(ENTITY.model_copy(update={"literals": []}), ["en"])


def test_an_address_holds_any_iri() -> None:
    assert entity_address("urn:a b&c") == "/page/entity?iri=urn%3Aa+b%26c"
