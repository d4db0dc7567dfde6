"""Exact search under an allow-list, among a million vectors: against faiss's flat index.

Both sides are given the list as sorted ids, and all that each makes of it is inside its time. The rival is
the fastest of three selectors for the same list: two that hold a set, and IDSelectorArray, with which faiss
walks the list within one call.

python -m benchmarks.search [--quick]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measure import Row, at_most, faster, in_turn, parser, report, seconds
from kg.nearest import nearest

WIDTH, K, TIMES = 256, 10, 1.2
LISTS = (10, 1_000, 100_000, None)
SHORT = 1_000
RUN = 0.05  # s of one side's searches before it is the other's turn
SEARCHES = (1, 16)
WALKED = "IDSelectorArray"
AS_GOOD = 1e-6  # rounding: the two libraries add in other orders

Search = Callable[[], object]


def unit_vectors(count: int, seed: int) -> Tensor:
    """Random directions, ``(count, WIDTH) float32``."""
    drawn = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn)


def allow_list(rows: int, length: int | None) -> Tensor | None:
    """Random ids, ascending; None allows all."""
    if length is None:
        return None
    return torch.randperm(rows, generator=torch.Generator().manual_seed(length))[:length].sort().values


def selector(name: str, ids: NDArray[np.int64], rows: int) -> Any:
    """What faiss makes of an allow-list."""
    if name != "IDSelectorBitmap":
        return getattr(_faiss(), name)(ids)
    bits = np.zeros(-(-rows // 8) * 8, dtype=bool)
    bits[ids] = True
    return _faiss().IDSelectorBitmap(np.packbits(bits, bitorder="little"))


def rivals(index: Any, queries: Tensor, allowed: Tensor | None) -> dict[str, Search]:
    """The ways in which faiss can do it."""
    asked = queries.numpy()
    if allowed is None:
        return {"no selector": partial(index.search, asked, K)}
    ids = allowed.numpy()

    def search(name: str) -> object:
        chosen = selector(name, ids, index.ntotal)
        return index.search(asked, K, params=_faiss().SearchParameters(sel=chosen))

    return {name: partial(search, name) for name in ("IDSelectorBatch", "IDSelectorBitmap", WALKED)}


def recall(vectors: Tensor, queries: Tensor, allowed: Tensor | None) -> float:
    """Share of our answers that score as high as brute force's, which sorts all products in float64."""
    ids = torch.arange(len(vectors)) if allowed is None else allowed
    found, places = nearest(vectors, queries, K, allowed)
    right = []
    for query, row in zip(queries.double(), places, strict=True):
        products = torch.cat([vectors[part].double() @ query for part in ids.split(2**16)])
        least = products.sort(descending=True).values[: found.shape[1]][-1]
        right.append((vectors[row].double() @ query >= least - AS_GOOD) & torch.isin(row, ids))
    return float(torch.cat(right).double().mean())


def spent(ours: Search, rival: Search, repeats: int) -> tuple[float, float]:
    """Medians of a search's time, s, of runs of many short ones.

    Each library's threads wait awake for a while after a search, and would keep the other's from a core.
    """
    count = max(1, int(RUN / max(seconds(ours), seconds(rival))))

    def run(search: Search) -> None:
        for _ in range(count):
            search()

    first, second = in_turn(partial(run, ours), partial(run, rival), repeats)
    return first / count, second / count


def compare(
    vectors: Tensor, index: Any, length: int | None, count: int, repeats: int
) -> tuple[list[Row], Any]:
    """Measure one list's length and one number of queries."""
    queries, allowed = unit_vectors(count, seed=1), allow_list(len(vectors), length)
    ours = partial(nearest, vectors, queries, K, allowed)
    times = {name: spent(ours, rival, repeats) for name, rival in rivals(index, queries, allowed).items()}
    rival = min(times, key=lambda name: times[name][1])
    what = f"search {length or len(vectors):,} of {len(vectors):,}, {count} at once"
    short = length is not None and length <= SHORT
    row = (faster if short else at_most)(f"{what}: {rival}", *times[rival], 1.0 if short else TIMES)
    reached = recall(vectors, queries, allowed)
    exact = Row(f"{what}: recall", "", reached, 1.0, reached, "ours = 1", reached == 1.0)
    return [row, exact], {"ours and faiss, s": times, "recall": reached}


def bandwidth(vectors: Tensor) -> float:
    """Bytes a second at which the machine reads all vectors, at best."""
    return vectors.nbytes / min(seconds(vectors.sum) for _ in range(5))


def main() -> int:
    """Parse, measure, report."""
    asked = parser("Exact search under an allow-list.").parse_args()
    faiss = _faiss()
    vectors = unit_vectors(100_000 if asked.quick else 1_000_000, seed=0)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(vectors.numpy())
    speed = bandwidth(vectors)
    details: dict[str, Any] = {"bytes a second": speed, "floor of a whole scan, s": vectors.nbytes / speed}
    rows = []
    for length in LISTS:
        for count in SEARCHES:
            if length is None or length < len(vectors):
                measured, details[f"{length} x {count}"] = compare(
                    vectors, index, length, count, asked.repeats
                )
                rows += measured
    return report("search", rows, quick=asked.quick, details=details)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise SystemExit("expected faiss (it is not installed): pip install '.[bench]'") from None
    return faiss


if __name__ == "__main__":
    sys.exit(main())
