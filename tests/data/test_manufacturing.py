"""The recipe of the machines: a made-up folder of runs, the machine as described, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import RDF, RDFS

from data.manufacturing import machines_ttl
from data.manufacturing.recipe import BENCH, FAULTS
from data.manufacturing.runs import kind_of, read_faults, read_runs, recordings

ROOT = Path(__file__).parents[2]
MACHINES = Namespace("https://example.org/machines/")
SCHEMA = Namespace("https://schema.org/")
SOSA = Namespace("http://www.w3.org/ns/sosa/")
SSN = Namespace("http://www.w3.org/ns/ssn/")
QUDT = Namespace("http://qudt.org/schema/qudt/")
RUN = """datetime;Current;Volume Flow RateRMS;anomaly;changepoint
2020-03-09 10:00:00;1.5;32;0;0
2020-03-09 10:00:01;;31;0;0
2020-03-09 10:03:00;1.25;30.5;1;1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("valve1/0", RUN), ("other/12", RUN.replace(";", ",")), ("free/1", RUN)):
        file = tmp_path / "runs" / f"{name}.csv"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "runs"


@pytest.fixture
def graph(folder: Path, tmp_path: Path) -> Graph:
    return Graph().parse(machines_ttl(folder, tmp_path / "out" / "machines.ttl"))


def test_a_run_has_its_file_its_sensors_and_its_kind_of_fault(graph: Graph) -> None:
    run = MACHINES["run/valve1/0"]
    assert (run, RDF.type, SCHEMA.Dataset) in graph
    assert graph.value(run, SCHEMA.contentUrl) == Literal("valve1/0.csv")
    sensors = {MACHINES["sensor/Current"], MACHINES["sensor/Volume-Flow-RateRMS"]}
    assert set(graph.objects(run, SOSA.madeBySensor)) == sensors
    assert graph.value(run, MACHINES.fault) == MACHINES["fault/inlet-valve"]
    assert graph.value(run, MACHINES.recording) == graph.value(MACHINES["run/free/1"], MACHINES.recording)
    assert graph.value(MACHINES["run/other/12"], MACHINES.fault) == MACHINES["fault/cavitation"]


def test_runs_that_hold_the_same_moments_also_at_second_hand_are_of_one_recording(folder: Path) -> None:
    spans = {
        "valve1/0": "10:00 10:03",
        "other/12": "10:02 10:05",
        "free/1": "10:05 10:09",
        "free/2": "10:10 10:20",
    }
    for name, span in spans.items():
        rows = "".join(f"2020-03-09 {moment}:00;1\n" for moment in span.split())
        (folder / f"{name}.csv").write_text(f"datetime;Current\n{rows}")
    (folder / "free" / "3.csv").write_text(RUN.replace("2020", "2021"))
    runs = {run.stem: run for run in read_runs(folder)}
    found = recordings(runs.values())
    first = runs["valve1/0"].digest
    assert found == {
        **dict.fromkeys(("valve1/0", "other/12", "free/1"), first),
        **{stem: runs[stem].digest for stem in ("free/2", "free/3")},
    }


def test_a_run_without_a_known_fault_has_none(graph: Graph) -> None:
    assert (MACHINES["run/free/1"], RDF.type, SCHEMA.Dataset) in graph
    assert graph.value(MACHINES["run/free/1"], MACHINES.fault) is None


def test_the_text_of_a_run_gives_its_fault_away_neither_by_path_nor_by_day(graph: Graph) -> None:
    run = MACHINES["run/valve1/0"]
    description = "A run of 3 minutes with 3 readings of 2 sensors."
    assert graph.value(run, SCHEMA.description) == Literal(description, lang="en")
    words = f"{graph.value(run, RDFS.label)} {description}"
    assert not any(part in words for part in ("valve", "2020", "10:00", "anomaly"))


def test_columns_meet_the_sensors_that_the_machine_describes(graph: Graph) -> None:
    flow = MACHINES["sensor/Volume-Flow-RateRMS"]
    assert graph.value(flow, SCHEMA.identifier) == Literal("Volume Flow RateRMS")
    observed = graph.value(flow, SOSA.observes)
    kinds = "http://qudt.org/vocab/quantitykind/VolumeFlowRate"
    assert graph.value(observed, QUDT.hasQuantityKind) == URIRef(kinds)
    assert graph.value(MACHINES["fault/cavitation"], MACHINES.of) == MACHINES["part/pump"]


def test_every_sensor_of_the_machine_observes_a_property_with_a_unit_of_a_part_of_the_bench() -> None:
    bench = Graph().parse(BENCH)
    sensors = list(bench.subjects(RDF.type, SOSA.Sensor))
    parts = set(bench.objects(MACHINES["part/bench"], SSN.hasSubSystem))
    assert len(sensors) == 8
    for sensor in sensors:
        observed = bench.value(sensor, SOSA.observes)
        assert bench.value(observed, QUDT.hasUnit) is not None
        assert bench.value(observed, SSN.isPropertyOf) in parts
        assert bench.value(sensor, SOSA.isHostedBy) in parts


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    one, two = (machines_ttl(folder, tmp_path / name).read_bytes() for name in ("a.ttl", "b.ttl"))
    assert one == two


def test_a_named_run_counts_before_its_folder() -> None:
    faults = read_faults(FAULTS)
    assert kind_of("valve2/3", faults) == "outlet-valve"
    assert kind_of("other/14", faults) == "heat"
    assert kind_of("other/15", faults) is None
    assert sum(len(fault.runs) for fault in faults) == 16


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected time stamps in the first column .got a column ''"),
        ("Current;Voltage\n1;2\n", "expected time stamps in the first column .got a column 'Current'"),
        ("datetime;anomaly\n2020-03-09;0\n", "expected a sensor and a reading .got 0 and 1."),
        ("datetime;Current\n", "expected a sensor and a reading .got 1 and 0."),
        ("datetime;Current\n2020-03-09;high\n", "csv:2: expected a number in 'Current' .got 'high'."),
        ("datetime;Current\n2020-03-09;1;2\n", "csv:2: expected 2 fields, as in the header .got 3."),
        ("datetime;Current\nyesterday;1\n", "expected a time stamp such as .* .got 'yesterday'."),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        read_runs(tmp_path)


def test_an_empty_folder_and_faults_told_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected CSV files .* \(got none\)"):
        read_runs(tmp_path)
    head, row = "runs\tkind\tlabel\tpart\tsentence\n", "a\tleak\tleak\ttank\tIt leaks.\n"
    for second in (row, "b\tleak\tleak\tpump\tIt leaks.\n", "b\tleak\n"):
        (tmp_path / "faults.tsv").write_text(head + row + second, encoding="utf-8")
        with pytest.raises(ValueError, match=r"faults.tsv:3: expected new runs, kind, label, part, sentence"):
            read_faults(tmp_path / "faults.tsv")


def test_the_command_prints_where_the_file_lies_or_one_sentence(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data.manufacturing"]
    out = tmp_path / "machines.ttl"
    done = subprocess.run(
        [*command, str(folder), "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"{out}\n")
    assert f"--media-root {folder}" in done.stderr
    assert "no run has a fault" not in done.stderr
    above = subprocess.run(
        [*command, str(folder.parent), "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert above.returncode == 0
    assert "no run has a fault: faults.tsv names runs such as valve1, valve2" in above.stderr
    assert "runs/free/1" in above.stderr
    done = subprocess.run(
        [*command, str(tmp_path / "no"), "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: expected CSV files")
