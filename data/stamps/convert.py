"""Stamps, their folders and WordNet's synsets as one Turtle text: sorted, the same bytes each time.

Knows nothing of where the files come from. Full IRIs throughout, so that no name needs escaping.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from data.stamps.items import Item
from data.stamps.wordnet import Synset, WordNet

STAMPS = "https://example.org/stamps/"
FOLDERS = f"{STAMPS}folder/"
SYNSETS = "https://example.org/wordnet/"
PREFIXES = {
    "folder": FOLDERS,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "stamp": STAMPS,
    "wn": SYNSETS,
}
FOLDER_LABELS = {
    "arttools": "art tools",
    "masstransit": "mass transit",
    "naturalforces": "natural forces",
    "newyears": "new year",
    "roadsigns": "road signs",
}
STYLES = ("cartoon", "plastic")  # folders named for how, not for what: `birds/cartoon`
IRI_SAFE = "/!$&'()*+,;=:@~"  # what a path may hold as it is (RFC 3987)

Statement = tuple[str, str]
"""A predicate and an object, both as Turtle writes them."""


def read_links(file: Path) -> dict[str, str]:
    """Stem to synset of a links.tsv.

    Raises:
        ValueError: if a row is not two fields, or names a stem again.
    """
    links: dict[str, str] = {}
    rows = file.read_text(encoding="utf-8").splitlines()[1:]
    for number, row in enumerate(rows, start=2):
        stem, tab, synset = row.partition("\t")
        if not tab or not synset or "\t" in synset or stem in links:
            raise ValueError(f"{file}:{number}: expected a new stem, a tab, a synset (got {row!r})")
        links[stem] = synset
    return links


def turtle(items: Iterable[Item], links: dict[str, str], wordnet: WordNet) -> Iterator[str]:
    """The whole text, in pieces: prefixes, folders, items, synsets.

    Images and sounds are relative to the text's own place: `<media/animals/birds/tucan.png>`.
    Links of items that are not there are passed over: another release may lack a stamp.
    """
    items = list(items)
    for prefix, namespace in PREFIXES.items():
        yield f"@prefix {prefix}: <{namespace}> .\n"
    yield _node(
        _iri(FOLDERS),
        [
            ("a", "skos:ConceptScheme"),
            ("rdfs:label", _literal("Folders of Tux Paint's stamps", "en")),
        ],
    )
    for folder in sorted(_with_parents({item.folder for item in items})):
        yield _node(_iri(FOLDERS, folder), _folder_statements(folder))
    linked = {item.stem: wordnet.offset(links[item.stem]) for item in items if item.stem in links}
    for item in items:
        about = wordnet.at(linked[item.stem]).name if item.stem in linked else None
        yield _node(_iri(STAMPS, item.stem), _item_statements(item, about))
    yield from _synset_nodes(set(linked.values()), wordnet)


def _item_statements(item: Item, about: str | None) -> Iterator[Statement]:
    yield "a", "schema:VisualArtwork"
    for language, caption in item.captions:
        yield "schema:name", _literal(caption, language)
    yield "schema:image", _iri("media/", item.image)
    if item.sound is not None:
        yield "schema:audio", _iri("media/", item.sound)
    if item.folder:
        yield "schema:category", _iri(FOLDERS, item.folder)
    if about is not None:
        yield "schema:about", _iri(SYNSETS, about)


def _folder_statements(folder: str) -> Iterator[Statement]:
    parent = folder.rpartition("/")[0]
    yield "a", "skos:Concept"
    yield "skos:prefLabel", _literal(folder_label(folder), "en")
    if parent:
        yield "skos:broader", _iri(FOLDERS, parent)
    yield "skos:inScheme", _iri(FOLDERS)


def folder_label(folder: str) -> str:
    """The last name in words; a folder named for a style takes its parent's: `cartoon birds`."""
    parent, _, name = folder.rpartition("/")
    if name in STYLES and parent:
        return f"{name} {folder_label(parent)}"
    return FOLDER_LABELS.get(name, name.replace("_", " "))


def _with_parents(folders: Iterable[str]) -> set[str]:
    found = set()
    for folder in folders:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _synset_nodes(linked: set[int], wordnet: WordNet) -> Iterator[str]:
    """The linked synsets, what they are part of or made of, and all their ancestors."""
    wholes: dict[int, set[tuple[str, int]]] = {}  # whole: (predicate, part), from either end
    for offset in linked:
        for whole, predicate, part in _meronymy(offset, wordnet.at(offset)):
            wholes.setdefault(whole, set()).add((predicate, part))
    near = {part for parts in wholes.values() for _, part in parts}
    synsets = _with_ancestors(linked | near | wholes.keys(), wordnet)
    for offset, synset in sorted(synsets.items(), key=lambda entry: entry[1].name):
        statements = list(_synset_statements(synset))
        statements += sorted(
            ("skos:broader", _iri(SYNSETS, synsets[up].name)) for up in set(synset.hypernyms)
        )
        statements += sorted(
            (predicate, _iri(SYNSETS, synsets[part].name)) for predicate, part in wholes.get(offset, ())
        )
        yield _node(_iri(SYNSETS, synset.name), statements)


def _meronymy(offset: int, synset: Synset) -> Iterator[tuple[int, str, int]]:
    """Whole, predicate and part, whichever of the two the synset is."""
    for predicate, parts, wholes in (
        ("schema:hasPart", synset.parts, synset.part_of),
        ("schema:member", synset.members, synset.member_of),
        ("schema:material", synset.substances, synset.substance_of),
    ):
        yield from ((offset, predicate, part) for part in parts)
        yield from ((whole, predicate, offset) for whole in wholes)


def _with_ancestors(offsets: Iterable[int], wordnet: WordNet) -> dict[int, Synset]:
    found: dict[int, Synset] = {}
    waiting = list(offsets)
    while waiting:
        offset = waiting.pop()
        if offset not in found:
            found[offset] = wordnet.at(offset)
            waiting.extend(found[offset].hypernyms)
    return found


def _synset_statements(synset: Synset) -> Iterator[Statement]:
    yield "a", "skos:Concept"
    first, *others = (lemma.replace("_", " ") for lemma in synset.lemmas)
    yield "skos:prefLabel", _literal(first, "en")
    for lemma in sorted(set(others) - {first}):
        yield "skos:altLabel", _literal(lemma, "en")
    if synset.definition:
        yield "skos:definition", _literal(synset.definition, "en")


def _node(subject: str, statements: Iterable[Statement]) -> str:
    lines = " ;\n".join(f"    {predicate} {value}" for predicate, value in statements)
    return f"\n{subject}\n{lines} .\n"


def _iri(namespace: str, local: str = "") -> str:
    return f"<{namespace}{quote(local, safe=IRI_SAFE)}>"


def _literal(text: str, language: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"@{language}'
