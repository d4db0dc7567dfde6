"""Encodes by Ray Data: each worker, here or on another machine, makes the same encoder and takes batches.

Files are read where they are encoded, so every machine must have them under the same paths. A worker that
dies is started anew and its batch done again; one that kills every worker keeps Ray trying without end.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .base import Encoder, shown
from .engine import EngineError, Job, Outcome, finished

_HASHED = 32  # octets of the key of a content that could be read here
_WAVES = 4  # batches for each worker at least, so that none waits long for the last one
_PATIENCE = 10.0  # seconds until a cluster counts as not there
_SCHEMA = pa.schema({"key": pa.binary(), "features": pa.binary(), "problem": pa.string()})
_MISSING = "expected ray to be installed for --engine ray (got none): pip install 'sensegraph[ray]'"


@dataclass(frozen=True)
class RayEngine:
    """Workers of a Ray cluster, or of this machine where $RAY_ADDRESS names none.

    Args:
        make: makes the encoder anew in each worker; nothing of it is sent but what `make` needs.
        workers: how many; None for one for each processor of the cluster.
        gpus: how many GPUs each of them needs.

    Raises:
        ImportError: ray is not installed.
        EngineError: there is no cluster at the address, or it runs another version.
    """

    make: Callable[[], Encoder]
    workers: int | None = None
    gpus: float = 0.0

    def __post_init__(self) -> None:
        connect()

    def __call__(
        self, encoder: Encoder, todo: Sequence[Job], batch_size: int
    ) -> Generator[Outcome, None, None]:
        """What becomes of each batch, as they are done."""
        if not todo:
            return
        from ray import data

        count = self.workers or _workers(self.gpus)
        size = max(1, min(batch_size, -(-len(todo) // (count * _WAVES))))
        jobs = [{"key": key, "reference": _written(reference)} for key, reference in todo]
        try:
            asked = data.from_items(jobs, override_num_blocks=-(-len(jobs) // size))
            done = asked.map_batches(
                Worker,
                fn_constructor_args=(self.make, encoder.name),
                batch_size=size,
                batch_format="pyarrow",
                concurrency=count,
                num_cpus=1,
                num_gpus=self.gpus,
            )
            for table in done.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield _outcome(table)
        except Exception as error:  # Ray wraps what a worker raised in one of many kinds
            raise EngineError(f"expected Ray to encode all that it got (got: {_reason(error)})") from error


class Worker:
    """Encodes batches in a process of Ray.

    Args:
        make: makes the encoder.
        name: the encoder's name where the jobs come from.

    Raises:
        ValueError: this machine's encoder is another one.
    """

    def __init__(self, make: Callable[[], Encoder], name: str) -> None:
        import torch

        torch.set_num_threads(1)
        self._encoder = make()
        if self._encoder.name != name:
            raise ValueError(
                f"expected the encoder {name} on every machine "
                f"({platform.node()} has {self._encoder.name}): install the same version there"
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Keys, features and problems of a batch of keys and references."""
        jobs = list(zip(batch["key"].to_pylist(), map(_read, batch["reference"].to_pylist()), strict=True))
        if self._encoder.modality != "text":
            for key, reference in jobs:
                if len(key) == _HASHED and not Path(reference).is_file():
                    raise ValueError(
                        f"expected the files under the same paths on every machine "
                        f"({platform.node()} has no {shown(reference)})"
                    )
        rows, errors = finished(self._encoder, jobs)
        features = [row.astype(np.float32).tobytes() for row in rows.values()] + [None] * len(errors)
        problems = [None] * len(rows) + list(errors.values())
        columns = [[*rows, *errors], features, problems]
        return pa.Table.from_arrays(
            [pa.array(*pair) for pair in zip(columns, _SCHEMA.types, strict=True)], schema=_SCHEMA
        )


def connect() -> None:
    """Join the cluster at $RAY_ADDRESS, or start workers on this machine; once for a process.

    Raises:
        ImportError: ray is not installed.
        EngineError: there is no cluster at the address, or it runs another version.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of its own default
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
    except ImportError:
        raise ImportError(_MISSING) from None
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        if address:
            _reach(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:
        where = f"a Ray cluster of version {ray.__version__} at {address}" if address else "Ray to start here"
        raise EngineError(f"expected {where} (got: {_reason(error)})") from error
    _silence()


def _reach(address: str) -> None:
    """Knock at the address, as Ray would wait there for minutes.

    Raises:
        OSError: nobody answers.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():  # other addresses, such as auto, are Ray's own
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _silence() -> None:
    """No bars and reports of Ray's own: the command shows its own."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _workers(gpus: float) -> int:
    import ray

    held = ray.cluster_resources()
    return max(1, int(held.get("GPU", 0) / gpus if gpus else held.get("CPU", 1)))


def _outcome(table: pa.Table) -> Outcome:
    """The rows and problems of one table of a worker."""
    rows, errors = {}, {}
    for one in table.to_pylist():
        if one["problem"] is None:
            rows[one["key"]] = np.frombuffer(one["features"], dtype=np.float32)
        else:
            errors[one["key"]] = one["problem"]
    return rows, errors


def _written(reference: str | Path) -> bytes:
    """As octets: a text may hold what no table's string may."""
    return str(reference).encode("utf-8", "surrogatepass")


def _read(reference: bytes) -> str:
    return reference.decode("utf-8", "surrogatepass")


def _reason(error: BaseException) -> str:
    """The sentence of the worker, which comes at the end of a traceback; else the last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    said = [line.removeprefix("ValueError: ") for line in lines if "Error: expected " in line]
    return said[-1] if said else lines[-1]
