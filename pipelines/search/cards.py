"""Hits, answers and reasons as HTML: cards that need no script and no network, in light and in dark.

Everything that comes from the data is escaped; IRIs are shown and not linked, as data may name any scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from encoders.base import MediaError
from pipelines.search.data_uri import sound, thumbnail
from pipelines.search.explain import Answer, Fact, Hit, last_word, walked, why

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.search.exhibit import Exhibit, Observed
    from pipelines.search.reasons import Counterfactual, Reasons

LONGEST = 240
"""Characters shown of a text."""
MOST_MEDIA = 3
"""Pictures, and sounds, shown of one entity."""


def style() -> str:
    """The cards' style sheet: colours by what surrounds them, so that it holds in light and in dark."""
    return files("pipelines.search").joinpath("cards.css").read_text(encoding="utf-8")


def shown_hit(hit: Hit) -> str:
    """One hit for a notebook."""
    return _framed(hit_card(hit))


def shown_answer(answer: Answer) -> str:
    """An answer for a notebook."""
    return _framed(answer_cards(answer))


def shown_reasons(reasons: Reasons) -> str:
    """Reasons for a notebook."""
    title = f'<h3>{escape(reasons.label)}</h3><p class="iri">{escape(reasons.entity)}</p>'
    return _framed(f'<article class="card">{title}{reasons_part(reasons)}</article>')


def answer_cards(answer: Answer, reasons: Sequence[Reasons] = ()) -> str:
    """What the question named, a card for each hit, and how many more might answer."""
    by_entity = {one.entity: one for one in reasons}
    cards = [
        hit_card(hit, place, answer.anchors, by_entity.get(hit.entity))
        for place, hit in enumerate(answer, start=1)
    ]
    named = ""
    if answer.anchors:
        labels = dict.fromkeys(_label(answer.exhibit, iri) for iri in answer.anchors)
        named = f"<p>Recognised in the question: {escape(', '.join(list(labels)[:8]))}</p>"
    taken = "".join(f"<p>{escape(line)}</p>" for line in answer.understood)
    return f'{named}{taken}{"".join(cards)}<p class="count">{escape(answer.counted())}</p>'


def hit_card(
    hit: Hit, place: int | None = None, anchors: Sequence[str] = (), reasons: Reasons | None = None
) -> str:
    """What a hit is, looks and sounds like, how similar it is by each sense, and why."""
    observed = hit.exhibit.observations(hit.entity) if hit.exhibit else []
    pictures = [picture(one, hit.label) for one in observed if one.modality == "image"][:MOST_MEDIA]
    sounds = [player(one) for one in observed if one.modality == "audio"][:MOST_MEDIA]
    texts = [one.reference for one in observed if one.modality == "text" and one.reference != hit.label]
    more = ""
    if reasons is not None:
        more = f"<details><summary>Reasons</summary>{reasons_part(reasons, hit.path)}</details>"
    number = "" if place is None else f'<span class="place">{place}</span> '
    return (
        '<article class="card"><div class="media">'
        + ("".join(pictures) or '<div class="blank">no picture</div>')
        + f'</div><div class="what"><h3>{number}{escape(hit.label)}'
        + f' <span class="score">{hit.score:.2f}</span></h3><p class="iri">{escape(hit.entity)}</p>'
        + "".join(f"<p>{escape(shortened(text))}</p>" for text in texts[:1])
        + "".join(sounds)
        + bars(hit.modalities)
        + (chain(hit.path, hit.entity, hit.exhibit) or f'<p class="why">{escape(why(hit, anchors))}</p>')
        + more
        + "</div></article>"
    )


def reasons_part(reasons: Reasons, known: Sequence[Fact] = ()) -> str:
    """The nearest evidence, chains of facts but a known one, and ranks as if something were not so."""
    parts = []
    exhibit = reasons.exhibit
    if reasons.evidence:
        rows = "".join(
            f"<li>{_shown(one.observed, reasons.label)}"
            f" <span>{escape(one.observed.modality)} {one.similarity:.2f}</span></li>"
            for one in reasons.evidence
        )
        parts.append(f'<h4>Nearest evidence</h4><ul class="evidence">{rows}</ul>')
    if paths := [path for path in reasons.paths if path != known]:
        chains = "".join(chain(path, reasons.entity, exhibit) for path in paths)
        parts.append(f"<h4>{'More chains' if known else 'Chains'} of facts</h4>{chains}")
    if reasons.without:
        rows = "".join(
            f"<tr><td>{escape(one.words)}</td>{_change(reasons, one)}</tr>" for one in reasons.without
        )
        head = f"<tr><th>as it is</th><td>{reasons.rank}</td><td>{reasons.score:.2f}</td></tr>"
        parts.append(
            f"<h4>Rank among {reasons.candidates:,} if it were not so</h4>"
            f"<table><tr><th></th><th>rank</th><th>score</th></tr>{head}{rows}</table>"
        )
    shares = " ".join(f"{escape(name)}&nbsp;{value:+.2f}" for name, value in reasons.shares.items())
    return f'{"".join(parts)}<p class="shares">The score is the sum of: {shares}</p>'


def chain(path: Sequence[Fact], end: str, exhibit: Exhibit | None) -> str:
    """A chain of facts from an anchor to a hit; empty for none."""
    if not path:
        return ""
    steps = walked(path, end)
    parts = [f"<b>{escape(_label(exhibit, steps[0][0]))}</b>"]
    for _, relation, forward, there in steps:
        name = escape(last_word(relation))
        arrow = f"{name} →" if forward else f"← {name}"
        parts.append(f"<i>{arrow}</i> <b>{escape(_label(exhibit, there))}</b>")
    return f'<p class="chain">{" ".join(parts)}</p>'


def bars(similarity: dict[str, float]) -> str:
    """A bar for each sense; what is less than nothing has none."""
    rows = "".join(
        f'<div><span>{escape(name)}</span><span class="bar" aria-hidden="true">'
        f'<span style="width:{100 * min(max(value, 0.0), 1.0):.0f}%"></span></span>'
        f"<span>{value:.2f}</span></div>"
        for name, value in similarity.items()
    )
    return f'<div class="bars">{rows}</div>'


def picture(observed: Observed, of: str) -> str:
    """A thumbnail, or a placeholder that says why there is none."""
    uri, problem = _uri(observed, thumbnail)
    if uri is None:
        return _blank("picture", observed, problem)
    return f'<img src="{uri}" alt="{escape(f"Picture: {of}")}">'


def player(observed: Observed) -> str:
    """A sound to be played, or a placeholder that says why there is none."""
    uri, problem = _uri(observed, sound)
    if uri is None:
        return _blank("sound", observed, problem)
    name = escape(f"Sound: {observed.name}")
    return f'<audio controls preload="metadata" src="{uri}" aria-label="{name}"></audio>'


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, cut to what a card has room for."""
    return text if len(text) <= longest else f"{text[: longest - 2]} …"


def _uri(observed: Observed, make: Callable[[Path], str]) -> tuple[str | None, str]:
    if observed.path is None:
        return None, observed.problem or "not found"
    try:
        return make(observed.path), ""
    except MediaError as error:
        return None, error.reason


def _blank(what: str, observed: Observed, problem: str) -> str:
    name = escape(shortened(observed.name, 60))
    return f'<div class="blank">{what} not shown: {name}<br>{escape(shortened(problem))}</div>'


def _shown(observed: Observed, of: str) -> str:
    if observed.modality == "image":
        return picture(observed, of)
    if observed.modality == "audio":
        return player(observed)
    return f"<q>{escape(shortened(observed.reference))}</q>"


def _change(reasons: Reasons, one: Counterfactual) -> str:
    worse = ' class="worse"' if one.rank > reasons.rank else ""
    return f"<td{worse}>{one.rank}</td><td>{one.score:.2f}</td>"


def _label(exhibit: Exhibit | None, iri: str) -> str:
    return shortened(exhibit.label(iri) if exhibit else last_word(iri), 60)


def _framed(content: str) -> str:
    return f'<style>{style()}</style><div class="sensegraph">{content}</div>'
