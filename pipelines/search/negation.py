"""What is not wanted: left out by the facts where they know what it is, else answers are to be unlike it.

"Not a bird" names a kind: all that is a bird by the facts is left out (kg.kinds), and no more is done. "Not
a bird that cannot fly" is the name of nothing, nor is a picture, as a rule: then the likeness to it is taken
from the scores (Scorer.above_usual). One thing that is no kind is left out, and what is like it moves down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.search.explain import plain_words, singulars

_JOINED = re.compile(r"\s*,\s*(?:(?:or|and|nor)\s+)?|\s+(?:or|and|nor)\s+", re.IGNORECASE)
_ANY = re.compile(r"^\s*(?:any|all|every|no)\s+", re.IGNORECASE)


def named(text: str, names: Mapping[str, list[int]]) -> list[int]:
    """All entities that a text is the name of, or those of several names joined by "or", "and" or commas.

    None if a word of it is no part of a name: a bird that cannot fly is not every bird.
    """
    if whole := _called(text, names):
        return whole
    parts = [_called(part, names) for part in _JOINED.split(text)]
    return list(dict.fromkeys(one for part in parts for one in part)) if all(parts) else []


def _called(text: str, names: Mapping[str, list[int]]) -> list[int]:
    """All entities of a name, which may be in the plural."""
    words = plain_words(_ANY.sub("", text))
    spellings = singulars(words)
    if len(spellings) > 1 and spellings[0].endswith("es"):
        spellings += [spellings[0][:-2], spellings[0].removesuffix("ies") + "y"]
    return list(dict.fromkeys(one for spelling in spellings for one in names.get(spelling, ())))
