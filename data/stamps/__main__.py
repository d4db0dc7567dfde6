"""`python -m data.stamps [--cache DIR]`: make the demo data and print where it lies."""

import argparse
import sys
from pathlib import Path

from data.stamps.recipe import stamps_ttl


def main() -> int:
    """Parse, make, print."""
    parser = argparse.ArgumentParser(prog="python -m data.stamps", description="Make the demo data.")
    parser.add_argument("--cache", type=Path, help="folder for packages and stamps.ttl")
    try:
        file = stamps_ttl(parser.parse_args().cache)
    except (ValueError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is half done, a rerun continues", file=sys.stderr)
        return 130
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
