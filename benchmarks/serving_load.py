"""How `benchmarks.serving` loads a service: by wrk, a public load tool, from questions in a file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.query import Question

SCRIPT = """
local bodies, place = {}, 0
for line in io.lines(os.getenv("SENSEGRAPH_QUESTIONS")) do bodies[#bodies + 1] = line end
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
function request()
  place = place % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end
function done(summary, latency)
  local e = summary.errors
  local figures = '\\n{"answers": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "cut": %d}\\n'
  io.write(string.format(figures,
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""
"""What wrk is told: to ask the questions in turn, and to end with its figures as JSON."""


@dataclass(frozen=True)
class Load:
    """What some clients saw: answers, the times of the middle and of the slowest hundredth, ms.

    `refused` are answers with a status of 400 or more, `cut` connections that broke or waited too long.
    """

    clients: int
    answers: int
    seconds: float
    p50: float
    p99: float
    refused: int
    cut: int

    def figures(self) -> dict[str, float]:
        """For people."""
        rounded = {name: round(value, 1) for name, value in asdict(self).items()}
        return {"clients": self.clients, "a second": round(self.answers / self.seconds, 1), **rounded}


@contextmanager
def served(store: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service, killed at the end as nobody would: its process and its address."""
    command = [sys.executable, "-m", "pipelines.serve", "--store", str(store), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        if found is None:
            raise ValueError(f"expected a service of {store} (it did not start)")
        yield process, found.group()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Clients:
    """Clients that ask, each its next question as soon as the last one is answered.

    Raises:
        FileNotFoundError: wrk is not installed.
    """

    def __init__(self, address: str, asked: Sequence[Question], clients: int, seconds: float) -> None:
        if (wrk := shutil.which("wrk")) is None:
            raise FileNotFoundError("expected wrk, which loads the service: apt-get install wrk")
        self.clients = clients
        self._folder = tempfile.TemporaryDirectory()
        script, bodies = (Path(self._folder.name) / name for name in ("ask.lua", "questions.jsonl"))
        script.write_text(SCRIPT, encoding="utf-8")
        bodies.write_text("".join(f"{json.dumps(body(one))}\n" for one in asked), encoding="utf-8")
        told = [
            "-t1",
            f"-c{clients}",
            f"-d{seconds:.0f}s",
            "--timeout",
            "60s",
            "--latency",
            "-s",
            str(script),
        ]
        self._process = subprocess.Popen(
            [wrk, *told, f"{address}/search"],
            stdout=subprocess.PIPE,
            text=True,
            env={"SENSEGRAPH_QUESTIONS": str(bodies)},
        )

    def result(self) -> Load:
        """Wait until their time is over."""
        out, _ = self._process.communicate()
        self._folder.cleanup()
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return Load(self.clients, **found)


def body(asked: Question) -> dict[str, str]:
    """The JSON of a question."""
    text, where = asked
    return {"text": text} | ({"where": where} if where else {})


def answer(address: str, asked: Question) -> Any:
    """Ask one question.

    Raises:
        OSError: nobody answers, or not with the status 200.
    """
    data = json.dumps(body(asked)).encode()
    request = urllib.request.Request(f"{address}/search", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as found:
        return json.load(found)


def seconds_until(address: str, asked: Question, most: float = 60.0) -> float:
    """How long it takes until a service answers.

    Raises:
        TimeoutError: it does not.
    """
    start = time.perf_counter()
    while True:
        try:
            answer(address, asked)
            return time.perf_counter() - start
        except OSError:
            if time.perf_counter() - start > most:
                raise TimeoutError(f"expected an answer of {address} within {most:g} s") from None
            time.sleep(0.02)


def held(process: int) -> float:
    """Memory that a process and its children hold, MB."""
    found = 0.0
    for one in (process, *_children(process)):
        status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        found += int(re.findall(r"^VmRSS:\s+(\d+)", status, re.M)[0]) / 1024
    return found


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text(encoding="utf-8").split()]
