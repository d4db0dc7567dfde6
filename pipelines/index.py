"""Fill a vector index with a store's vectors, for searches with --index.

python -m pipelines.index --store stores/demo --index vectors.db --constraint "?x schema:audio ?s"
python -m pipelines.index --store stores/demo --index http://milvus:19530
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipelines.store.object_storage import place


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(
        prog="python -m pipelines.index", description="Fill Milvus with a store's vectors."
    )
    out.add_argument("--store", type=place, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument(
        "--index", required=True, metavar="URI", help="a file for Milvus Lite (x.db), or a server's address"
    )
    out.add_argument(
        "--constraint",
        action="append",
        default=[],
        metavar="SPARQL",
        help="a frequent --where, stored with the vectors (repeatable)",
    )
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, fill, print."""
    flags = parser().parse_args(argv)
    from rich.console import Console

    from kg.vocabulary import DEFAULT
    from pipelines.report import bars
    from pipelines.search.milvus_index import fill
    from pipelines.store.store import Store

    try:
        with bars(Console(stderr=True)) as progress:
            count = fill(
                flags.index,
                Store.open(flags.store),
                DEFAULT,
                flags.constraint,
                lambda done, total: progress("index", done, total),
            )
    except (ValueError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: fill it again before it is used", file=sys.stderr)
        return 130
    print(f"{count:,} vectors at {flags.index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
