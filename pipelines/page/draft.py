"""A question as it stands on the page, and the address that holds it, so that nothing is lost by a reload.

An address may come from anywhere: what it says is checked, and a token is never in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from pipelines.page.pattern import Literal, Picked

LONGEST = 10_000
"""Characters of a question's text, as the service takes it."""
SHOWN, MOST_SHOWN = 12, 96
"""Hits at first, and at most."""
MOST_PICKED = 12
"""Conditions of one question."""
_LONGEST_IRI = 2_000
WRONG = "expected an address as this page writes it (got another: the question starts anew)"


@dataclass(frozen=True)
class Draft:
    """What is asked.

    Args:
        text: words.
        like: IRI of an entity to be like.
        picture: number of a picture that this page was given; None for none.
        sound: number of a sound.
        kind: IRI of the class that may answer.
        picked: conditions on what may answer.
        weights: how much senses count, where it is not as usual.
        priors: how much relations count, where it is not as the store was built.
        k: hits wanted.
    """

    text: str = ""
    like: str | None = None
    picture: int | None = None
    sound: int | None = None
    kind: str | None = None
    picked: tuple[Picked, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    priors: Mapping[str, float] = field(default_factory=dict)
    k: int = SHOWN

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing; a constraint alone is no question."""
        return not self.text.strip() and self.like is None and self.picture is None and self.sound is None

    def address(self) -> str:
        """The query of the address that holds it; empty for a question that says nothing."""
        said: dict[str, Any] = {"text": self.text[:_LONGEST_IRI]} if self.text else {}
        for name in ("like", "picture", "sound", "kind"):
            if (value := getattr(self, name)) is not None:
                said[name] = value
        if self.picked:
            said["only"] = _packed([_without_defaults(one) for one in self.picked])
        for name in ("weights", "priors"):
            if value := getattr(self, name):
                said[name] = _packed(dict(value))
        if self.k != SHOWN:
            said["k"] = self.k
        return urlencode(said)

    def without(self, place: int) -> Draft:
        """The same without one of its conditions."""
        return replace(self, picked=tuple(one for at, one in enumerate(self.picked) if at != place))


def draft_of(said: Mapping[str, str]) -> Draft:
    """The question that the parameters of an address hold.

    Raises:
        ValueError: it is none that `Draft.address` writes.
    """
    try:
        return Draft(
            text=_short(said.get("text", ""), LONGEST),
            like=_optional(said.get("like")),
            picture=_number(said.get("picture")),
            sound=_number(said.get("sound")),
            kind=_optional(said.get("kind")),
            picked=tuple(_picked(one) for one in _list(said.get("only", "[]"))),
            weights=_shares(said.get("weights", "{}"), most=1000.0),
            priors=_shares(said.get("priors", "{}"), most=1.0),
            k=min(MOST_SHOWN, max(1, int(said.get("k", SHOWN)))),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError(WRONG) from None


def _packed(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _without_defaults(one: Picked) -> dict[str, Any]:
    plain = asdict(one)
    return {name: value for name, value in plain.items() if value != getattr(Picked, name, None)}


def _picked(said: Any) -> Picked:
    value = said.get("value")
    if isinstance(value, dict):
        value = Literal(**{name: _optional(part) for name, part in value.items()})  # type: ignore[arg-type]
    kinds = {"below": bool, "wanted": bool, "least": (int, float), "most": (int, float)}
    for name, kind in kinds.items():
        if said.get(name) is not None and not isinstance(said[name], kind):  # type: ignore[arg-type]
            raise TypeError(name)
    more = {name: said[name] for name in kinds if name in said}
    relation = said["relation"]
    parts: Sequence[Any] = (relation, value.value if isinstance(value, Literal) else value or "")
    if set(said) - {"relation", "value", *kinds} or not relation:
        raise KeyError("relation")
    for part in parts:
        _short(part, _LONGEST_IRI)
    return Picked(relation, value, **more)


def _list(text: str) -> Iterable[Any]:
    found = json.loads(text)
    if not isinstance(found, list) or len(found) > MOST_PICKED:
        raise TypeError("only")
    return found


def _shares(text: str, *, most: float) -> dict[str, float]:
    found = json.loads(text)
    for name, value in found.items():
        if isinstance(value, bool) or not 0 <= float(value) <= most or len(name) > _LONGEST_IRI:
            raise ValueError(name)
    return {name: float(value) for name, value in found.items()}


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _optional(text: str | None) -> str | None:
    return None if text is None else _short(text, _LONGEST_IRI)


def _short(text: Any, longest: int) -> str:
    if not isinstance(text, str) or len(text) > longest:
        raise ValueError("a text")
    return text
