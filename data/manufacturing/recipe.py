"""From a folder of runs to one Turtle file: the machine as described, then the faults, then the runs."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from data.manufacturing.runs import Fault, Run, kind_of, read_faults, read_runs, recordings

HERE = Path(__file__).parent
BENCH, FAULTS = HERE / "bench.ttl", HERE / "faults.tsv"
MACHINES = "https://example.org/machines/"
PREFIXES = {
    "machines": MACHINES,
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sosa": "http://www.w3.org/ns/sosa/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}


def machines_ttl(folder: Path, out: Path, *, bench: Path = BENCH, faults: Path = FAULTS) -> Path:
    """Write the Turtle file of a folder of runs; the same folder gives the same bytes.

    Args:
        folder: Where the CSV files lie; it is the media root of the build.
        out: The file to write.
        bench: Turtle that describes the machine, taken as it is.
        faults: Which runs had which kind of fault.

    Raises:
        ValueError: if a file is not what it should be.
        OSError: if one cannot be read or written.
    """
    text = "".join(turtle(read_runs(folder), read_faults(faults), bench.read_text(encoding="utf-8")))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=out.parent, delete=False) as beside:
        beside.write(text)
    Path(beside.name).chmod(0o644)
    Path(beside.name).replace(out)
    return out


def turtle(runs: Iterable[Run], faults: list[Fault], bench: str) -> Iterator[str]:
    """The whole text, in pieces: the machine, the kinds of fault, the runs."""
    runs = list(runs)
    yield bench
    for prefix, namespace in PREFIXES.items():
        yield f"@prefix {prefix}: <{namespace}> .\n"
    for column in dict.fromkeys(column for run in runs for column in run.sensors):
        yield f"\n{sensor(column)} a sosa:Sensor ; schema:identifier {_literal(column)} .\n"
    yield from map(_fault, faults)
    recording = recordings(runs)
    for run in runs:
        yield _run(run, kind_of(run.stem, faults), recording[run.stem])


def sensor(column: str) -> str:
    """The IRI of a column's sensor: each run of signs other than letters and digits becomes one -."""
    return _iri("sensor/" + re.sub(r"\W+", "-", column.strip()))


def _fault(fault: Fault) -> str:
    return (
        f"\n{_iri('fault/' + fault.kind)} a skos:Concept ; skos:prefLabel {_literal(fault.label)}@en ;\n"
        f"    skos:definition {_literal(fault.sentence)}@en ; machines:of {_iri('part/' + fault.part)} .\n"
    )


def _run(run: Run, kind: str | None, recording: str) -> str:
    made = " , ".join(sensor(column) for column in run.sensors)
    sentence = f"A run of {run.minutes:.0f} minutes with {run.rows:,} readings of {len(run.sensors)} sensors."
    fault = f"    machines:fault {_iri('fault/' + kind)} ;\n" if kind else ""
    return (
        f"\n{_iri('run/' + run.stem)} a schema:Dataset , sosa:ObservationCollection ;\n"
        f"    rdfs:label {_literal('run ' + run.digest)} ; schema:description {_literal(sentence)}@en ;\n"
        f"    sosa:hasFeatureOfInterest {_iri('part/bench')} ; sosa:madeBySensor {made} ;\n{fault}"
        f"    machines:recording {_literal(recording)} ;\n"
        f"    schema:contentUrl {_literal(run.file)} .\n"
    )


def _iri(local: str) -> str:
    return f"<{MACHINES}{quote(local, safe='/-')}>"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
