"""Rewrite canonical N-Quads text: name its blank nodes, take out what only RDF 1.2 knows.

It works on bytes and knows no RDF library. Canonical means one statement a line, one blank between
terms, IRIs without blanks or quotes, and literals in which quotes and line ends are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BLANK = "urn:sensegraph:blank:"
"""Start of the IRIs that stand for blank nodes."""

# A blank node begins the line, or ends it but for " ." and perhaps the graph's name. A literal that
# looks so is no danger: it would have a quote before the end of the line.
_BLANK = re.compile(rb'^_:[^ ]+|(?<= )_:[^ "]+(?= (?:(?:<[^ "]*>|_:[^ "]+) )?\.$)', flags=re.MULTILINE)
_RDF12 = re.compile(rb'^\S+ \S+ (?:<<|".*"@[A-Za-z0-9-]+--(?:ltr|rtl) ).*\n', flags=re.MULTILINE)


class BlankNames:
    """Names the blank nodes of one source in the order in which they first occur.

    Args:
        digest: Gives a name for the source's content; called only if there are blank nodes.
    """

    def __init__(self, digest: Callable[[], str]) -> None:
        self._digest = digest
        self._names: dict[bytes, bytes] = {}
        self._start = b""

    def applied(self, text: bytes) -> bytes:
        """Put IRIs in place of all blank nodes."""
        return _BLANK.sub(self._name, text) if b"_:" in text else text

    def _name(self, match: re.Match[bytes]) -> bytes:
        """Give the IRI of a blank node, the same whenever it occurs."""
        label = match.group()
        name = self._names.get(label)
        if name is None:
            self._start = self._start or f"<{BLANK}{self._digest()}:".encode()
            name = self._names[label] = self._start + b"%d>" % len(self._names)
        return name


def without_rdf12(text: bytes, refuse: Callable[[str], None]) -> bytes:
    """Take out statements with triple terms or directions, calling `refuse` with each of them."""
    if not (b" <<" in text or b"--ltr " in text or b"--rtl " in text):
        return text

    def refused(match: re.Match[bytes]) -> bytes:
        """Report a statement and leave nothing of it."""
        refuse(match.group().decode().strip())
        return b""

    return _RDF12.sub(refused, text)
