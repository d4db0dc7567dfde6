"""stamps.ttl: fetched and written once, written again when the recipe has changed."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from data.stamps import fetch
from data.stamps.convert import read_links, turtle
from data.stamps.items import read_items
from data.stamps.wordnet import WordNet

HERE = Path(__file__).parent
LINKS = HERE / "links.tsv"
INGREDIENTS = ("convert.py", "items.py", "links.tsv", "wordnet.py")


def default_cache() -> Path:
    """`$SENSEGRAPH_CACHE/stamps`, else `.cache/stamps` at the root of the repository."""
    root = os.environ.get("SENSEGRAPH_CACHE")
    return (Path(root) if root else HERE.parents[1] / ".cache") / "stamps"


def stamps_ttl(cache: Path | None = None, say: Callable[[str], None] | None = None) -> Path:
    """The demo's Turtle file, ready beside its `media/`; made if it is missing or outdated.

    `say` gets a line before each long step; by default it goes to stderr.

    Raises:
        FetchError: if the packages are not there and cannot be fetched.
    """
    cache = default_cache() if cache is None else cache
    say = _to_stderr if say is None else say
    file = cache / "stamps.ttl"
    stamp = f"# Sensegraph's STAMPS demo, recipe {_fingerprint()}\n"
    if (cache / fetch.STAMPS.folder).is_dir() and _first_line(file) == stamp:
        return file
    media = fetch.fetch(fetch.STAMPS, cache, say)
    wordnet = WordNet(fetch.fetch(fetch.WORDNET, cache, say))
    say(f"demo data: writing {file}")
    text = "".join(chain([stamp], turtle(read_items(media), read_links(LINKS), wordnet)))
    _write(file, text)
    return file


def _fingerprint() -> str:
    """A hash of all that decides the file's content, apart from the packages."""
    content = b"\0".join((HERE / name).read_bytes() for name in INGREDIENTS)
    return hashlib.sha256(content).hexdigest()[:16]


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline()
    except FileNotFoundError:
        return ""


def _write(file: Path, text: str) -> None:
    """Beside and renamed, so that nobody ever reads half a file."""
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=file.parent) as scratch:
        whole = Path(scratch) / file.name
        whole.write_text(text, encoding="utf-8", newline="\n")
        whole.replace(file)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
