"""`python -m data.manufacturing FOLDER --out FILE`: tell a folder of runs as RDF."""

import argparse
import sys
from pathlib import Path

from data.manufacturing.recipe import BENCH, FAULTS, machines_ttl
from data.manufacturing.runs import kind_of, read_faults, read_runs


def without_faults(folder: Path, faults: Path) -> str | None:
    """A remark if no run of the folder is one of those that are known to have a fault."""
    stems, known = [run.stem for run in read_runs(folder)], read_faults(faults)
    if any(kind_of(stem, known) for stem in stems):
        return None
    named = ", ".join([run for fault in known for run in fault.runs][:3])
    return (
        f"no run has a fault: {faults.name} names runs such as {named} (got runs such as {stems[0]}): give "
        "the folder in which they lie, or another --faults"
    )


def main() -> int:
    """Parse, make, print."""
    parser = argparse.ArgumentParser(prog="python -m data.manufacturing", description="Tell runs as RDF.")
    parser.add_argument("folder", type=Path, help="folder of CSV files, one a run")
    parser.add_argument("--out", type=Path, required=True, help="the Turtle file to write")
    parser.add_argument("--bench", type=Path, default=BENCH, help="Turtle of the machine and its sensors")
    parser.add_argument("--faults", type=Path, default=FAULTS, help="which runs had which fault, as TSV")
    flags = parser.parse_args()
    try:
        file = machines_ttl(flags.folder, flags.out, bench=flags.bench, faults=flags.faults)
    except (ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(file)
    if (remark := without_faults(flags.folder, flags.faults)) is not None:
        print(remark, file=sys.stderr)
    print(f"next: python -m pipelines.build_kg {file} --media-root {flags.folder} --out DIR", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
