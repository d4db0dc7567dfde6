"""Build a store from RDF: read, encode, train, embed.

    python -m pipelines.build_kg                               # the demo, and three questions to it
    python -m pipelines.build_kg my.ttl pictures.ttl --out my_store

A stopped build loses nothing: the same command continues. Several processes train one model:

    torchrun --nproc-per-node 2 -m pipelines.build_kg my.ttl pictures.ttl --out my_store
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.building.build import DEMO_STORE, build, cache_folder
from pipelines.flags import key_value, number
from pipelines.settings import Settings
from pipelines.store.object_storage import place

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.store.store import Store


def parser() -> argparse.ArgumentParser:
    """The command line; every field of Settings is a flag."""
    out = argparse.ArgumentParser(prog="python -m pipelines.build_kg", description="Build a store from RDF.")
    out.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="RDF files, folders, endpoints; none: the demo"
    )
    out.add_argument("--out", type=place, help=f"folder of the store (the demo's is {DEMO_STORE})")
    out.add_argument("--media-root", type=place, help="folder that media must lie in (default: the input's)")
    out.add_argument("--device", default="auto", help="cpu, cuda or auto")
    out.add_argument(
        "--engine",
        default="local",
        help="who encodes: local, or ray for the workers of a Ray cluster ($RAY_ADDRESS, else started here)",
    )
    out.add_argument("--lenient", action="store_true", help="skip and count malformed statements")
    out.add_argument("--allow-remote", action="store_true", help="allow endpoints and remote media")
    out.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="FILE.rq",
        help="SPARQL CONSTRUCT file; repeat for more",
    )
    out.add_argument(
        "--shapes", action="append", default=[], metavar="FILE", help="SHACL shapes to check; repeat for more"
    )
    strict = "no store from contradictions, violated shapes, hierarchies that go round or losses that are NaN"
    out.add_argument("--strict", action="store_true", help=strict)
    for flag, text in (
        ("accept", "a reviewed file of proposals that are facts now; repeat for more"),
        ("reject", "a reviewed file of proposals that are none; repeat for more"),
    ):
        out.add_argument(f"--{flag}", type=Path, action="append", default=[], metavar="FILE", help=text)
    for setting in fields(Settings):
        flag, text = "--" + setting.name.replace("_", "-"), setting.metadata["help"]
        if setting.default is MISSING:
            out.add_argument(flag, action="append", default=[], metavar="KEY=VALUE", help=text)
        elif setting.metadata.get("repeat"):
            out.add_argument(flag, action="append", default=[], metavar="IRI", help=text)
        elif isinstance(setting.default, bool):
            out.add_argument(flag, action=argparse.BooleanOptionalAction, default=setting.default, help=text)
        elif isinstance(setting.default, tuple):
            out.add_argument(flag, default=",".join(setting.default), metavar="A,B", help=text)
        elif setting.default == "":
            out.add_argument(flag, default="", metavar="IRI", help=text)
        else:
            kind = type(setting.default)
            out.add_argument(flag, type=kind, default=setting.default, help=f"{text} ({setting.default})")
    return out


def settings_of(flags: argparse.Namespace) -> Settings:
    """The settings that the flags name.

    Raises:
        ValueError: if a KEY=VALUE is malformed or a value out of range.
    """
    values: dict[str, Any] = {item.name: getattr(flags, item.name) for item in fields(Settings)}
    values["languages"] = tuple(tag for tag in values["languages"].split(",") if tag)
    values |= {name: tuple(values[name]) for name in ("target", "hierarchy")}
    values["log"] = tuple(name for name in values["log"].split(",") if name)
    values["encoder"] = dict(key_value(pair, "--encoder") for pair in values["encoder"])
    priors = [key_value(pair, "--prior") for pair in values["prior"]]
    values["prior"] = {iri: number(text, "--prior") for iri, text in priors}
    return Settings(**values)


def disk_sentence(error: OSError, out: str | Path) -> str:
    """Say what the disk said."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        where = error.filename or f"{Path(out).absolute().parent} or {cache_folder()}"
        return f"expected room on the disk of {where} (it is full): make some; the same command continues"
    where = error.filename or out
    return f"expected to read the inputs and to write {out} (got {error.strerror or error}: {where})"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, print."""
    flags = parser().parse_args(argv)
    from rich.console import Console

    if flags.inputs and flags.out is None:
        print("error: expected --out DIR beside the inputs: where should the store lie?", file=sys.stderr)
        return 2
    out = flags.out or DEMO_STORE
    try:
        from pipelines.report import bars
        from pipelines.training.processes import leads, together

        with together(), bars(screen := Console(quiet=not leads())) as progress:
            store = build(
                flags.inputs,
                out,
                settings=settings_of(flags),
                media_root=flags.media_root,
                device=flags.device,
                lenient=flags.lenient,
                allow_remote=flags.allow_remote,
                rules=flags.rules,
                shapes=flags.shapes,
                strict=flags.strict,
                progress=progress,
                accept=flags.accept,
                reject=flags.reject,
                engine=flags.engine,
            )
            if not leads():
                return 0
    except (ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {disk_sentence(error, out)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is lost: the same command continues", file=sys.stderr)
        return 130
    _show(store, out, screen)
    if not flags.inputs and out == DEMO_STORE:
        from pipelines import demo

        return demo.main([])
    return 0


def _show(store: Store, out: str | Path, screen: Console) -> None:
    """Print what was built, and what a person should know of it."""
    from pipelines.building.following import told
    from pipelines.report import build_table, left_out

    screen.print(build_table(store.manifest, store.metrics, str(out)))
    for one in store.manifest["targets"]:
        for sentence in one["sentences"]:
            print(sentence, file=sys.stderr)
    for sentence in [*store.manifest["notes"], *told(store.findings)]:
        print(sentence, file=sys.stderr)
    for sentence in left_out(store.manifest, store.observed):
        print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
