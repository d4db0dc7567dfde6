"""WordNet 3.0 nouns, read from Princeton's `index.noun` and `data.noun` (format: wndb(5WN)).

A synset's number is the byte offset of its line, so lines are read on demand. Knows no RDF.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

POINTERS = {
    "@": "hypernyms",
    "@i": "hypernyms",  # of an instance: Venus is a planet
    "%p": "parts",
    "%m": "members",
    "%s": "substances",
    "#p": "part_of",
    "#m": "member_of",
    "#s": "substance_of",
}


class WordNetError(ValueError):
    """A name that is no noun synset, or files that are not WordNet's."""


@dataclass(frozen=True)
class Synset:
    """One sense: its words, its definition and the offsets of the synsets it points to."""

    name: str
    """First lemma and its sense number, such as `toucan.n.01`: one name for each synset."""
    lemmas: tuple[str, ...]
    definition: str
    hypernyms: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    substances: tuple[int, ...] = ()
    part_of: tuple[int, ...] = ()
    member_of: tuple[int, ...] = ()
    substance_of: tuple[int, ...] = ()


class WordNet:
    """The nouns of one WordNet folder.

    Raises:
        WordNetError: if the folder lacks one of the two files.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("index.noun", "data.noun") if not (folder / name).is_file()]
        if missing:
            raise WordNetError(f"expected {' and '.join(missing)} of WordNet in {folder}")
        self._index_file = folder / "index.noun"
        self._data = (folder / "data.noun").read_bytes()

    @cached_property
    def _senses(self) -> dict[str, tuple[int, ...]]:
        """Offsets of a lemma's synsets, most frequent sense first."""
        senses = {}
        for line in self._index_file.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(" "):  # the licence is indented
                fields = line.split()
                count = int(fields[2])
                senses[fields[0]] = tuple(int(offset) for offset in fields[-count:])
        return senses

    def offset(self, name: str) -> int:
        """The offset of `toucan.n.01`: the lemma, then the number of its sense in index.noun.

        Raises:
            WordNetError: if there is no such lemma or sense.
        """
        match = re.fullmatch(r"(.+)\.n\.(\d+)", name)
        if match is None:
            raise WordNetError(f"expected a noun synset such as toucan.n.01 (got {name!r})")
        senses = self._senses.get(match[1].lower(), ())
        number = int(match[2])
        if not 1 <= number <= len(senses):
            raise WordNetError(f"expected one of the {len(senses)} senses of {match[1]!r} (got {name!r})")
        return senses[number - 1]

    def synset(self, name: str) -> Synset:
        """The synset of a name such as `toucan.n.01`, under any of its lemmas."""
        return self.at(self.offset(name))

    def at(self, offset: int) -> Synset:
        """The synset whose line in data.noun begins at this byte.

        Raises:
            WordNetError: if no line of a synset begins there.
        """
        end = self._data.find(b"\n", offset)
        line = self._data[offset : end if end >= 0 else len(self._data)].decode("utf-8")
        if not line.startswith(f"{offset:08d} "):
            raise WordNetError(f"expected a synset at byte {offset} of data.noun (got {line[:20]!r})")
        facts, _, gloss = line.partition(" | ")
        fields = facts.split()
        num_lemmas = int(fields[3], 16)
        lemmas = tuple(fields[4 : 4 + 2 * num_lemmas : 2])
        return Synset(
            name=self._name(lemmas[0], offset),
            lemmas=lemmas,
            definition=definition(gloss),
            **_pointers(fields[4 + 2 * num_lemmas :]),
        )

    def _name(self, lemma: str, offset: int) -> str:
        number = self._senses[lemma.lower()].index(offset) + 1
        return f"{lemma.lower()}.n.{number:02d}"


def definition(gloss: str) -> str:
    """A gloss without its quoted examples: `a big cat; "he saw a lion"` gives `a big cat`."""
    return re.split(r'[;:,]\s*"', gloss, maxsplit=1)[0].strip().rstrip(";:,")


def _pointers(fields: list[str]) -> dict[str, tuple[int, ...]]:
    """The pointers to nouns, by kind; `fields` begin with their count, then four fields each."""
    found: dict[str, list[int]] = {}
    for place in range(1, 1 + 4 * int(fields[0]), 4):
        symbol, offset, part_of_speech = fields[place : place + 3]
        if symbol in POINTERS and part_of_speech == "n":
            found.setdefault(POINTERS[symbol], []).append(int(offset))
    return {kind: tuple(offsets) for kind, offsets in found.items()}
