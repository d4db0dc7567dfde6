"""Downloads from a server of our own on the loopback interface."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from encoders import MediaError, fetch_remote


class _Handler(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012  # emptied by the fixture

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path.startswith("/to-"):
            target = {"/to-file": "file:///etc/passwd", "/to-ftp": "ftp://127.0.0.1/x", "/to-good": "/good"}
            self.send_response(302)
            self.send_header("Location", target[self.path])
            self.end_headers()
            return
        self.send_response(200)
        length = {"/good": 4, "/short": 100, "/large": 10**9}.get(self.path)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.path == "/endless":
            self._drip(b"x" * 1000, pause=0)
        elif self.path == "/slow":
            self._drip(b"x", pause=0.05)
        else:
            self.wfile.write(b"good")

    def _drip(self, content: bytes, pause: float) -> None:
        try:
            for _ in range(2000):
                self.wfile.write(content)
                time.sleep(pause)
        except OSError:  # the client has had enough
            pass

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def test_a_file_is_fetched_once_and_then_found_in_the_folder(server: str, tmp_path: Path) -> None:
    _Handler.asked.clear()
    first = fetch_remote(f"{server}/good", tmp_path / "new")
    assert first.read_bytes() == b"good"
    assert fetch_remote(f"{server}/good", tmp_path / "new") == first
    assert _Handler.asked == ["/good"]
    assert fetch_remote(f"{server}/to-good", tmp_path / "new").read_bytes() == b"good"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/missing", "the server answered 404"),
        ("/large", r"expected at most 0\.000954 MB \(the server offers more\)"),
        ("/endless", r"expected at most 0\.000954 MB \(the server offers more\)"),
        ("/short", r"expected 100 bytes \(the connection ended after 4\)"),
        ("/slow", "the download failed: the server is too slow"),
        ("/to-file", "expected a file"),
        ("/to-ftp", "expected a file"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(
    server: str, tmp_path: Path, path: str, sentence: str
) -> None:
    with pytest.raises(MediaError, match=sentence) as caught:
        fetch_remote(server + path, tmp_path, limit_bytes=1000, timeout=0.1)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://", "http://[", "file:///etc/passwd", "http://a b/"]
)
def test_no_server_or_no_url_is_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(MediaError, match="expected a file"):
        fetch_remote(url, tmp_path, timeout=2)
