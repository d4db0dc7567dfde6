"""A reader of OBO files (the flat format of HPO, DOID, GO ...): terms, names, synonyms, what is above.

It reads what a graph of findings needs and passes over the rest; obsolete terms are left out. The format:
https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.medicine.turtle import Statement, iri, literal, node

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\w*)')
_BASE = "http://purl.obolibrary.org/obo/"


@dataclass(frozen=True)
class Term:
    """One term; `parents` are the ids of its is_a lines, `synonyms` only the exact ones."""

    id: str
    name: str
    definition: str = ""
    synonyms: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    @property
    def iri(self) -> str:
        """The IRI that the OBO Foundry gives the id: HP:0002090 is .../obo/HP_0002090."""
        return self.id if "://" in self.id else _BASE + self.id.replace(":", "_", 1)


@dataclass(frozen=True)
class Ontology:
    """The terms of one file by id, with its name and version."""

    name: str
    version: str
    terms: dict[str, Term]
    _by_name: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = {name: term.id for term in self.terms.values() for name in map(_key, term.synonyms)}
        names |= {_key(term.name): term.id for term in self.terms.values()}  # a name wins over a synonym
        object.__setattr__(self, "_by_name", names)

    def find(self, name: str) -> Term | None:
        """The term with this id, name or exact synonym; capitals and outer spaces do not count."""
        return self.terms.get(self._by_name.get(_key(name), name.strip()))

    def with_ancestors(self, ids: Iterable[str]) -> list[Term]:
        """These terms and all above them, by id."""
        waiting, found = list(ids), set[str]()
        while waiting:
            current = waiting.pop()
            if current in self.terms and current not in found:
                found.add(current)
                waiting.extend(self.terms[current].parents)
        return [self.terms[current] for current in sorted(found)]

    def turtle(self, ids: Iterable[str]) -> Iterator[str]:
        """These terms and all above them as SKOS concepts: labels, synonyms, definitions, skos:broader."""
        terms = self.with_ancestors(ids)
        kept = {term.id for term in terms}
        scheme = iri(_BASE + self.name)
        label = f"{self.name} {self.version}".strip()
        yield node(scheme, [("a", "skos:ConceptScheme"), ("rdfs:label", literal(label))])
        for term in terms:
            facts: list[Statement] = [("a", "skos:Concept"), ("skos:prefLabel", literal(term.name, "en"))]
            others = sorted(set(term.synonyms) - {term.name})
            facts += [("skos:altLabel", literal(other, "en")) for other in others]
            if term.definition:
                facts.append(("skos:definition", literal(term.definition, "en")))
            above = [self.terms[parent].iri for parent in term.parents if parent in kept]
            facts += [("skos:broader", iri(parent)) for parent in above]
            yield node(iri(term.iri), [*facts, ("skos:inScheme", scheme)])


def read_obo(file: Path) -> Ontology:
    """Read an OBO file.

    Raises:
        ValueError: the file holds no term.
        OSError: it cannot be read.
    """
    stanzas = _stanzas(file.read_text(encoding="utf-8", errors="replace"))
    _, header = next(stanzas)
    terms = [_term(tags) for kind, tags in stanzas if kind == "Term" and tags.get("is_obsolete") != ["true"]]
    if not any(term.id for term in terms):
        raise ValueError(f"expected an OBO file with [Term] stanzas (got {file.name} without any)")
    name, version = (header.get(tag, [""])[0] for tag in ("ontology", "data-version"))
    return Ontology(
        name.removesuffix(".obo") or file.stem, version, {term.id: term for term in terms if term.id}
    )


def _stanzas(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Kind and tags of each stanza; the header comes first, with no kind."""
    kind, tags = "", dict[str, list[str]]()
    for line in text.splitlines():
        if line.startswith("["):
            yield kind, tags
            kind, tags = line.strip(" []"), {}
        elif ": " in line:
            tag, _, value = line.partition(": ")
            tags.setdefault(tag.strip(), []).append(value.strip())
    yield kind, tags


def _term(tags: dict[str, list[str]]) -> Term:
    texts = [match for line in tags.get("synonym", []) if (match := _QUOTED.match(line))]
    definition = _QUOTED.match(tags.get("def", [""])[0])
    return Term(
        id=_bare(tags.get("id", [""])[0]),
        name=tags.get("name", [""])[0],
        definition=_plain(definition[1]) if definition else "",
        synonyms=tuple(_plain(match[1]) for match in texts if match[2] == "EXACT"),
        parents=tuple(_bare(line) for line in tags.get("is_a", [])),
    )


def _bare(value: str) -> str:
    """An id without the comment and the modifiers behind it."""
    return value.partition(" ")[0]


def _plain(text: str) -> str:
    """Escapes resolved; a line break becomes a space."""
    return re.sub(r"\\(.)", lambda match: " " if match[1] in "ntW" else match[1], text).strip()


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
