"""What a service counts, for Prometheus: requests, their time, the lines, and the states it moved to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.service.lanes import Lane

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "path")
        self.requests = Counter(
            "sensegraph_requests", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "sensegraph_request_seconds",
            "Time of a request, waiting included",
            labels,
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.moves = Counter(
            "sensegraph_state_moves",
            "Newer states of the store, by whether they could be read",
            ("read",),
            registry=self.registry,
        )
        self.loaded = Gauge(
            "sensegraph_state_loaded_timestamp_seconds",
            "When the state that answers was read",
            registry=self.registry,
        )
        self.entities = Gauge(
            "sensegraph_entities", "Entities of the state that answers", registry=self.registry
        )

    def watch(self, lanes: Mapping[str, Lane]) -> None:
        """Show how much is in each line."""
        gauge = Gauge("sensegraph_line", "Requests that run or wait", ("line",), registry=self.registry)
        for name, lane in lanes.items():
            gauge.labels(name).set_function(partial(_inside, lane))

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)


def _inside(lane: Lane) -> float:
    return lane.inside


class Counted:
    """Counts the requests that go through."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count it by the path that it was meant for, not by what it says."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status, start = 500, time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
            path = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(method, path, status).inc()
            self._metrics.seconds.labels(method, path).observe(time.perf_counter() - start)
        return None
