"""An answer as one HTML page that holds all it shows: no network, no script; for phones and the dark too."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.search.cards import answer_cards, picture, player, shortened, style
from pipelines.search.exhibit import Observed

if TYPE_CHECKING:
    from pipelines.search.explain import Answer
    from pipelines.search.question import Query
    from pipelines.search.reasons import Reasons

# what the page may load: what stands in it, and nothing else, whatever the data says
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
SHORT = 80
"""Characters of a question that its title has room for."""
STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1rem; max-width: 46rem; font: 15px/1.45 system-ui, sans-serif;
  background: #fff; color: #1c1c1e; }
h1 { font-size: 1.3rem; margin: .2rem 0 1rem; }
.question { margin-bottom: 1.2rem; }
.question code { font-size: .85rem; white-space: pre-wrap; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e6e8; } }
"""


def write_page(path: Path, answer: Answer, reasons: Sequence[Reasons] = ()) -> None:
    """Write a page beside and rename.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(page(answer, reasons), encoding="utf-8")
    beside.replace(path)


def page(answer: Answer, reasons: Sequence[Reasons] = ()) -> str:
    """The page: what was asked, then the answer's cards; reasons stand in the cards of their hits."""
    title = escape(_title(answer))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>{style()}{STYLE}</style>
</head>
<body class="sensegraph">
<h1>{title}</h1>
{_asked(answer)}
<main>{answer_cards(answer, reasons)}</main>
</body>
</html>
"""


def _title(answer: Answer) -> str:
    """What was asked, in words."""
    if answer.question is None:
        return "Answers"
    query = answer.question.query
    title = " and ".join(_parts(query, "this", answer))
    unwanted = [part for one in query.unwanted() for part in _parts(one, "a certain", answer)]
    title += f", but not {' or '.join(unwanted)}" if unwanted else ""
    return title[:1].upper() + title[1:]


def _parts(query: Query, which: str, answer: Answer) -> list[str]:
    """What a query asks by each sense, in words."""
    parts = []
    if query.text is not None:
        parts.append(f"“{shortened(query.text, SHORT)}”")
    if query.image is not None:
        parts.append(f"like {which} picture")
    if query.audio is not None:
        parts.append(f"like {which} sound")
    if query.entity is not None:
        label = answer.exhibit.label(query.entity) if answer.exhibit else query.entity
        parts.append(f"like {shortened(label, SHORT)}")
    return parts


def _asked(answer: Answer) -> str:
    """What the question shows."""
    if answer.question is None:
        return ""
    query, parts = answer.question.query, []
    if query.text is not None and len(query.text) > SHORT:
        parts.append(f"<p><q>{escape(shortened(query.text, 1000))}</q></p>")
    parts += _media(query, "what was asked")
    for one in query.unwanted():
        parts += [f"<div>Not: {shown}</div>" for shown in _media(one, "what is not wanted")]
    if answer.question.where is not None:
        parts.append(f"<p><code>{escape(answer.question.where)}</code></p>")
    return f'<section class="question">{"".join(parts)}</section>'


def _media(query: Query, what: str) -> list[str]:
    """The picture and the sound of a query."""
    parts = []
    if query.image is not None:
        parts.append(picture(_own(query.image, "image"), what))
    if query.audio is not None:
        parts.append(player(_own(query.audio, "audio")))
    return parts


def _own(file: str | Path, modality: str) -> Observed:
    return Observed(modality, Path(file).name, -1, Path(file))
