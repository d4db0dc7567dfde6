"""The text of a SPARQL query: which form it has, whether it may be run here, where it is malformed.

It knows words and marks only; the parser is that of the store that runs the query.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator, Mapping

_TOKEN = re.compile(
    r"""
    (?P<string>\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*'''
        |"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*>)
    |(?P<comment>\#[^\n\r]*)
    |(?P<variable>[?$]\w+)
    |(?P<name>(?P<prefix>(?:\w(?:[\w.\-]*[\w\-])?)?):(?:[\w:%.\-]|\\.)*)
    |(?P<word>@?[A-Za-z_][\w\-]*)
    |(?P<mark>\S)
    """,
    re.VERBOSE,
)
_PROLOGUE = re.compile(r"(?:\s+|#[^\n\r]*|PREFIX\s+[\w.\-]*:\s*<[^<>\s]*>|BASE\s*<[^<>\s]*>)*", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_OTHER_FORMS = {"ASK", "CONSTRUCT", "DESCRIBE"}
_UPDATES = {
    *("INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"),
}


class ConstraintError(ValueError):
    """The SPARQL cannot constrain an answer; the text says in one sentence why."""


class EndpointError(ConstraintError):
    """The endpoint that holds the facts is away, or does not speak SPARQL; it may answer later."""


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Cut SPARQL into tokens, each with its kind; comments are left out."""
    for match in _TOKEN.finditer(text):
        kind = "name" if match["name"] is not None else str(match.lastgroup)
        if kind != "comment":
            yield kind, match.group()


def as_select(text: str) -> tuple[str, int]:
    """Make a graph pattern a SELECT; also tell how many lines now stand before it."""
    word = _first_word(text)
    if word in {"SELECT", *_OTHER_FORMS, *_UPDATES}:
        return text, 0
    prologue = _PROLOGUE.match(text)
    cut = prologue.end() if prologue else 0
    if word == "WHERE":
        return f"{text[:cut]}\nSELECT DISTINCT ?x\n{text[cut:]}", 2
    return f"{text[:cut]}\nSELECT DISTINCT ?x WHERE {{\n{text[cut:]}\n}}", 2


def with_prefixes(text: str, known: Mapping[str, str]) -> tuple[str, str]:
    """Part a query in its prologue and the rest; the prologue declares also what is known and used."""
    found = _PROLOGUE.match(text)
    cut = found.end() if found else 0
    own = {name.partition(":")[0] for kind, name in tokens(text[:cut]) if kind == "name"}
    used = {name.partition(":")[0] for kind, name in tokens(text[cut:]) if kind == "name"}
    lines = [f"PREFIX {prefix}: <{known[prefix]}>" for prefix in sorted((used - own) & known.keys())]
    return "\n".join([*lines, text[:cut]]), text[cut:]


def refuse_other_forms(text: str) -> None:
    """Refuse what is no SELECT and what would reach the network.

    Raises:
        ConstraintError: It is such a thing.
    """
    word = _first_word(text)
    if word in _OTHER_FORMS:
        raise ConstraintError(f"expected a graph pattern or a SELECT (got a query of form {word})")
    if word in _UPDATES:
        raise ConstraintError(f"expected a query, as facts are read-only (got the update {word})")
    if calls_service(text):
        raise ConstraintError("expected a query on the stored facts only (got a SERVICE clause)")


def checked_construct(text: str) -> None:
    """Refuse what is no CONSTRUCT and what would reach the network.

    Raises:
        ConstraintError: It is such a thing.
    """
    if _first_word(text) != "CONSTRUCT":
        raise ConstraintError(f"expected a CONSTRUCT query (got {_first_word(text) or text[:40]!r})")
    if calls_service(text):
        raise ConstraintError("expected a query on the stored facts only (got a SERVICE clause)")


def calls_service(text: str) -> bool:
    """Tell whether a query may hold a SERVICE clause, however it is spelt."""
    return _calls_service(text) or _calls_service(_decoded(text))


def explained_syntax(error: SyntaxError, text: str, known: Mapping[str, str]) -> str:
    """Say in one sentence where a query is malformed."""
    return str(syntax_error(error, text, 0, known))


def syntax_error(error: SyntaxError, text: str, lead: int, known: Mapping[str, str]) -> ConstraintError:
    """Say where a query is malformed, in the lines that the user wrote."""
    if "Prefix not found" in str(error):
        return _unknown_prefix(text, set(known))
    place = re.search(r"error at (\d+):(\d+)", str(error))
    if place is None:
        return ConstraintError(f"expected valid SPARQL (got: {error})")
    lines = text.splitlines() or [""]
    line, column = int(place[1]) - lead, int(place[2])
    if not 1 <= line <= len(lines):
        return ConstraintError("expected valid SPARQL (got an end before the pattern is complete)")
    near = lines[line - 1][column - 1 :][:40] or "the end of the line"
    return ConstraintError(f"expected valid SPARQL (got an error in line {line}, column {column}: {near!r})")


def _first_word(text: str) -> str:
    """Give the word that tells the form of a query, after the prologue."""
    prologue = _PROLOGUE.match(text)
    rest = text[prologue.end() if prologue else 0 :]
    kind, token = next(tokens(rest), ("", ""))
    return token.upper() if kind == "word" else ""


def _calls_service(text: str) -> bool:
    """Tell whether a query may hold a SERVICE clause, rather too often than too seldom.

    The parser needs no blank around the word, so `SERVICEex:a {` is such a clause too.
    """
    return any(
        "service" in (token if kind == "word" else token.partition(":")[0]).lower()
        for (kind, token), (_, following) in itertools.pairwise([*tokens(text), ("mark", "")])
        if kind == "word" or (kind == "name" and following == "{")
    )


def _decoded(text: str) -> str:
    r"""Resolve \uXXXX, behind which a word could hide, even where one escape hides another."""
    while (plain := _ESCAPED.sub(_character, text)) != text:
        text = plain
    return text


def _character(match: re.Match[str]) -> str:
    """Give the character of an escape; a number too large for one stands for nothing."""
    number = int(match[1] or match[2], 16)
    return chr(number) if number <= sys.maxunicode else ""


def _unknown_prefix(text: str, declared: set[str]) -> ConstraintError:
    """Name the prefix that nobody declared, and those that can be used."""
    for (_, word), (kind, name) in itertools.pairwise(tokens(text)):
        if word.upper() == "PREFIX" and kind == "name":
            declared.add(name.partition(":")[0])
    for kind, token in tokens(text):
        prefix = token.partition(":")[0]
        if kind == "name" and prefix not in declared and prefix != "_":
            names = ", ".join(sorted(declared))
            return ConstraintError(f"expected one of the known prefixes {names} (got {prefix!r} in {token})")
    return ConstraintError("expected known prefixes only (got another one)")
