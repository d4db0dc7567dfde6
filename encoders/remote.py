"""Fetches one file over http(s), for callers who were asked to; nothing else here uses the network.

Knows nothing of encoders: what comes back is a local file that `load` reads like any other.
"""

from __future__ import annotations

import hashlib
import http.client
import secrets
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from .base import MediaError

_CHUNK = 1 << 16
_SLOWEST = 10  # a whole download may take this many times the time-out of one silence


def fetch_remote(url: str, folder: Path, limit_bytes: int = 50 * 2**20, timeout: float = 20.0) -> Path:
    """Download a file once; later calls find it in `folder` by the hash of its URL.

    Args:
        url: what to fetch, http or https; redirects may not leave these schemes.
        folder: where downloads are kept.
        limit_bytes: a larger file is refused.
        timeout: seconds of silence after which the server counts as gone.

    Raises:
        MediaError: no such server or file, too large, too slow, or cut off.
    """
    target = folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    if target.is_file():
        return target
    content = _download(url, limit_bytes, timeout)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{target.name}-{secrets.token_hex(4)}.tmp"
    try:
        beside.write_bytes(content)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _download(url: str, limit_bytes: int, timeout: float) -> bytes:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "sensegraph"})
        with _opener().open(request, timeout=timeout) as response:
            promised = response.headers.get("Content-Length", "")
            content = _read(response, limit_bytes, time.monotonic() + _SLOWEST * timeout)
    except HTTPError as error:
        error.close()
        raise MediaError(url, f"expected a file (the server answered {error.code})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise MediaError(url, f"expected a file (the download failed: {reason})") from error
    if content is None:
        limit = f"{limit_bytes / 2**20:.3g} MB"
        raise MediaError(url, f"expected at most {limit} (the server offers more)")
    if promised.isdigit() and len(content) != int(promised):
        reason = f"expected {promised} bytes (the connection ended after {len(content)})"
        raise MediaError(url, reason)
    return content


def _read(response: http.client.HTTPResponse, limit: int, deadline: float) -> bytes | None:
    """The body, or None where it is larger than the limit; never holds more than the limit."""
    if (promised := response.headers.get("Content-Length", "")).isdigit() and int(promised) > limit:
        return None
    content = bytearray()
    while chunk := response.read1(_CHUNK):  # read1 returns what is there: the deadline is seen
        content += chunk
        if len(content) > limit:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError("the server is too slow")
    return bytes(content)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that speaks http and https only, so that no redirect can lead to file: or ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
