"""A SPARQL endpoint on loopback for tests: it answers from its own store, capped, slow or broken as told."""

from __future__ import annotations

import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyoxigraph as ox

RESULTS = "application/sparql-results+json"


class Server(ThreadingHTTPServer):
    """An endpoint that gives at most `cap` rows a page and first gives the answers in `faults`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.store = ox.Store()
        self.cap = 1000
        self.faults: list[tuple[int, str, str]] = []
        self.queries: list[str] = []
        self.delay = 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/sparql"

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent where a client has gone."""


class Handler(BaseHTTPRequestHandler):
    """Answers from the server's store."""

    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        query = urllib.parse.parse_qs(body)["query"][0]
        self.server.queries.append(query)
        threading.Event().wait(self.server.delay)  # tests replace time.sleep
        if self.server.faults:
            self.answer(*self.server.faults.pop(0))
            return
        least = self.server.cap
        query = re.sub(r"LIMIT (\d+)(?= OFFSET)", lambda found: f"LIMIT {min(least, int(found[1]))}", query)
        solutions = self.server.store.query(query, use_default_graph_as_union=True)
        assert isinstance(solutions, ox.QuerySolutions)
        self.answer(200, RESULTS, solutions.serialize(format=ox.QueryResultsFormat.JSON).decode())

    def answer(self, code: int, kind: str, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *values: object) -> None:
        """Be silent."""


@contextmanager
def running() -> Iterator[Server]:
    """An endpoint that listens until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
