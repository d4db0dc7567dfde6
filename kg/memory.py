"""Memory that stays with the process between passes. No tensors: it talks to the C library alone."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # parameters of mallopt(3)
_USUAL = {_TRIM_THRESHOLD: 2**26, _MMAP_THRESHOLD: 2**25, _MMAP_MAX: 65_536}
"""As glibc sets them by itself once large pieces have been freed."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed inside for the next pass, as torch does on CUDA; given back at the end.

    On a CPU torch asks the system for each large result anew, and the system clears it page by page: half of
    the time of attention over a large graph. With glibc this holds for the whole process; elsewhere it does
    nothing.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "malloc_trim"):
        yield
        return
    library.mallopt(_MMAP_MAX, 0)
    library.mallopt(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)
