"""Bad input through the command line: one clear sentence, a non-zero exit where work cannot go on.

An extra: it mirrors the list of bad input that the design promises to bear, not one source file.
"""

from __future__ import annotations

import errno
import gzip
import json
import shutil
import struct
import subprocess
import sys
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import build_kg, query
from pipelines.training.links import LinkSteps

FACT = "<urn:a> <urn:knows> <urn:b> .\n"
SCHEMA = "https://schema.org/"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], session_folder: Path) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the shell would; what it prints by whatever way is seen."""

    def command(main: Callable[[list[str]], int], *flags: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(flag) for flag in flags])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return command


Run = Callable[..., tuple[int, str, str]]


def refused(result: tuple[int, str, str], *parts: str) -> None:
    """It failed with one sentence that holds these parts."""
    code, _, err = result
    assert code != 0
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


class TestRdf:
    """Files that are not what they should be; each run also finds an older store untouched."""

    @pytest.fixture(autouse=True)
    def older(self, tmp_path: Path) -> Any:
        write(tmp_path / "older.nt", FACT)
        build_kg.build([tmp_path / "older.nt"], tmp_path / "store")
        yield
        assert query.main(["--store", str(tmp_path / "store"), "--entity", "urn:a", "--json"]) == 0

    @pytest.fixture
    def refuse(self, tmp_path: Path, run: Run) -> Callable[..., None]:
        def check(name: str, text: str | bytes, *parts: str, flags: tuple[str, ...] = ()) -> None:
            path = tmp_path / name
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            result = run(build_kg.main, path, "--out", tmp_path / "store", *flags)
            refused(result, name, *parts)

        return check

    def test_a_malformed_triple_has_its_file_and_line(self, refuse: Callable[..., None]) -> None:
        refuse("bad.nt", FACT * 3 + "<urn:a> <urn:b> oops .\n", "bad.nt:4: expected valid N-Triples")
        refuse("bad.ttl", FACT + "<urn:a> <urn:b>\n.\n", "bad.ttl:3: expected valid Turtle")
        refuse("bad.rdf", "<rdf:RDF\n", "bad.rdf", "expected valid RDF/XML")
        refuse("bad.jsonld", '{"@id": \n', "bad.jsonld", "expected valid JSON-LD")

    def test_lenient_skips_counts_and_lists_them(self, tmp_path: Path, run: Run) -> None:
        path = write(tmp_path / "bad.nt", f"{FACT}oops\n<urn:c> <urn:knows> <urn:a> .\noops again\n")
        code, out, err = run(build_kg.main, path, "--out", tmp_path / "store", "--lenient")
        assert code == 0
        assert "skipped statements" in out
        assert err.count("left out: ") == 2
        assert "bad.nt:2: " in err
        assert "bad.nt:4: " in err
        manifest = json.loads((tmp_path / "store" / "manifest.json").read_text())
        assert manifest["counts"]["skipped"] == 2
        assert manifest["counts"]["triples"] == 2

    def test_lenient_lists_a_few_and_counts_the_rest(self, tmp_path: Path, run: Run) -> None:
        path = write(tmp_path / "bad.nt", FACT + "oops\n" * 20)
        code, _, err = run(build_kg.main, path, "--out", tmp_path / "store", "--lenient")
        assert code == 0
        assert len(err.splitlines()) == 6
        assert "15 more (see manifest.json)" in err

    def test_an_unknown_format_names_the_known_ones(self, refuse: Callable[..., None]) -> None:
        refuse("facts.docx", FACT, ".nt, .nq, .ttl", "(got '.docx')")

    def test_an_empty_graph_is_no_graph(self, refuse: Callable[..., None], tmp_path: Path, run: Run) -> None:
        refuse("empty.ttl", "", "got an empty")
        refuse("comment.ttl", "# nothing\n", "expected at least one triple")
        refuse("all.nt", "oops\n", "expected at least one triple", flags=("--lenient",))
        (tmp_path / "folder").mkdir()
        refused(
            run(build_kg.main, tmp_path / "folder", "--out", tmp_path / "store"),
            "expected a folder with RDF files",
        )

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path, run: Run) -> None:
        refused(run(build_kg.main, tmp_path / "gone.ttl", "--out", tmp_path / "store"), "gone.ttl")

    def test_half_a_gzip_file_is_named(self, refuse: Callable[..., None]) -> None:
        refuse("half.nt.gz", gzip.compress((FACT * 9999).encode())[:-20], "expected a whole gzip file")

    def test_json_ld_with_a_remote_context_is_never_fetched(self, refuse: Callable[..., None]) -> None:
        text = '{"@context": "https://schema.org/", "@id": "urn:a", "name": "b"}'
        refuse("remote.jsonld", text, "remote @context", "copy the context into the file")
        refuse("remote.jsonld", text, "remote @context", flags=("--lenient",))

    def test_an_endpoint_needs_permission(self, tmp_path: Path, run: Run) -> None:
        refused(
            run(build_kg.main, "http://127.0.0.1:9/sparql", "--out", tmp_path / "store"),
            "pass --allow-remote",
        )

    def test_inputs_need_a_place_for_the_store(self, tmp_path: Path, run: Run) -> None:
        refused(run(build_kg.main, tmp_path / "older.nt"), "expected --out DIR")


def header_of_a_bomb() -> bytes:
    """A PNG that says it has 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(150_001) * 20)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def silence(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))


class TestMedia:
    """Media that cannot be read are rows of the report; the build goes on without them."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., Path]) -> Path:
        from PIL import Image

        folder = tmp_path_factory.mktemp("media")
        draw(folder / "outside.png", "box", "red")
        root = folder / "root"
        good = draw(root / "good.png", "circle", "red")
        (root / "link.png").symlink_to(folder / "outside.png")
        (root / "truncated.png").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
        (root / "bomb.png").write_bytes(header_of_a_bomb())
        (root / "empty.png").touch()
        (root / "text.png").write_text("not a picture")
        Image.new("L", (60, 40), 90).save(root / "grey.png")
        Image.new("CMYK", (60, 40), (0, 200, 0, 0)).save(root / "cmyk.jpg")
        frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
        frames[0].save(root / "animated.gif", save_all=True, append_images=frames[1:])
        silence(root / "silent.wav")
        (root / "empty.wav").touch()
        rows = [
            f'<urn:{name}> <{SCHEMA}{kind}> "{reference}" .'
            for name, kind, reference in (
                ("good", "image", "good.png"),
                ("grey", "image", "grey.png"),
                ("cmyk", "image", "cmyk.jpg"),
                ("animated", "image", "animated.gif"),
                ("missing", "image", "missing.png"),
                ("climbs", "image", "../outside.png"),
                ("encoded", "image", "%2e%2e/outside.png"),
                ("linked", "image", "link.png"),
                ("absolute", "image", "/etc/hostname.png"),
                ("remote", "image", "https://example.org/far.png"),
                ("truncated", "image", "truncated.png"),
                ("bomb", "image", "bomb.png"),
                ("empty", "image", "empty.png"),
                ("words", "image", "text.png"),
                ("silent", "audio", "silent.wav"),
                ("hush", "audio", "empty.wav"),
                ("gone", "audio", "gone.wav"),
            )
        ]
        caption = "a lake " + (120 * "o" + " ") * 830  # long words are one token each, so this is fast
        rows.append(f'<urn:long> <{SCHEMA}name> "{caption[:100_000]:100000}" .')
        write(root / "media.nt", "\n".join(rows) + "\n")
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def built(cls, folder: Path, session_folder: Path) -> dict[str, tuple[str, str | None]]:
        """Status and problem of each observation, by its entity."""
        store = build_kg.build([folder / "root" / "media.nt"], folder / "store")
        rows = pq.read_table(folder / "store" / "observations.parquet").to_pylist()
        names = store.graph.entities.to_pylist()
        return {names[row["entity"]]: (row["status"], row["problem"]) for row in rows}

    @pytest.mark.parametrize("name", ["good", "grey", "cmyk", "animated", "long"])
    def test_odd_pictures_and_a_caption_of_100_000_characters_are_found(
        self, built: dict[str, tuple[str, str | None]], name: str
    ) -> None:
        assert built[f"urn:{name}"] == ("found", None)

    @pytest.mark.parametrize(
        ("name", "part"),
        [
            ("missing", "found nothing there"),
            ("climbs", "expected a file inside the media root"),
            ("encoded", "expected a file"),
            ("linked", "expected a file inside the media root"),
            ("absolute", "expected a file inside the media root"),
            ("remote", "pass --allow-remote"),
            ("gone", "found nothing there"),
        ],
    )
    def test_what_is_not_there_or_not_allowed_is_missing(
        self, built: dict[str, tuple[str, str | None]], name: str, part: str
    ) -> None:
        status, problem = built[f"urn:{name}"]
        assert status == "missing"
        assert part in str(problem)

    @pytest.mark.parametrize(
        ("name", "part"),
        [
            ("truncated", "damaged"),
            ("bomb", "million pixels"),
            ("empty", "got an empty file"),
            ("words", "no known picture format"),
            ("silent", "silence"),
            ("hush", "got an empty file"),
        ],
    )
    def test_what_is_damaged_is_unreadable(
        self, built: dict[str, tuple[str, str | None]], name: str, part: str
    ) -> None:
        status, problem = built[f"urn:{name}"]
        assert status == "unreadable"
        assert part in str(problem)
        assert "\n" not in str(problem)

    def test_the_command_counts_and_lists_them(self, folder: Path, run: Run) -> None:
        code, out, err = run(build_kg.main, folder / "root" / "media.nt", "--out", folder / "again")
        assert code == 0
        assert "4 found, 6 missing, 4 unreadable" in " ".join(out.split())
        assert "0 found, 1 missing, 2 unreadable" in " ".join(out.split())
        assert len(err.splitlines()) == 6
        assert "8 more (see observations.parquet)" in err

    def test_a_wider_root_lets_media_in(self, folder: Path, run: Run) -> None:
        path = write(folder / "wide.nt", f'<urn:wide> <{SCHEMA}image> "outside.png" .\n')
        flags = ["--out", folder / "wide", "--media-root"]
        code, out, _ = run(build_kg.main, path, *flags, folder)
        assert code == 0
        assert "1 found, 0 missing, 0 unreadable" in " ".join(out.split())
        refused(run(build_kg.main, path, *flags, folder / "nowhere"), "expected --media-root to be a folder")


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--prior", "urn:knows=2"], "expected a prior in [0, 1] for urn:knows (got 2.0)"),
        (["--prior", "urn:knows=nan"], "expected a prior in [0, 1]"),
        (["--prior", "urn:knows=much"], "expected a number in --prior (got 'much')"),
        (["--prior", "urn:knows"], "expected --prior KEY=VALUE (got 'urn:knows')"),
        (["--prior", "urn:nose=1"], "expected relation of this graph (got unknown 'urn:nose')"),
        (["--encoder", "image"], "expected --encoder KEY=VALUE (got 'image')"),
        (
            ["--encoder", "smell=nose"],
            "expected an encoder for text, image, audio, series (got one for 'smell')",
        ),
        (["--encoder", "text=no/such"], "expected a model (got 'no/such', whose weights are not on this"),
        (["--fusion", "magic"], "expected a fusion among attention, autoencoder, concat (got 'magic')"),
        (["--epochs", "0"], "expected epochs of at least 1 (got 0)"),
        (["--seed", "-1"], "expected seed of at least 0 (got -1)"),
        (["--learning-rate", "nan"], "expected learning_rate of at least 0 (got nan)"),
        (["--damping", "1"], "expected damping between 0 and 1 (got 1.0)"),
        (["--link-share", "0.5"], "expected link_share between 0 and 0.5 (got 0.5)"),
        (["--test-share", "0.9"], "test_share below 0.9"),
        (["--structure-width", "30"], "expected"),
        (["--device", "toaster"], "expected cpu, cuda or auto as the device (got 'toaster')"),
    ],
)
def test_a_setting_out_of_range_is_one_sentence(
    tmp_path: Path, run: Run, flags: list[str], part: str
) -> None:
    path = write(tmp_path / "facts.nt", FACT + f'<urn:a> <{SCHEMA}name> "a" .\n')
    refused(run(build_kg.main, path, "--out", tmp_path / "store", *flags), part)
    assert not (tmp_path / "store").exists()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, run: Run) -> None:
    path = write(tmp_path / "facts.nt", FACT)
    refused(run(build_kg.main, path, "--out", path / "store"), "Not a directory", "facts.nt")
    other = tmp_path / "site"
    other.mkdir()
    write(other / "index.html", "precious")
    refused(run(build_kg.main, path, "--out", other), "a new folder or a store to replace")
    assert (other / "index.html").read_text() == "precious"


def test_a_full_disk_and_ctrl_c_say_that_the_same_command_continues(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    path = write(tmp_path / "facts.nt", FACT)
    flags = [path, "--out", tmp_path / "store"]

    def failing(error: BaseException) -> Callable[..., None]:
        def fail(*_: object, **__: object) -> None:
            raise error

        return fail

    full = "I/O error: No space left on device (os error 28)"
    for error in (OSError(errno.ENOSPC, "No space left on device"), SafetensorError(full)):
        monkeypatch.setattr("safetensors.torch.save_file", failing(error))
        refused(run(build_kg.main, *flags), "expected room on the disk", "the same command continues")
    monkeypatch.setattr("safetensors.torch.save_file", failing(KeyboardInterrupt()))
    code, _, err = run(build_kg.main, *flags)
    assert (code, err) == (130, "stopped; nothing is lost: the same command continues\n")
    monkeypatch.undo()
    assert run(build_kg.main, *flags)[0] == 0


class TestQuery:
    @pytest.fixture
    def ask(self, store_folder: Path, run: Run) -> Callable[..., tuple[int, str, str]]:
        return lambda *flags: run(query.main, "--store", store_folder, *flags)

    @pytest.mark.parametrize(
        ("where", "part"),
        [
            ("?x schema:about ", "expected valid SPARQL"),
            ("?x schema:about }", "expected valid SPARQL"),
            ("SELECT ?x WHERE", "expected valid SPARQL"),
            ("?x nope:about ex:cat", "known prefixes"),
            ("?y schema:about ex:cat", "expected a constraint that binds ?x"),
            ("SELECT ?y { ?x schema:about ?y }", "expected a SELECT that gives ?x (got only ?y)"),
            ("", "expected a constraint that binds ?x"),
            ("ASK { ?x ?p ?o }", "form ASK"),
            ("CONSTRUCT { ?x ?p ?o } WHERE { ?x ?p ?o }", "form CONSTRUCT"),
            ("DESCRIBE ?x { ?x ?p ?o }", "form DESCRIBE"),
            ("INSERT DATA { ex:a ex:b ex:c }", "facts are read-only"),
            ("DELETE WHERE { ?x ?p ?o }", "facts are read-only"),
            ("SERVICE <http://127.0.0.1:9/> { ?x ?p ?o }", "SERVICE"),
        ],
    )
    def test_a_constraint_that_is_none_is_one_sentence(
        self, ask: Callable[..., tuple[int, str, str]], where: str, part: str
    ) -> None:
        result = ask("--text", "a cat", "--where", where, "--json")
        refused(result, part)
        assert result[1] == ""
        refused(ask("--text", "a cat", "--prefer", f"{where}=1"), "" if not where else part)

    @pytest.mark.parametrize(
        ("flags", "part"),
        [
            ([], "expected a question by text, image, audio or entity"),
            (["--text", ""], "expected a text"),
            (["--entity", "ex:cta0"], "expected entity of this graph (got unknown"),
            (["--text", "a", "-k", "0"], "expected k of at least 1 (got 0)"),
            (["--text", "a", "-k", "-3"], "expected k of at least 1 (got -3)"),
            (["--text", "a", "--weight", "text"], "expected --weight KEY=VALUE (got 'text')"),
            (["--text", "a", "--weight", "text=big"], "expected a number in --weight (got 'big')"),
            (["--text", "a", "--weight", "text=-1"], "expected a weight of 0 or more for text (got -1.0)"),
            (["--text", "a", "--weight", "text=inf"], "expected a weight of 0 or more for text (got inf)"),
            (["--text", "a", "--weight", "nose=1"], "expected a weight for one of joint"),
            (["--text", "a", "--weight", "not=-1"], "expected a weight of 0 or more for not (got -1.0)"),
            (["--text", "a", "--prefer", "?x a ex:Card=much"], "expected a number in --prefer (got 'much')"),
            (["--text", "a", "--prefer", "0.5 ?x a ex:Card"], "the number last"),
            (["--text", "a", "--prefer", "?x a ex:Card=nan"], "expected a finite weight for the preference"),
            (["--text", "a", "--prefer", "?x a ex:Card=-inf"], "expected a finite weight"),
            (["--text", "a", "--not-image", "/nowhere/a.jpg"], "/nowhere/a.jpg: expected a picture"),
            (["--text", "a", "--not-audio", __file__], "expected a sound"),
            (["--text", "a", "--not-entity", "ex:cta0"], "expected entity of this graph (got unknown"),
            (["--text", "a", "--not-text", ""], "expected a text"),
            (["--not-text", "a cat"], "expected a question by text, image, audio or entity"),
            (["--text", "a", "--device", "toaster"], "expected cpu, cuda or auto as the device"),
            (["--image", "/nowhere/photo.jpg"], "/nowhere/photo.jpg: expected a picture (got no such file)"),
            (["--image", "/"], "expected a picture (got a folder)"),
            (["--image", __file__], "expected a picture (got a damaged or unknown file"),
            (["--audio", __file__], "expected a sound (got a damaged or unknown file"),
        ],
    )
    def test_a_question_that_cannot_be_asked_is_one_sentence(
        self, ask: Callable[..., tuple[int, str, str]], flags: list[str], part: str
    ) -> None:
        refused(ask(*flags), part)

    @pytest.mark.parametrize("flag", ["--where", "--prefer"])
    def test_a_query_that_does_not_end_is_given_up_and_the_command_ends(
        self, store_folder: Path, flag: str
    ) -> None:
        endless = "?x ?p ?o . " + " . ".join(f"?x{n} ?p{n} ?o{n}" for n in range(12))
        endless += " FILTER(STR(?x) = STR(?o11))"
        code = (
            "import sys, kg.sparql; kg.sparql.SECONDS = 0.3\n"
            "from pipelines.query import main\n"
            f"sys.exit(main(['--store', {str(store_folder)!r}, '--text', 'a', {flag!r}, {endless!r}]))"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert "expected a query that is answered within 0.3 seconds" in done.stderr

    def test_a_bomb_as_a_question_is_one_sentence(
        self, ask: Callable[..., tuple[int, str, str]], tmp_path: Path
    ) -> None:
        (tmp_path / "bomb.png").write_bytes(header_of_a_bomb())
        refused(ask("--image", tmp_path / "bomb.png"), "million pixels")
        silence(tmp_path / "silent.wav")
        refused(ask("--audio", tmp_path / "silent.wav"), "got silence")

    def test_a_very_long_question_is_answered(self, ask: Callable[..., tuple[int, str, str]]) -> None:
        code, out, _ = ask("--text", "a sleeping cat " * 700, "--json", "-k", "1")
        assert code == 0
        assert json.loads(out)[0]["label"] == "A sleeping cat"

    def test_more_than_is_left_and_nothing_left_are_no_errors(
        self, ask: Callable[..., tuple[int, str, str]]
    ) -> None:
        code, out, _ = ask("--text", "a", "-k", "1000000", "--where", "?x schema:about ex:cat", "--json")
        assert (code, len(json.loads(out))) == (0, 3)
        assert ask("--text", "a", "--where", "?x schema:about ex:nothing", "--json")[:2] == (0, "[]\n")


NAMES = [f"n{number:02}" for number in range(20)]
RING = "".join(
    f"<urn:{one}> <urn:{kind}> <urn:{NAMES[(place + step) % 20]}> .\n"
    for kind, step in (("next", 1), ("over", 2))
    for place, one in enumerate(NAMES)
)


class TestTraining:
    """A loss that is no number."""

    def test_at_first_it_is_one_sentence_and_the_older_store_stays(self, tmp_path: Path, run: Run) -> None:
        build_kg.build([write(tmp_path / "older.nt", FACT)], tmp_path / "store")
        ring = write(tmp_path / "ring.nt", RING)
        result = run(build_kg.main, ring, "--out", tmp_path / "store", "--learning-rate", "1e30")
        refused(result, "expected numbers while links are learned (got ", "step ", "smaller --learning-rate")
        assert query.main(["--store", str(tmp_path / "store"), "--entity", "urn:a", "--json"]) == 0

    @pytest.mark.parametrize("strict", [False, True])
    def test_later_on_the_best_state_before_is_built_on_and_told_unless_that_is_refused(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, strict: bool
    ) -> None:
        step, taken = LinkSteps.step, []

        def broken(self: LinkSteps, batch: Any) -> float:
            taken.append(step(self, batch))
            return float("nan") if len(taken) == 5 else taken[-1]

        monkeypatch.setattr(LinkSteps, "step", broken)
        store = tmp_path / "store"
        flags = ["--strict"] * strict
        result = run(build_kg.main, write(tmp_path / "ring.nt", RING), "--out", store, *flags)
        told = "learning links stopped: expected numbers (got a loss of nan in step 5); the best state before"
        if strict:
            refused(result, "expected --strict to build on losses that are numbers", told)
            assert not store.exists()
        else:
            assert result[0] == 0
            assert told in result[2]
            assert told in json.loads((store / "manifest.json").read_text())["notes"][0]
            assert query.main(["--store", str(store), "--entity", "urn:n00", "--json"]) == 0


class TestStore:
    """A store that is none, of another version, or half there."""

    @pytest.fixture
    def copied(self, store_folder: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(store_folder, tmp_path / "copy"))

    @pytest.fixture
    def refuse(self, copied: Path, run: Run) -> Callable[..., None]:
        return lambda *parts: refused(
            run(query.main, "--store", copied, "--text", "a cat", "--where", "?x ?p ?o"), "copy", *parts
        )

    def test_no_folder_and_no_store(self, tmp_path: Path, run: Run) -> None:
        result = run(query.main, "--store", tmp_path / "gone", "--text", "a")
        refused(result, "no such folder", "python -m pipelines.build_kg")
        result = run(query.main, "--store", tmp_path, "--text", "a")
        refused(result, "it has no manifest.json", "python -m pipelines.build_kg")

    def test_another_version(self, copied: Path, refuse: Callable[..., None]) -> None:
        manifest = json.loads((copied / "manifest.json").read_text())
        write(copied / "manifest.json", json.dumps({**manifest, "format": 99}))
        refuse("expected a store of format 1", "(got 99)", "build it with")

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1', '{"format": 1}', "\0"])
    def test_a_damaged_manifest(self, copied: Path, refuse: Callable[..., None], text: str) -> None:
        write(copied / "manifest.json", text)
        refuse("manifest.json", "build it with")

    @pytest.mark.parametrize(
        "name",
        ["graph", "rdf", "model.safetensors", "embeddings.safetensors", "metrics.json"],
    )
    def test_a_missing_part(self, copied: Path, refuse: Callable[..., None], name: str) -> None:
        path = copied / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        refuse("expected a whole store", f"{name} is missing")

    @pytest.mark.parametrize(
        "name",
        [
            "graph/triples.npy",
            "graph/entities.parquet",
            "model.safetensors",
            "embeddings.safetensors",
            "features/text.safetensors",
        ],
    )
    @pytest.mark.parametrize("share", [0.0, 0.5])
    def test_half_a_part(self, copied: Path, refuse: Callable[..., None], name: str, share: float) -> None:
        path = copied / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        refuse("expected a whole store", "damaged", "build it with")

    def test_half_the_facts(self, copied: Path, refuse: Callable[..., None]) -> None:
        for path in (copied / "rdf").glob("*.sst"):
            path.unlink()
        refuse("rdf", "build it")


def test_stopping_an_update_while_its_libraries_are_loaded_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Stops:
        def find_spec(self, name: str, *rest: object) -> None:
            if name == "pipelines.updating.update":
                raise KeyboardInterrupt

    from pipelines.update import main as update_main

    monkeypatch.delitem(sys.modules, "pipelines.updating.update", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Stops(), *sys.meta_path])
    assert update_main([str(tmp_path)]) == 130
    assert capsys.readouterr().err == "stopped; the store is as it was\n"
