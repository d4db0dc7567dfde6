"""The items of Tux Paint's stamps folder: a picture, a caption in many languages, perhaps a sound.

Knows nothing of RDF or WordNet. Captions come from many hands, so they are cleaned here.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LEFT_OUT = "symbols"  # letters and signs: no things
IMAGES = (".png", ".svg")  # where both are there they show the same, and PNG needs no drawing
SOUNDS = (".ogg", ".wav")  # STEM_desc.ogg and the like are captions read aloud, not sounds
MODIFIERS = {"latin": "Latn", "cyrillic": "Cyrl", "valencia": "valencia"}  # scripts, a variant


@dataclass(frozen=True)
class Item:
    """One stamp."""

    stem: str
    """Path below the stamps folder without suffix, such as `animals/birds/tucan`."""
    image: str
    sound: str | None
    captions: tuple[tuple[str, str], ...]
    """Language tag and text, sorted, one for each language."""

    @property
    def folder(self) -> str:
        """The folder it lies in, such as `animals/birds`."""
        return self.stem.rpartition("/")[0]


def read_items(folder: Path) -> list[Item]:
    """Every item outside `symbols/`, sorted by stem: each image that has a caption file."""
    return sorted(_items(folder), key=lambda item: item.stem)


def _items(folder: Path) -> Iterator[Item]:
    for caption_file in folder.rglob("*.txt"):
        stem = caption_file.relative_to(folder).with_suffix("").as_posix()
        image = _first(folder, stem, IMAGES)
        if image is not None and not stem.startswith(f"{LEFT_OUT}/"):
            captions = read_captions(caption_file.read_bytes())
            yield Item(stem, image, _first(folder, stem, SOUNDS), captions)


def _first(folder: Path, stem: str, suffixes: tuple[str, ...]) -> str | None:
    for suffix in suffixes:
        if (folder / f"{stem}{suffix}").is_file():
            return f"{stem}{suffix}"
    return None


def read_captions(content: bytes) -> tuple[tuple[str, str], ...]:
    """Language tag and caption of each language: the first line is English, then `pt_BR.utf8=...`.

    Lines that are neither are passed over; the first caption of a language counts.
    """
    first, *rest = (_decoded(line) for line in content.removeprefix(BOM_UTF8).split(b"\n"))
    captions = {"en": clean(first)}
    for line in rest:
        match = re.fullmatch(r"\s*([A-Za-z_@]+)\.utf8=(.*)", line)
        if match:
            captions.setdefault(language_tag(match[1]), clean(match[2]))
    return tuple(sorted((tag, caption) for tag, caption in captions.items() if caption))


def _decoded(line: bytes) -> str:
    """UTF-8; a line that is not was typed before its author knew of it."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def clean(caption: str) -> str:
    r"""One line of text: `\t` spelt out, control characters and doubled or outer spaces go.

    Joiners (U+200C, U+200D) stay: Persian and Malayalam need them.
    """
    spelt = caption.replace(r"\t", " ").replace(r"\n", " ").replace("\t", " ")
    printable = re.sub(r"[\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff]", "", spelt)
    return re.sub(r" {2,}", " ", printable).strip()


def language_tag(locale: str) -> str:
    """The BCP 47 tag of a POSIX locale: `pt_BR` is pt-BR, `sr@latin` is sr-Latn."""
    language_and_region, _, modifier = locale.partition("@")
    language, _, region = language_and_region.partition("_")
    subtag = MODIFIERS.get(modifier.lower(), "")
    script = subtag if len(subtag) == 4 else ""
    variant = "" if script else subtag
    return "-".join(part for part in (language.lower(), script, region.upper(), variant) if part)
