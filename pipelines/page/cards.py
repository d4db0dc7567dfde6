"""Hits, reasons and entities as the page shows them: HTML of what the data says, all of it escaped.

Media are linked, not embedded: an answer is there at once, its pictures follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pipelines.page.catalogue import readable
from pipelines.search.cards import MOST_MEDIA, bars, shortened
from pipelines.search.explain import walked, why
from pipelines.service.door import MEDIA, PAGE

if TYPE_CHECKING:
    from pipelines.search.exhibit import Exhibit, Observed
    from pipelines.search.explain import Fact, Hit
    from pipelines.service.responses import Entity, FactOf

PICTURE = PAGE + "/picture"
SENSES = {
    "joint": "all together",
    "graph": "facts",
    "text": "words",
    "image": "looks",
    "audio": "sound",
    "series": "readings",
    "number": "numbers",
    "not": "not wanted",
    "prefers": "preferred",
}
"""Senses in words."""


def entity_address(iri: str) -> str:
    """Where the page tells of an entity."""
    return f"{PAGE}/entity?{urlencode({'iri': iri})}"


def card(hit: Hit, place: int, anchors: Sequence[str], state: str) -> str:
    """What a hit is, looks and sounds like, how near it is by each sense, and the chain of facts.

    Args:
        hit: the hit.
        place: its place in the answer.
        anchors: what the question named.
        state: name of the state that answered.
    """
    exhibit = hit.exhibit
    observed = exhibit.observations(hit.entity) if exhibit else []
    texts = [one.reference for one in observed if one.modality == "text" and one.reference != hit.label]
    told = "".join(f"<p class='text'>{escape(shortened(text, 140))}</p>" for text in texts[:1])
    near = {SENSES.get(name, name): value for name, value in hit.modalities.items()}
    reason = chain(hit.path, hit.entity, exhibit, hit.rules)
    return (
        media(hit.entity, hit.label, observed, state, most=1)
        + f'<h3><span class="place" aria-hidden="true">{place}</span> '
        + f'<a href="{escape(entity_address(hit.entity))}">{escape(shortened(hit.label, 90))}</a></h3>'
        + told
        + sounds(hit.entity, observed)
        + (reason or f'<p class="why">{escape(why(hit, anchors))}</p>')
        + f"<details><summary>How near, by sense</summary>{bars(near)}"
        + f'<p class="why">score {hit.score:.2f}</p></details>'
    )


def media(iri: str, label: str, observed: Sequence[Observed], state: str, *, most: int = MOST_MEDIA) -> str:
    """Pictures, or a place where one would be."""
    shown = [(at, one) for at, one in enumerate(observed) if one.modality == "image"]
    parts = []
    for at, one in shown[:most]:
        if one.path is None:
            parts.append(f'<div class="blank">picture not here: {escape(shortened(one.name, 40))}</div>')
            continue
        source = f"{PICTURE}?{urlencode({'entity': iri, 'number': at, 'state': state})}"
        alt = escape(f"Picture: {label}" if len(parts) == 0 else f"Picture {at + 1}: {label}")
        parts.append(f'<img src="{escape(source)}" alt="{alt}" loading="lazy" decoding="async">')
    inside = "".join(parts) or f'<div class="blank" aria-hidden="true">{escape(label[:1].upper())}</div>'
    return f'<div class="media">{inside}</div>'


def sounds(iri: str, observed: Sequence[Observed]) -> str:
    """Players."""
    shown = [(at, one) for at, one in enumerate(observed) if one.modality == "audio" and one.path is not None]
    return "".join(
        f'<audio controls preload="none" src="{escape(f"{MEDIA}?{urlencode(dict(entity=iri, number=at))}")}"'
        f' aria-label="{escape(f"Sound: {one.name}")}"></audio>'
        for at, one in shown[:MOST_MEDIA]
    )


def chain(
    path: Sequence[Fact],
    end: str,
    exhibit: Exhibit | None,
    rules: Sequence[tuple[str, float] | None] = (),
) -> str:
    """A chain of facts from what was asked to a hit, its entities as links; empty for none."""
    if not path:
        return ""
    steps = walked(path, end)
    inferred = dict(enumerate(rules or ()))
    parts = [_linked(steps[0][0], exhibit)]
    for at, (_, relation, forward, there) in enumerate(steps):
        name = escape(readable(relation))
        by = (
            ""
            if (rule := inferred.get(at)) is None
            else f" <small>(by {escape(rule[0])}, {rule[1]:g})</small>"
        )
        arrow = f"{name}{by} →" if forward else f"← {name}{by}"
        parts.append(f"<i>{arrow}</i> {_linked(there, exhibit)}")
    return f'<p class="chain"><span class="hidden">Because: </span>{" ".join(parts)}</p>'


def _linked(iri: str, exhibit: Exhibit | None) -> str:
    label = shortened(exhibit.label(iri) if exhibit else iri, 60)
    return f'<a href="{escape(entity_address(iri))}">{escape(label)}</a>'


def facts_table(entity: Entity) -> str:
    """The facts of an entity, its relation's name before each; what was inferred says by what."""
    rows = "".join(_fact_row(fact, entity.entity) for fact in entity.facts)
    more = entity.fact_count - len(entity.facts)
    note = f'<p class="why">and {more:,} more</p>' if more > 0 else ""
    if not rows:
        return '<p class="why">It has no facts.</p>'
    return f'<table class="facts"><tbody>{rows}</tbody></table>{note}'


def _fact_row(fact: FactOf, here: str) -> str:
    forward = fact.head.entity == here
    other = fact.tail if forward else fact.head
    name = readable(fact.relation) if forward else f"is {readable(fact.relation)} of"
    by = ""
    if fact.inferred is not None:
        by = f" <small>inferred by {escape(fact.inferred.rule)}, {fact.inferred.confidence:g}</small>"
    link = f'<a href="{escape(entity_address(other.entity))}">{escape(shortened(other.label, 90))}</a>'
    kind = ' class="inferred"' if by else ""
    return f'<tr{kind}><th scope="row">{escape(name)}</th><td>{link}{by}</td></tr>'


def values_table(entity: Entity, languages: Sequence[str]) -> str:
    """The literals of an entity, those of the reader's languages first, the others folded away."""
    own: list[str] = []
    foreign: list[str] = []
    seen = set()
    for one in entity.literals:
        if (one.predicate, one.value) in seen:  # the same in another language tells nothing
            continue
        seen.add((one.predicate, one.value))
        tag = "" if not one.language else f" <small>{escape(one.language)}</small>"
        lang = f' lang="{escape(one.language)}"' if one.language else ""
        row = (
            f'<tr><th scope="row">{escape(readable(one.predicate))}</th>'
            f"<td{lang}>{escape(shortened(one.value, 600))}{tag}</td></tr>"
        )
        known = not one.language or one.language.partition("-")[0] in languages
        (own if known else foreign).append(row)
    parts = [f'<table class="facts"><tbody>{"".join(own)}</tbody></table>'] if own else []
    if foreign:
        table = f'<table class="facts"><tbody>{"".join(foreign)}</tbody></table>'
        parts.append(f"<details><summary>{len(foreign)} in other languages</summary>{table}</details>")
    return "".join(parts) or '<p class="why">It has no texts or numbers.</p>'
