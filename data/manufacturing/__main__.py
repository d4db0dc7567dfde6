"""`python -m data.manufacturing FOLDER --out FILE`: tell a folder of runs as RDF."""

import argparse
import sys
from pathlib import Path

from data.manufacturing.recipe import BENCH, FAULTS, machines_ttl


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
    print(f"next: python -m pipelines.build_kg {file} --media-root {flags.folder} --out DIR", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
