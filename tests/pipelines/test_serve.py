"""The command: what it refuses before any work, and a service that runs, is killed, and runs again."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from pipelines import serve

ROOT = Path(__file__).parents[2]


def token_file(folder: Path, text: str = "long-enough-and-secret", mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--host", "0.0.0.0"], "--token FILE"),
        (["--host", "192.0.2.1"], "--token FILE"),
        (["--host", "example.org"], "--token FILE"),
        (["--port", "70000"], "--port"),
        (["--seconds", "0"], "--seconds"),
        (["--waiting", "-1"], "--waiting"),
        (["--token", "none"], "file with a token"),
        (["--port", "0"], "no such folder"),
        (["--host", "192.0.2.1.invalid", "--token", "TOKEN"], "address of this machine"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_sentence(
    flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = str(token_file(tmp_path))
    flags = [token if flag == "TOKEN" else flag for flag in flags]
    assert serve.main(["--store", str(tmp_path / "store"), *flags]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: expected")
    assert words in told
    assert told.count("\n") == 1


def test_a_port_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert serve.main(["--store", str(tmp_path), "--port", port]) == 1
    assert f"127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


def test_answers_are_sent_at_once() -> None:
    with (
        serve.listen("127.0.0.1", 0) as place,
        socket.create_connection(place.getsockname()),
        place.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_token_that_others_can_read_or_guess_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text, mode, words in (
        ("long-enough-and-secret", 0o644, "chmod 600"),
        ("short", 0o600, "16 characters"),
        ("", 0o600, "16 characters"),
        ("two words that are long", 0o600, "16 characters"),
    ):
        path = token_file(tmp_path, text, mode)
        assert serve.main(["--store", str(tmp_path), "--host", "0.0.0.0", "--token", str(path)]) == 1
        assert words in capsys.readouterr().err
    flags = serve.parser().parse_args(["--store", "x", "--host", "::", "--token", str(token_file(tmp_path))])
    assert serve.checked(flags) == "long-enough-and-secret"


def test_every_address_of_loopback_needs_no_token() -> None:
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert serve.checked(serve.parser().parse_args(["--store", "x", "--host", host])) is None


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(serve.NEEDED, "no_such_module_here", "no-such-package")
    with pytest.raises(ImportError, match=r"expected no-such-package .*pip install 'sensegraph\[serve\]'"):
        serve.check_installed()


def test_the_page_needs_its_packages_and_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(serve.FOR_PAGE, "no_such_module_here", "no-such-package")
    with pytest.raises(ImportError, match=r"expected no-such-package .*\(or serve with --no-page\)"):
        serve.check_installed(page=True)
    serve.check_installed()
    assert serve.parser().parse_args(["--store", "x", "--no-page"]).no_page


@contextmanager
def served(store: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service in a process of its own, and where it is."""
    command = [sys.executable, "-m", "pipelines.serve", "--store", str(store), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found is not None
        assert "a page for people at /page" in line
        yield process, found.group()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_a_killed_service_answers_the_same_when_it_runs_again(store_folder: Path) -> None:
    before = {path: path.read_bytes() for path in store_folder.rglob("*") if path.is_file()}
    answers = []
    for _ in range(2):
        with served(store_folder) as (process, address):
            with urllib.request.urlopen(f"{address}/search?text=a+cat&k=3", timeout=60) as answer:
                answers.append(json.load(answer))
            process.kill()
    assert answers[0] == answers[1]
    assert len(answers[0]["hits"]) == 3
    # it reads, and changes nothing
    assert {path: path.read_bytes() for path in store_folder.rglob("*") if path.is_file()} == before
