"""Small pieces that every view of the page is made of: texts by their tags, notices, icons."""

from __future__ import annotations

from html import escape

from nicegui import ui

from pipelines.service.problems import ProblemError

# paths of 24 x 24, as no font of icons is loaded
ICONS = {
    "ask": "M5 11h11.2l-4.6-4.6L13 5l7 7-7 7-1.4-1.4 4.6-4.6H5z|0 0 24 24",
    "add": "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z|0 0 24 24",
    "only": "M3 5h18v2l-7 7v5l-4 2v-7L3 7z|0 0 24 24",
    "weigh": "M3 7h9v2H3zm13-2h2v2h3v2h-3v2h-2zM3 15h3v2H3zm7-2h2v2h9v2h-9v2h-2z|0 0 24 24",
    "close": "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z"
    "|0 0 24 24",
    "theme": "M12 3a9 9 0 1 0 0 18zm2-1.8A11 11 0 1 1 12 1zm-2 4.8v12a6 6 0 0 0 0-12z|0 0 24 24",
    "down": "M6 9h12l-6 7z|0 0 24 24",
}


def said(tag: str, text: str, classes: str = "") -> ui.html:
    """A text in a tag."""
    return ui.html(escape(text), tag=tag, sanitize=False).classes(classes)


def trusted(html: str, tag: str = "div", classes: str = "") -> ui.html:
    """HTML of `pipelines.page.cards` and its like, in which all that comes from the data is escaped."""
    return ui.html(html, tag=tag, sanitize=False).classes(classes)


def button(text: str, icon: str = "", classes: str = "plain") -> ui.button:
    """A button with a text; an icon is decoration."""
    made = ui.button(text, color=None).props("no-caps unelevated").classes(f"button {classes}")
    if icon:
        made.props["icon"] = ICONS[icon]
    return made


def light_button(text: str, name: str, classes: str = "plain") -> ui.html:
    """A browser's own button, for where there are dozens.

    Args:
        text: what stands on it.
        name: what is read out.
        classes: how it looks.
    """
    made = said("button", text, f"button light {classes}")
    made.props["aria-label"], made.props["type"] = name, "button"
    return made


def icon_button(name: str, icon: str) -> ui.button:
    """A button that is an icon, with a name that is read out."""
    made = ui.button(color=None).props("flat round dense").classes("icon-button")
    made.props["icon"] = ICONS[icon]
    made.props["aria-label"] = name
    return made.tooltip(name)


class Notice:
    """A place for one sentence: an error where it arose, or a piece of news."""

    def __init__(self) -> None:
        self._place = said("p", "", "notice").props("role=alert")
        self._place.visible = False

    def tell(self, text: str) -> None:
        """Say it."""
        self._place.content = escape(sentence(text))
        self._place.visible = bool(text)

    def tell_problem(self, problem: ProblemError) -> None:
        """Say why something was not possible."""
        self.tell(problem.detail)

    def clear(self) -> None:
        """Say nothing."""
        self.tell("")


def sentence(text: str) -> str:
    """A text as a sentence: a capital first, a full stop last."""
    text = " ".join(text.split())
    if not text:
        return ""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")
