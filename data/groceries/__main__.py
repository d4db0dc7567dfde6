"""`python -m data.groceries FOLDER --out DIR`: write the graph and print where it lies."""

import argparse
import sys
from pathlib import Path

from data.groceries.recipe import write_groceries


def main(arguments: list[str] | None = None) -> int:
    """Parse, write, print."""
    parser = argparse.ArgumentParser(prog="python -m data.groceries", description=__doc__)
    parser.add_argument("folder", type=Path, help="the data set: classes.csv, train.txt, val.txt, pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder for the Turtle files")
    parser.add_argument("--coarse", action="store_true", help="label photos by coarse class, not by product")
    flags = parser.parse_args(arguments)
    try:
        print(write_groceries(flags.folder, flags.out, flags.coarse))
    except (ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
