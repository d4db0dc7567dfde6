"""Serve a store over HTTP: search, facts, predictions and reasons, for programs and for teams.

python -m pipelines.serve --store stores/demo
python -m pipelines.serve --store stores/demo --host 0.0.0.0 --port 8000 --token token.txt
"""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.store.object_storage import is_url, local_store, place

NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}
"""Modules, and the packages that they come with."""
FOR_PAGE = {"nicegui": "nicegui", "sklearn": "scikit-learn"}
"""The same for the page."""
MOST_MESSAGE = 2**20
"""Octets of what a page says at once."""
MOST_CONNECTIONS = 1000
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="python -m pipelines.serve", description="Serve a store over HTTP.")
    out.add_argument("--store", type=place, required=True, metavar="DIR", help="folder that build_kg left")
    out.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine)")
    out.add_argument("--port", type=int, default=8000, help="port to listen on (8000; 0: any that is free)")
    out.add_argument(
        "--token", type=Path, metavar="FILE", help="what requests have to carry; any other host demands it"
    )
    out.add_argument("--seconds", type=float, default=10.0, metavar="S", help="longest SPARQL query (10)")
    out.add_argument(
        "--facts", metavar="URL", help="a SPARQL 1.1 endpoint that answers queries, rather than the store"
    )
    out.add_argument("--index", metavar="URI", help="a Milvus that pipelines.index filled with the vectors")
    out.add_argument(
        "--waiting", type=int, default=64, metavar="N", help="requests that may wait, others are refused (64)"
    )
    out.add_argument(
        "--media-root", type=Path, metavar="DIR", help="folder of the store's media (where it was built from)"
    )
    out.add_argument("--device", default="cpu", help="where the encoders run: cpu, cuda or auto")
    out.add_argument(
        "--no-page", action="store_true", help="answer programs alone, without a page for people"
    )
    return out


def check_installed(*, page: bool = False) -> None:
    """Tell before the work that a package is missing.

    Args:
        page: whether those of the page are needed as well.

    Raises:
        ImportError: naming it and how it is installed.
    """
    for module, package in (NEEDED | (FOR_PAGE if page else {})).items():
        if importlib.util.find_spec(module) is None:
            without = " (or serve with --no-page)" if module in FOR_PAGE else ""
            raise ImportError(
                f"expected {package} to be installed for a service (got none): "
                f"pip install 'sensegraph[serve]'{without}"
            )


def checked(flags: argparse.Namespace) -> str | None:
    """The token, once all flags are known to make sense.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    from pipelines.service.limits import read_token

    if not 0 <= flags.port <= 65535:
        raise ValueError(f"expected --port from 0 to 65535 (got {flags.port})")
    if not 0 < flags.seconds <= 3600:
        raise ValueError(f"expected --seconds above 0, at most 3600 (got {flags.seconds:g})")
    if not 0 <= flags.waiting <= 10_000:
        raise ValueError(f"expected --waiting from 0 to 10000 (got {flags.waiting})")
    if flags.facts is not None:
        from kg.endpoint_facts import EndpointFacts

        EndpointFacts(flags.facts)  # tells what is no URL, and asks nothing
    token = None if flags.token is None else read_token(flags.token)
    if token is None and not _is_loopback(flags.host):
        raise ValueError(
            f"expected --token FILE with a host that others reach (got --host {flags.host} alone)"
        )
    return token


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, before anything is read: a port in use is told at once.

    Raises:
        ValueError: the address is none of this machine's, or its port is in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        place = socket.create_server(address[:2], family=family, backlog=1024)
        # else the end of an answer waits 40 ms for word that its beginning came
        place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return place
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"expected a free port at an address of this machine (got {host}:{port}: {reason})"
        ) from None


def serve(flags: argparse.Namespace) -> None:
    """Serve until somebody ends it.

    Raises:
        ValueError: one sentence says what is wrong.
        ImportError: a package is missing.
    """
    page = not flags.no_page
    check_installed(page=page)
    token = checked(flags)
    import uvicorn

    from pipelines.app import make_app
    from pipelines.building.build import cache_folder, resolve_device
    from pipelines.service.state import Opening, States

    folder = local_store(flags.store, cache_folder()) if is_url(flags.store) else flags.store
    with listen(flags.host, flags.port) as door:
        opening = Opening(
            flags.media_root, resolve_device(flags.device), flags.seconds, flags.facts, flags.index
        )
        states = States(folder, opening)
        hosts = LOOPBACK | {flags.host.lower()}
        app = make_app(states, token=token, hosts=hosts, waiting=flags.waiting, page=page)
        host, port = door.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        count = states.current.store.graph.num_entities
        print(
            f"serving {flags.store} ({count:,} entities) at http://{shown}:{port}, "
            + ("a page for people at /page, for programs see /openapi.json" if page else "see /openapi.json"),
            flush=True,
        )
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            # what reads requests is the same whatever else is installed: its limits are known
            http="h11",
            loop="asyncio",
            ws="websockets-sansio" if page else "none",
            ws_max_size=MOST_MESSAGE,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=30,
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[door])


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, serve."""
    flags = parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("sensegraph").setLevel(logging.INFO)
    try:
        serve(flags)
    except (ValueError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
