"""A store's vectors in Milvus, one collection a sense: a file of Milvus Lite in tests, a cluster elsewhere.

Indexes are flat, so that what is found is exact. Constraints that were named when it was filled are a stored
field; no list of ids is ever sent. A collection bears the name of the store's state that it was filled from.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.search.constraint import matching, things
from pipelines.search.narrowing import Near
from pipelines.search.question import JOINT, Ids
from pipelines.store.states import STATE

if TYPE_CHECKING:
    from torch import Tensor

    from kg.vocabulary import Vocabulary
    from pipelines.store.store import Store

MOST_CONSTRAINTS = 64
"""Constraints that are stored with each vector."""
_THINGS = "things"  # what may answer without a constraint
_FILLED = "filled"  # a collection that says that the others are whole
_ROWS = 1_000  # sent at once
_SECONDS = 30.0


class MilvusError(ValueError):
    """The index is away, empty, or that of another store; the text says so in one sentence."""


class MilvusIndex:
    """The filled index of one state of a store.

    Args:
        uri: a file (for Milvus Lite) or the address of a server; $MILVUS_TOKEN is shown to it.
        store: the opened store.
        constraints: whether stored constraints serve; not where others' facts than the store's decide.

    Raises:
        ImportError: pymilvus is not installed.
        MilvusError: it cannot be reached, or was not filled from this state of the store.
    """

    deepest = 16_384  # Milvus gives no more at once

    def __init__(self, uri: str, store: Store, *, constraints: bool = True) -> None:
        self._uri, self._client = uri, connected(uri)
        self._names = _names(store)
        with _told(uri):
            stored = self._checked()
        kept = stored if constraints else stored[:1]
        self._stored = {constraint: place for place, constraint in enumerate(kept)}

    def _checked(self) -> list[str]:
        """The stored constraints, if all vectors are there."""
        client, mark = self._client, self._names[_FILLED]
        found = (
            client.query(mark, filter="id == 0", output_fields=["told"])
            if client.has_collection(mark)
            else ()
        )
        if not found:
            raise _unfilled(self._uri, "it has none, or not all yet")
        told = json.loads(found[0]["told"])
        for sense, rows in told["rows"].items():
            count = client.query(self._names[sense], filter="", output_fields=["count(*)"])[0]["count(*)"]
            if count != rows:
                raise _unfilled(self._uri, f"{count:,} of {rows:,} of the sense {sense}")
        return [str(constraint) for constraint in told["constraints"]]

    def nearest(self, sense: str, rows: Tensor, depth: int, where: str | None) -> Near:
        """The owners of the observations nearest to any of some rows (see `narrowing.SenseIndex`)."""
        stored = self._stored.get(_digest(_THINGS if where is None else where.strip()))
        with _told(self._uri):
            lists = self._client.search(
                self._names[sense],
                data=rows.float().tolist(),
                limit=depth,
                filter="" if stored is None else f"array_contains(constraints, {stored})",
                output_fields=["owner"],
                timeout=_SECONDS,
            )
        owners = {int(one["entity"]["owner"]) for found in lists for one in found}
        ends = [float(found[-1]["distance"]) if len(found) == depth else -1.0 for found in lists]
        whole = all(len(found) < depth for found in lists)
        return Near(np.array(sorted(owners), dtype=np.int64), max(ends, default=-1.0), whole)


def fill(
    uri: str,
    store: Store,
    vocabulary: Vocabulary,
    constraints: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Put the vectors of a store into Milvus, in place of those of the same state.

    Returns:
        The number of vectors.

    Raises:
        ImportError: pymilvus is not installed.
        MilvusError: it cannot be reached, or there are too many constraints.
        ConstraintError: a constraint is wrong.
    """
    if len(constraints) > MOST_CONSTRAINTS:
        raise MilvusError(f"expected at most {MOST_CONSTRAINTS} stored constraints (got {len(constraints)})")
    ids = {_digest(_THINGS): things(store.graph, vocabulary)}
    ids |= {_digest(text.strip()): matching(store, text) for text in constraints}
    held: list[list[int]] = [[] for _ in range(store.graph.num_entities)]
    for place, found in enumerate(ids.values()):
        for entity in found.tolist():
            held[entity].append(place)
    client, names = connected(uri), _names(store)
    senses = {sense: _vectors(store, sense) for sense in names if sense != _FILLED}
    rows, done = {sense: len(vectors) for sense, (vectors, _) in senses.items()}, 0
    with _told(uri):
        for name in reversed(names.values()):  # the mark first: without it nothing is taken for filled
            if client.has_collection(name):
                client.drop_collection(name)
        for sense, (vectors, owners) in senses.items():
            _create(client, names[sense], vectors.shape[1])
            for start in range(0, len(vectors), _ROWS):
                part = slice(start, start + _ROWS)
                client.insert(names[sense], list(_rows(start, vectors[part], owners[part], held)))
                done += len(owners[part])
                progress(done, sum(rows.values()))
        _mark(client, names[_FILLED], json.dumps({"rows": rows, "constraints": list(ids)}))
    client.close()
    return done


def connected(uri: str) -> Any:
    """A client of Milvus.

    Raises:
        ImportError: pymilvus is not installed.
        MilvusError: it cannot be reached.
    """
    # what its connections note of themselves is not for who asks
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise ImportError(
            "expected pymilvus to be installed for --index (got none): pip install 'sensegraph[milvus]'"
        ) from None
    with _told(uri):
        return MilvusClient(uri=uri, token=os.environ.get("MILVUS_TOKEN", ""), timeout=_SECONDS)


def _create(client: Any, name: str, width: int) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
    schema.add_field("owner", DataType.INT64)
    capacity = MOST_CONSTRAINTS + 1
    schema.add_field("constraints", DataType.ARRAY, element_type=DataType.INT8, max_capacity=capacity)
    _build(client, name, schema)


def _mark(client: Any, name: str, told: str) -> None:
    """Say what was filled in, once it is; Milvus keeps no collection without a vector."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    schema.add_field("told", DataType.VARCHAR, max_length=65_535)
    _build(client, name, schema)
    client.insert(name, [{"id": 0, "vector": [1.0, 0.0], "told": told}])


def _build(client: Any, name: str, schema: Any) -> None:
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")


def _rows(start: int, vectors: Tensor, owners: Ids, held: Sequence[list[int]]) -> Iterator[dict[str, Any]]:
    pairs = zip(vectors.float().tolist(), owners.tolist(), strict=True)
    for place, (vector, owner) in enumerate(pairs, start):
        yield {"id": place, "vector": vector, "owner": owner, "constraints": held[owner]}


def _vectors(store: Store, sense: str) -> tuple[Tensor, Ids]:
    """The vectors of one sense and whose they are."""
    if sense == JOINT:
        joint = store.tensors["joint"]
        return joint, np.arange(len(joint))
    return store.observations.features[sense], store.observations.owners[sense].numpy()


def _names(store: Store) -> dict[str, str]:
    """The collections by sense, and the mark, named after the store's state."""
    manifest = {name: value for name, value in store.manifest.items() if name != STATE}
    state = _digest(json.dumps(manifest, sort_keys=True))
    senses = (JOINT, *store.observations.features, _FILLED)
    return {sense: f"sensegraph_{state}_{sense}" for sense in senses}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _unfilled(uri: str, got: str) -> MilvusError:
    return MilvusError(
        f"expected the vectors of this state of the store at {uri} (got: {got}): "
        "fill it with `python -m pipelines.index`"
    )


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Make one sentence of whatever the client raises.

    Raises:
        MilvusError: something was raised.
    """
    try:
        yield
    except MilvusError:
        raise
    except Exception as error:  # of Milvus, of gRPC, or of a damaged description
        reason = " ".join(str(getattr(error, "message", "") or error).split()) or type(error).__name__
        raise MilvusError(f"expected Milvus to answer at {uri} (got: {reason[:200]})") from error
