"""Change a store without building it anew.

    python -m pipelines.update my_store --add more.ttl
    python -m pipelines.update my_store --remove old.ttl --add corrected.ttl

Whoever reads the store meanwhile keeps it as it was. A stopped update leaves it as it was or as it shall be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.updating.update import Updated

MOST = 5
"""Sentences on what was left out that are shown."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.update", description="Change a store.")
    out.add_argument("store", type=Path, metavar="STORE", help="folder that build_kg left")
    for flag, text in (
        ("add", "statements to bring in"),
        ("remove", "statements to take out, as they stand"),
    ):
        out.add_argument(
            f"--{flag}",
            nargs="+",
            action="extend",
            default=[],
            metavar="FILE",
            help=f"RDF files or folders with {text}",
        )
    out.add_argument("--media-root", type=Path, help="folder that media must lie in (default: the store's)")
    out.add_argument("--device", default="auto", help="cpu, cuda or auto")
    out.add_argument(
        "--lenient",
        action="store_true",
        help="skip and count malformed statements, and statements to be removed that are not there",
    )
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, update, print."""
    flags = parser().parse_args(argv)
    try:  # what is loaded takes a second, in which one may think better of it
        from rich.console import Console

        from pipelines.build_kg import disk_sentence
        from pipelines.report import bars
        from pipelines.updating.update import update

        screen = Console(stderr=False)
        with bars(screen) as progress:
            done = update(
                flags.store,
                flags.add,
                flags.remove,
                media_root=flags.media_root,
                device=flags.device,
                lenient=flags.lenient,
                progress=progress,
            )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {disk_sentence(error, flags.store)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the store is as it was", file=sys.stderr)
        return 130
    counts = done.store.manifest["counts"]
    for line in done.sentences():
        screen.print(line, highlight=False, markup=False, soft_wrap=True)
    seconds = "  ".join(f"{stage} {time:.1f}" for stage, time in done.seconds.items())
    screen.print(
        f"{flags.store}: {counts['entities']:,} entities, {counts['triples']:,} triples   seconds: {seconds}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for line in done.left_out[:MOST]:
        print(f"left out: {line}", file=sys.stderr)
    if len(done.left_out) > MOST:
        print(f"left out: {len(done.left_out) - MOST:,} more", file=sys.stderr)
    return 0


class _Callable(ModuleType):
    """`from pipelines import update` names the function, but this module once it was imported."""

    def __call__(self, *args: Any, **named: Any) -> Updated:
        from pipelines.updating.update import update

        return update(*args, **named)


if __name__ == "__main__":
    sys.exit(main())
sys.modules[__name__].__class__ = _Callable
