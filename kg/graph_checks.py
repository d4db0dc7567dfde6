"""What a KnowledgeGraph checks of its parts, and how it finds a name or says which one is meant."""

from __future__ import annotations

import difflib
from bisect import bisect_left

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.texts import last_segment


def find(kind: str, names: pa.Array, iri: str) -> int:
    """Find an IRI among sorted ones, or raise naming those that look like it."""
    at = bisect_left(names, iri, key=lambda scalar: scalar.as_py())
    if at < len(names) and names[at].as_py() == iri:
        return at
    near = _near_misses(names, iri)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"expected {kind} of this graph (got unknown {iri!r}){hint}")


def _near_misses(names: pa.Array, iri: str) -> list[str]:
    """Give up to three IRIs that contain the same last word, else ones spelt alike."""
    word = last_segment(iri)
    if word:
        same = names.filter(pc.match_substring(names, word, ignore_case=True))
        if len(same):
            ordered: list[str] = sorted(same.slice(0, 1000).to_pylist(), key=lambda s: (len(s), s))
            return ordered[:3]
    # Comparing spellings is slow, so a large graph is only sampled around the place in the order.
    at = bisect_left(names, iri, key=lambda scalar: scalar.as_py())
    nearby = {last_segment(name): name for name in names.slice(max(0, at - 500), 1000).to_pylist()}
    return [nearby[near] for near in difflib.get_close_matches(word, nearby, n=3, cutoff=0.7)]


def check_names(name: str, values: pa.Array) -> None:
    """Check that names are sorted strings without repeats."""
    if not isinstance(values, pa.Array) or values.type != pa.string() or values.null_count:
        raise ValueError(f"expected {name} as an Arrow array of strings (got {type(values)})")
    rising = pc.all(pc.less(values.slice(0, max(0, len(values) - 1)), values.slice(1))).as_py()
    if rising is False:
        raise ValueError(f"expected {name} sorted and unique (got another order or a repeat)")


def check_range(name: str, values: np.ndarray, size: int) -> None:
    """Check that indices point inside a list of `size`."""
    if values.size and not (values.min() >= 0 and values.max() < size):
        raise ValueError(f"expected {name} in 0..{size - 1} (got {values.min()}..{values.max()})")
