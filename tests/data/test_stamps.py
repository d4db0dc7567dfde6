"""The demo set: its table of links, the WordNet reader, the converter, and the recipe's manners."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import RDF, SKOS

from data.stamps import stamps_ttl
from data.stamps.convert import folder_label, read_links, turtle
from data.stamps.fetch import FetchError
from data.stamps.items import clean, language_tag, read_captions, read_items
from data.stamps.recipe import LINKS, default_cache
from data.stamps.wordnet import WordNet, WordNetError, definition

SCHEMA = Namespace("https://schema.org/")
STAMP = Namespace("https://example.org/stamps/")
FOLDER = Namespace("https://example.org/stamps/folder/")
WN = Namespace("https://example.org/wordnet/")

REAL = default_cache()
ROOT = Path(__file__).parents[2]
real_data = [
    pytest.mark.stamps,
    pytest.mark.skipif(
        not all((REAL / name).is_dir() for name in ("media", "wordnet")),
        reason="the demo data is not there",
    ),
]

# id: lemmas, pointers, gloss; offsets are filled in by `wordnet_folder`
SYNSETS = {
    "thing": (["thing"], [], "whatever is"),
    "vehicle": (["vehicle"], [("@", "thing")], "a conveyance"),
    "car": (
        ["car", "motor_car"],
        [("@", "vehicle"), ("%p", "wheel"), ("~", "beetle")],
        'a vehicle with four wheels; takes "petrol"; "he needs a car"',
    ),
    "wheel": (["wheel"], [("@", "thing"), ("#p", "car")], "a circular frame"),
    "carriage": (["Car"], [("@", "vehicle")], "a railway car"),
    "beetle": (["Beetle"], [("@i", "car"), ("#m", "marque"), ("#s", "steel")], "a small car"),
    "marque": (["marque"], [("@", "thing")], "a make of car"),
    "steel": (["steel"], [("@", "thing")], "a metal"),
    "far": (["far"], [("@", "thing")], "of no account here"),
}
SENSES = {"car": ["car", "carriage"], "motor_car": ["car"]}


def write_wordnet(folder: Path) -> Path:
    """A WordNet of nine synsets in the real layout: offsets are bytes, the licence is indented."""
    licence = "  1 This software and database is being provided to you\n"

    def line(key: str, offsets: dict[str, int]) -> str:
        lemmas, pointers, gloss = SYNSETS[key]
        words = " ".join(f"{lemma} 0" for lemma in lemmas)
        links = "".join(f" {symbol} {offsets[to]:08d} n 0000" for symbol, to in pointers)
        facts = f"{offsets[key]:08d} 06 n {len(lemmas):02x} {words} {len(pointers):03d}{links}"
        return f"{facts} | {gloss}  \n"

    offsets = dict.fromkeys(SYNSETS, 0)
    place = len(licence)
    for key in SYNSETS:
        offsets[key], place = place, place + len(line(key, offsets))
    folder.mkdir(parents=True)
    data = licence + "".join(line(key, offsets) for key in SYNSETS)
    (folder / "data.noun").write_text(data, encoding="utf-8")
    senses = {key.lower(): [key] for key in SYNSETS} | SENSES
    rows = [
        f"{lemma} n {len(keys)} 0 {len(keys)} 0 " + " ".join(f"{offsets[key]:08d}" for key in keys)
        for lemma, keys in sorted(senses.items())
        if lemma != "carriage"
    ]
    (folder / "index.noun").write_text(licence + "  \n".join(rows) + "  \n", encoding="utf-8")
    return folder


def write_stamps(folder: Path) -> Path:
    """Four items (PNG, PNG and SVG, SVG with a sound, nested) and five things that are none."""
    files = {
        "cars/beetle.png": b"png",
        "cars/beetle.svg": b"svg",
        "cars/beetle.txt": b'\xef\xbb\xbfA "Beetle".\nde.utf8=\\tEin K\xc3\xa4fer \n'
        b"sr@latin.utf8=Buba\xc2\x93\npt_BR.utf8=\nde.utf8=Noch einer\nnonsense\n",
        "cars/car.svg": b"svg",
        "cars/car.txt": b"Back\\slash car\r\nfr.utf8=Une voiture",
        "cars/car.ogg": b"brumm",
        "cars/car_desc.ogg": b"a voice",
        "cars/car_mirror.png": b"no caption",
        "cars/cartoon/old.png": b"png",
        "cars/cartoon/old.txt": b"caf\xe9\n",  # Latin 1
        "plain.png": b"png",
        "plain.txt": b"Nothing known.\n",
        "cars/ghost.txt": b"A caption without an image.\n",
        "symbols/a.png": b"png",
        "symbols/a.txt": b"The letter a.\n",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def wordnet(tmp_path: Path) -> WordNet:
    return WordNet(write_wordnet(tmp_path / "wordnet"))


@pytest.fixture
def graph(tmp_path: Path, wordnet: WordNet) -> Graph:
    items = read_items(write_stamps(tmp_path / "media"))
    links = {
        "cars/beetle": "beetle.n.01",
        "cars/car": "car.n.01",
        "cars/cartoon/old": "motor_car.n.01",
        "cars/gone": "car.n.01",
    }
    text = "".join(turtle(items, links, wordnet))
    return Graph().parse(data=text, format="turtle", publicID="file:///demo/stamps.ttl")


def test_links_are_sorted_unique_and_enough() -> None:
    header, *rows = LINKS.read_text(encoding="utf-8").splitlines()
    stems = [row.split("\t")[0] for row in rows]
    assert header == "stem\tsynset"
    assert all(re.fullmatch(r"[\w./-]+\t[\w.'-]+\.n\.\d\d", row, re.ASCII) for row in rows)
    assert stems == sorted(set(stems))
    assert len(stems) >= 660


def test_a_broken_row_of_links_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "links.tsv"
    file.write_text("stem\tsynset\na\tcar.n.01\na\tcar.n.02\n")
    with pytest.raises(ValueError, match=r"links\.tsv:3: expected a new stem, a tab, a synset"):
        read_links(file)


def test_a_sense_is_counted_in_the_order_of_the_index(wordnet: WordNet) -> None:
    assert wordnet.synset("car.n.01").lemmas == ("car", "motor_car")
    assert wordnet.synset("car.n.02").definition == "a railway car"


def test_a_synset_has_one_name_whatever_lemma_leads_to_it(wordnet: WordNet) -> None:
    assert wordnet.synset("motor_car.n.01").name == "car.n.01"


def test_pointers_lead_to_hypernyms_of_classes_and_instances(wordnet: WordNet) -> None:
    car, beetle = wordnet.synset("car.n.01"), wordnet.synset("beetle.n.01")
    assert car.hypernyms == (wordnet.offset("vehicle.n.01"),)
    assert beetle.hypernyms == (wordnet.offset("car.n.01"),)
    assert car.parts == (wordnet.offset("wheel.n.01"),)
    assert wordnet.synset("wheel.n.01").part_of == (wordnet.offset("car.n.01"),)
    assert beetle.member_of == (wordnet.offset("marque.n.01"),)
    assert beetle.substance_of == (wordnet.offset("steel.n.01"),)


@pytest.mark.parametrize(
    ("gloss", "expected"),
    [
        ('a big cat; "he saw a lion"; "two"', "a big cat"),
        ("female of cattle: \"`moo-cow' is a child's term\"", "female of cattle"),
        ('the word "cat" as such', 'the word "cat" as such'),
        ("plain  ", "plain"),
    ],
)
def test_a_definition_is_the_gloss_without_its_examples(gloss: str, expected: str) -> None:
    assert definition(gloss) == expected


@pytest.mark.parametrize("name", ["car.n.03", "car.n.00", "boat.n.01"])
def test_an_unknown_sense_is_refused(wordnet: WordNet, name: str) -> None:
    with pytest.raises(WordNetError, match=r"expected one of the \d senses"):
        wordnet.offset(name)


def test_a_name_that_is_no_synset_is_refused(wordnet: WordNet) -> None:
    with pytest.raises(WordNetError, match=r"such as toucan\.n\.01 \(got 'car'\)"):
        wordnet.offset("car")
    with pytest.raises(WordNetError, match=r"expected a synset at byte 3"):
        wordnet.at(3)


def test_a_folder_without_wordnet_is_named(tmp_path: Path) -> None:
    with pytest.raises(WordNetError, match=r"expected index\.noun and data\.noun"):
        WordNet(tmp_path)


@pytest.mark.parametrize(
    ("locale", "tag"),
    [
        ("de", "de"),
        ("pt_BR", "pt-BR"),
        ("sr@latin", "sr-Latn"),
        ("ca@valencia", "ca-valencia"),
        ("zh_TW", "zh-TW"),
        ("de@euro", "de"),
    ],
)
def test_a_locale_becomes_a_bcp_47_tag(locale: str, tag: str) -> None:
    assert language_tag(locale) == tag


def test_captions_survive_what_people_typed() -> None:
    assert clean("\ufeff\\tA \x93 b  c\u200d \r") == "A b c\u200d"
    content = b"\xef\xbb\xbfOne.\r\nde.utf8=Eins. \nde.utf8=Zwei.\nfr.utf8=\nsome other line\n"
    assert read_captions(content) == (("de", "Eins."), ("en", "One."))
    mixed = b"caf\xe9\nde.utf8=K\xc3\xa4fer"  # one line in Latin 1 spoils no other
    assert read_captions(mixed) == (("de", "K\u00e4fer"), ("en", "caf\u00e9"))
    assert read_captions(b"") == ()


def test_items_are_images_with_a_caption_outside_symbols(tmp_path: Path) -> None:
    items = read_items(write_stamps(tmp_path))
    assert [(item.stem, item.image, item.sound) for item in items] == [
        ("cars/beetle", "cars/beetle.png", None),
        ("cars/car", "cars/car.svg", "cars/car.ogg"),
        ("cars/cartoon/old", "cars/cartoon/old.png", None),
        ("plain", "plain.png", None),
    ]


def test_a_style_folder_takes_its_parents_name() -> None:
    assert folder_label("animals/birds/cartoon") == "cartoon birds"
    assert folder_label("people/body_parts") == "body parts"
    assert folder_label("town/roadsigns") == "road signs"


def test_items_have_captions_media_folder_and_synset(graph: Graph) -> None:
    beetle = STAMP["cars/beetle"]
    assert set(graph.predicate_objects(beetle)) == {
        (RDF.type, SCHEMA.VisualArtwork),
        (SCHEMA.name, Literal('A "Beetle".', lang="en")),
        (SCHEMA.name, Literal("Ein K\u00e4fer", lang="de")),
        (SCHEMA.name, Literal("Buba", lang="sr-Latn")),
        (SCHEMA.image, URIRef("file:///demo/media/cars/beetle.png")),
        (SCHEMA.category, FOLDER["cars"]),
        (SCHEMA.about, WN["beetle.n.01"]),
    }
    car = STAMP["cars/car"]
    assert graph.value(car, SCHEMA.audio) == URIRef("file:///demo/media/cars/car.ogg")
    assert Literal("Back\\slash car", lang="en") in set(graph.objects(car, SCHEMA.name))
    assert graph.value(STAMP["cars/cartoon/old"], SCHEMA.about) == WN["car.n.01"]


def test_an_item_without_a_link_or_a_folder_has_neither(graph: Graph) -> None:
    assert set(graph.predicates(STAMP["plain"])) == {RDF.type, SCHEMA.name, SCHEMA.image}


def test_the_graph_has_the_triples_counted_by_hand(graph: Graph) -> None:
    counts = {p: len(set(graph.triples((None, p, None)))) for p in set(graph.predicates())}
    # 4 items; folders cars, cars/cartoon; thing, vehicle, car, wheel, beetle, marque, steel
    assert counts[RDF.type] == 4 + 1 + 2 + 7
    assert counts[SCHEMA.name] == 3 + 2 + 1 + 1
    assert counts[SCHEMA.image] == 4
    assert counts[SCHEMA.audio] == 1
    assert counts[SCHEMA.category] == 3
    assert counts[SCHEMA.about] == 3
    assert counts[SKOS.inScheme] == 2
    assert counts[SKOS.prefLabel] == 2 + 7
    assert counts[SKOS.altLabel] == 1
    assert counts[SKOS.definition] == 7
    assert counts[SKOS.broader] == 1 + 6
    assert len(graph) == 14 + 7 + 4 + 1 + 3 + 3 + 2 + 9 + 1 + 7 + 7 + 3 + 1


def test_part_relations_run_from_the_whole_to_the_part(graph: Graph) -> None:
    assert set(graph.subject_objects(SCHEMA.hasPart)) == {(WN["car.n.01"], WN["wheel.n.01"])}
    assert set(graph.subject_objects(SCHEMA.member)) == {(WN["marque.n.01"], WN["beetle.n.01"])}
    assert set(graph.subject_objects(SCHEMA.material)) == {(WN["steel.n.01"], WN["beetle.n.01"])}


def fake_tools(folder: Path, apt: str = 'echo x >> "$CALLS"; : > "$2_1_all.deb"') -> Path:
    """An apt-get that counts its calls, and a dpkg-deb that unpacks the little stamps above."""
    folder.mkdir()
    packed = folder / "packed"
    write_stamps(packed / "usr/share/tuxpaint/stamps")
    write_wordnet(packed / "usr/share/wordnet")
    licence = packed / "usr/share/doc/wordnet-base/copyright"
    licence.parent.mkdir(parents=True)
    licence.write_text("free")
    scripts = {"apt-get": f"shift; {apt}", "dpkg-deb": f'cp -r "{packed}" "$3"'}
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)
    return folder


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the fake tools first on the path, and the little links in the place of the real ones."""
    log = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(log))
    tools = fake_tools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    links = tmp_path / "links.tsv"
    links.write_text("stem\tsynset\ncars/car\tcar.n.01\n")
    monkeypatch.setattr("data.stamps.recipe.LINKS", links)
    return log


def test_the_second_call_fetches_and_writes_nothing(tmp_path: Path, calls: Path) -> None:
    said: list[str] = []
    file = stamps_ttl(tmp_path / "cache", said.append)
    assert len(calls.read_text().split()) == 2  # one call a package
    assert len(said) == 3
    written = file.stat().st_mtime_ns
    assert stamps_ttl(tmp_path / "cache", said.append) == file
    assert len(calls.read_text().split()) == 2
    assert len(said) == 3
    assert file.stat().st_mtime_ns == written
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {"media", "wordnet", "stamps.ttl"}
    assert (tmp_path / "cache/wordnet/copyright").read_text() == "free"


def test_images_of_the_file_lie_beside_it(tmp_path: Path, calls: Path) -> None:
    file = stamps_ttl(tmp_path / "cache", lambda _: None)
    graph = Graph().parse(file, format="turtle")
    images = [Path(str(image).removeprefix("file://")) for image in graph.objects(None, SCHEMA.image)]
    assert len(images) == 4
    assert all(image.is_file() for image in images)


def test_a_changed_recipe_writes_again_without_fetching(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stamps_ttl(tmp_path / "cache", lambda _: None)
    before = file.read_text()
    monkeypatch.setattr("data.stamps.recipe._fingerprint", lambda: "another")
    after = stamps_ttl(tmp_path / "cache", lambda _: None).read_text()
    assert before.splitlines()[1:] == after.splitlines()[1:]
    assert after.startswith("# Sensegraph's STAMPS demo, recipe another\n")
    assert len(calls.read_text().split()) == 2


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo "W: noise" >&2; echo "E: Unable to locate package $2" >&2; exit 100', "Unable to"),
        ("exit 1", "no reason given"),
        ("exit 0", "left no package"),
        ('echo half > "$2.part"; kill -9 $$', "no reason given"),
    ],
)
def test_a_failed_download_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    tools = fake_tools(tmp_path / "tools", apt=script)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(FetchError, match=rf"{reason}.*python -m pipelines\.build_kg YOUR\.ttl"):
        stamps_ttl(tmp_path / "cache", lambda _: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_ctrl_c_during_the_download_leaves_nothing(tmp_path: Path) -> None:
    tools = fake_tools(tmp_path / "tools", apt="exec sleep 60")
    cache = tmp_path / "cache"
    with subprocess.Popen(
        [sys.executable, "-m", "data.stamps", "--cache", str(cache)],
        cwd=ROOT,
        env={"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job, and all that it starts, ignores Ctrl-C unless told otherwise
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while process.poll() is None and not list(cache.glob(".fetch-*")):
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        assert process.stderr is not None
        assert "nothing is half done" in process.stderr.read().splitlines()[-1]
    assert list(cache.iterdir()) == []


def test_without_apt_the_command_says_so_in_one_sentence(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "data.stamps", "--cache", str(tmp_path / "cache")],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: the demo data needs apt-get (Debian, Ubuntu), which is not here; "
        "give your own RDF instead: python -m pipelines.build_kg YOUR.ttl --out DIR"
    ]


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEGRAPH_CACHE", "/elsewhere")
    assert default_cache() == Path("/elsewhere/stamps")
    monkeypatch.delenv("SENSEGRAPH_CACHE")
    assert default_cache() == ROOT / ".cache" / "stamps"


class TestRealData:
    pytestmark = real_data

    def test_every_link_has_its_item(self) -> None:
        stems = {item.stem for item in read_items(REAL / "media")}
        assert set(read_links(LINKS)) - stems == set()

    def test_every_link_has_its_synset_under_its_one_name(self) -> None:
        wordnet = WordNet(REAL / "wordnet")
        names = set(read_links(LINKS).values())
        assert {wordnet.synset(name).name for name in names} == names

    def test_the_counts_are_those_of_the_readme(self) -> None:
        items = read_items(REAL / "media")
        assert len(items) == 701
        assert sum(item.sound is not None for item in items) == 106
        assert len({tag for item in items for tag, _ in item.captions}) == 78
        assert len(read_links(LINKS)) == 700

    def test_the_file_parses_alike_in_rdflib_and_oxigraph(self) -> None:
        pyoxigraph = pytest.importorskip("pyoxigraph")
        file = stamps_ttl(REAL)
        theirs = {
            (row.subject.value, row.predicate.value, row.object.value, _language(row.object))
            for row in pyoxigraph.parse(path=file, base_iri=file.as_uri())
        }
        graph = Graph().parse(file, format="turtle")
        ours = {(str(s), str(p), str(o), _language(o)) for s, p, o in graph}
        assert ours == theirs
        assert len(graph) == 59119


def _language(term: object) -> str:
    """In lower case, because rdflib changes the case of a tag."""
    return (getattr(term, "language", None) or "").lower()
