"""The user's own rules: SPARQL CONSTRUCT files, each with a name and how sure its conclusions are.

    # name: uncle
    # confidence: 0.8
    CONSTRUCT { ?x ex:uncle ?z } WHERE { ?x ex:parent ?y . ?y ex:brother ?z }

Rules see all graphs as one and never reach the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from kg.closure import PROFILES, ReasoningError
from kg.inferred import checked_confidence
from kg.sparql_text import checked_construct, explained_syntax
from kg.vocabulary import PREFIXES

_COMMENT = re.compile(r"\s*#\s*(?:(name|confidence)\s*:)?\s*(.*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """A CONSTRUCT query, its name, and how sure its conclusions are, in (0, 1]."""

    name: str
    confidence: float
    text: str

    def as_json(self) -> dict[str, Any]:
        """The rule as plain JSON values."""
        return asdict(self)


def read_rules(paths: Sequence[str | Path]) -> tuple[Rule, ...]:
    """Read rule files; without a comment at its head a rule has its file's name and the confidence 1.

    Raises:
        ReasoningError: A file is not there or no CONSTRUCT, a confidence is not in (0, 1], a name is taken.
    """
    rules: dict[str, Rule] = {}
    for path in map(Path, paths):
        rule = _read(path)
        if rule.name in rules or rule.name in PROFILES:
            raise ReasoningError(
                f"{path}: expected a name of its own for each rule (got {rule.name!r} again)"
            )
        rules[rule.name] = rule
    return tuple(rules.values())


def constructed(store: ox.Store, rule: Rule, prefixes: Mapping[str, str]) -> Iterator[ox.Triple]:
    """Run a rule once over the facts.

    Raises:
        ReasoningError: It is malformed, or makes up blank nodes, which would be new ones each time.
    """
    try:
        found = store.query(rule.text, prefixes=dict(prefixes), use_default_graph_as_union=True)
        assert isinstance(found, ox.QueryTriples)
        for triple in found:
            if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
                raise ReasoningError(
                    f"rule {rule.name}: expected conclusions about what is there (got a blank node, which "
                    "would be a new one in each round, without end): name it by IRI(CONCAT(...))"
                )
            if not isinstance(triple.object, ox.Triple):
                yield triple
    except SyntaxError as error:
        raise ReasoningError(f"rule {rule.name}: {explained_syntax(error, rule.text, prefixes)}") from error
    except (RuntimeError, OSError) as error:
        raise ReasoningError(f"rule {rule.name}: expected a query that can be run (got: {error})") from error


def _read(path: Path) -> Rule:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8"
        raise ReasoningError(f"{path}: expected a SPARQL CONSTRUCT file (got: {reason})") from error
    head = dict(_head(text))
    try:
        checked_construct(text)
        confidence = checked_confidence(head.get("confidence", "1"))
    except ValueError as error:
        raise ReasoningError(f"{path}: {error}") from error
    rule = Rule(head.get("name") or path.stem, confidence, text)
    try:  # what is malformed is told before the work; which prefixes the data declares is not known yet
        ox.Store().query(text, prefixes=PREFIXES)
    except SyntaxError as error:
        if "Prefix not found" not in str(error):
            raise ReasoningError(f"{path}: {explained_syntax(error, text, PREFIXES)}") from error
    return rule


def _head(text: str) -> Iterator[tuple[str, str]]:
    """Give what the comments say before the query begins."""
    for line in text.splitlines():
        match = _COMMENT.match(line)
        if match is None and line.strip():
            return
        if match is not None and match[1]:
            yield match[1].lower(), match[2]
