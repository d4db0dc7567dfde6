"""N-Quads rewritten as text: blank nodes named, reifiers spelt out, what else is new in RDF 1.2 taken out."""

from __future__ import annotations

import re
from collections.abc import Callable

from kg.vocabulary import PREFIXES

BLANK = "urn:sensegraph:blank:"
"""Start of the IRIs that stand for blank nodes."""

# A blank node begins the line, or ends it but for " ." and perhaps the graph's name. A literal that
# looks so is no danger: it would have a quote before the end of the line.
_BLANK = re.compile(rb'^_:[^ ]+|(?<= )_:[^ "]+(?= (?:(?:<[^ "]*>|_:[^ "]+) )?\.$)', flags=re.MULTILINE)
_NODE = rb"(?:<[^<> ]*>|_:[^ ]+)"
# A reifier of one statement without terms nested in it: what an annotation {| ... |} becomes.
_REIFIER = re.compile(
    rb"^(?P<reifier>" + _NODE + rb") <http://www\.w3\.org/1999/02/22-rdf-syntax-ns#reifies> "
    rb"<<\( (?P<subject>" + _NODE + rb") (?P<predicate><[^<> ]*>) (?P<object>(?!<<).+) \)>>(?P<rest>.*)\n",
    flags=re.MULTILINE,
)
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
        return _BLANK.sub(self._name, text)

    def known(self, label: bytes) -> str:
        """Give the IRI of a node that was met: of a blank node the one that it got, else its own."""
        return self._names.get(label, label)[1:-1].decode()

    def _name(self, match: re.Match[bytes]) -> bytes:
        """Give the IRI of a blank node, the same whenever it occurs."""
        label = match.group()
        name = self._names.get(label)
        if name is None:
            self._start = self._start or f"<{BLANK}{self._digest()}:".encode()
            name = self._names[label] = self._start + b"%d>" % len(self._names)
        return name


def reification(text: bytes, found: Callable[[bytes, str], None]) -> bytes:
    """Put what RDF 1.1 has for it in place of each reifier: its subject, predicate and object.

    Args:
        text: Canonical N-Quads.
        found: Called with the term of each reifier and the statement as it stood.
    """

    def spelt_out(match: re.Match[bytes]) -> bytes:
        """Give three statements for one."""
        found(match["reifier"], match.group().decode().strip())
        return b"".join(
            b"%b <%b%b> %b%b\n" % (match["reifier"], PREFIXES["rdf"].encode(), part, match[i], match["rest"])
            for i, part in ((2, b"subject"), (3, b"predicate"), (4, b"object"))
        )

    return _REIFIER.sub(spelt_out, text) if b"#reifies> <<( " in text else text


def without_rdf12(text: bytes, refuse: Callable[[str], None]) -> bytes:
    """Take out statements with triple terms or directions, calling `refuse` with each of them."""

    def refused(match: re.Match[bytes]) -> bytes:
        """Report a statement and leave nothing of it."""
        refuse(match.group().decode().strip())
        return b""

    return _RDF12.sub(refused, text)
