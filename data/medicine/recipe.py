"""Studies, their notes, numbers and findings as one Turtle file. The pictures stay where they are.

A study's picture is named relative to the folder of studies: build with `--media-root FOLDER`.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from data.medicine.findings import Findings
from data.medicine.obo import Ontology
from data.medicine.studies import Study
from data.medicine.turtle import (
    MEDICINE,
    Statement,
    header,
    iri,
    literal,
    measurement_properties,
    node,
    number,
)

FINDING = "med:finding"
"""From a study to its finding: the target to predict."""

_HPO_CREDIT = (
    "This product uses the Human Phenotype Ontology ({version}). "
    "Find out more at http://www.human-phenotype-ontology.org"
)


def write_studies(file: Path, studies: list[Study], findings: Findings, ontology: Ontology) -> None:
    """Write the graph of the studies and of the ontology's terms that they use.

    Raises:
        OSError: the file cannot be written.
    """
    write(file, "".join(_graph(studies, findings, ontology)))


def write(file: Path, text: str) -> None:
    """Beside and renamed, so that nobody ever reads half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.part")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(file)


def study_node(subject: str, image: str, note: str, numbers: dict[str, float], facts: list[Statement]) -> str:
    """One study: what both the user's studies and the synthetic ones say."""
    statements: list[Statement] = [("a", "med:ImagingStudy"), ("schema:image", literal(image))]
    if note:
        statements.append(("schema:description", literal(note, "en")))
    statements += [(f"med:{name}", number(value)) for name, value in numbers.items()]
    return node(subject, [*statements, *facts])


def classes() -> str:
    """What the class and the target property are called."""
    study = [("a", "rdfs:Class"), ("rdfs:label", literal("imaging study", "en"))]
    finding = [("a", "rdf:Property"), ("rdfs:label", literal("finding", "en"))]
    return node("med:ImagingStudy", study) + node(FINDING, finding)


def _graph(studies: list[Study], findings: Findings, ontology: Ontology) -> Iterator[str]:
    yield header()
    if ontology.name.startswith("hp"):
        yield f"# {_HPO_CREDIT.format(version=ontology.version)}\n"
    yield classes()
    yield measurement_properties(sorted({name for study in studies for name in study.numbers}))
    for study in studies:
        facts: list[Statement] = [("med:patient", _iri("patient", study.patient))]
        if study.sex:
            facts.append(("med:sex", f"schema:{study.sex}"))
        if study.finding:
            facts.append((FINDING, iri(findings.iris[study.finding])))
        yield study_node(_iri("study", study.id), study.image, study.note, study.numbers, facts)
    yield from findings.turtle(ontology)


def _iri(kind: str, key: str) -> str:
    return iri(f"{MEDICINE}{kind}/{quote(key, safe='')}")
