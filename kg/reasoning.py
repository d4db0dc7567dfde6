"""All that follows from the facts, and what is wrong with them, found in a process of its own.

A query cannot be stopped from within its process, so each step has a time limit and the process is ended
when it is up. The facts are never changed: what follows comes back as statements in graphs of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from kg.closure import PROFILES, ReasoningError
from kg.construct import Rule
from kg.vocabulary import DEFAULT

__all__ = ["PROFILES", "Findings", "Reasoning", "ReasoningError", "infer"]


@dataclass(frozen=True)
class Reasoning:
    """What to infer and to check.

    Attributes:
        profile: none, rdfs or owl (OWL 2 RL).
        rules: The user's own rules.
        shapes: SHACL files.
        unseen: Predicates that are neither premises nor conclusions: what a model shall predict.
        seconds: Longest that one step may take: a query of a rule, the closure, a check, a file of shapes.
        most: Facts that a rule may add.

    Raises:
        ReasoningError: The profile is unknown.
    """

    profile: str = "none"
    rules: tuple[Rule, ...] = ()
    shapes: tuple[Path, ...] = ()
    unseen: frozenset[str] = frozenset()
    seconds: float = 300.0
    most: int = 1_000_000

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ReasoningError(f"expected to reason by {', '.join(PROFILES)} (got {self.profile!r})")

    def digest(self) -> str:
        """Give a hash that names all that the findings depend on beside the facts."""
        found = hashlib.sha256(repr((self.profile, self.rules, sorted(self.unseen), self.most)).encode())
        for path in self.shapes:
            found.update(path.read_bytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Findings:
    """What was found, as plain JSON values.

    Attributes:
        inferred: Number of inferred facts by rule.
        contradictions: Each with kind, sentence and the triples at fault.
        cycles: Hierarchies that go round, each with relation and entities (see `kg.hierarchy`).
        shapes: What shapes find fault with, by entity.
    """

    inferred: dict[str, int] = field(default_factory=dict)
    contradictions: list[dict[str, Any]] = field(default_factory=list)
    cycles: list[dict[str, Any]] = field(default_factory=list)
    shapes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The findings as plain JSON values."""
        return asdict(self)

    def faults(self) -> list[str]:
        """Sentences on contradictions and on what shapes call a violation."""
        told = [f"contradiction ({one['kind']}): {one['sentence']}" for one in self.contradictions]
        for entity, rows in self.shapes.items():
            told += [
                f"shape violated by {entity}: {row['message'] or row['constraint']}"
                for row in rows
                if row["severity"] == "Violation"
            ]
        return told

    def warnings(self) -> list[str]:
        """Sentences on hierarchies that go round."""
        return [f"{one['relation']} goes round: {' -> '.join(one['entities'])}" for one in self.cycles]


def infer(
    statements: Path,
    out: Path,
    reasoning: Reasoning,
    prefixes: Mapping[str, str],
    weights: Collection[str] = DEFAULT.weight,
) -> Findings:
    """Infer from statements without blank nodes, and check them together with what follows.

    Args:
        statements: A file of N-Quads.
        out: Where what follows is written, as N-Quads; a folder of its name is used on the way.
        reasoning: What to infer and to check.
        prefixes: Those that rules may use.
        weights: Predicates from a reified statement to how sure it is.

    Raises:
        ReasoningError: A rule or a file of shapes is wrong, a step takes too long, or the package is missing.
    """
    task = {
        "statements": str(statements),
        "out": str(out),
        "profile": reasoning.profile,
        "rules": [rule.as_json() for rule in reasoning.rules],
        "shapes": [str(path.absolute()) for path in reasoning.shapes],
        "unseen": sorted(reasoning.unseen),
        "most": reasoning.most,
        "prefixes": dict(prefixes),
        "weights": sorted(weights),
    }
    for message in _messages(task, reasoning.seconds):
        if "error" in message:
            raise ReasoningError(message["error"])
        if "found" in message:
            return Findings(**message["found"])
    raise ReasoningError("expected the reasoner to come to an end (it was stopped from outside)")


def _messages(task: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
    """Run the task and give what it says; each message must follow the last one within some seconds."""
    home = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    with TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "kg.reasoner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        listener = threading.Thread(target=_listen, args=(process.stdout, said), daemon=True)
        try:
            listener.start()
            with suppress(BrokenPipeError):  # it has ended already: why is told below
                process.stdin.write(json.dumps(task).encode())
                process.stdin.close()
            yield from _until_silence(said, seconds)
            process.wait(timeout=seconds)
            _explain(process.returncode, errors)
        finally:
            process.kill()
            process.wait()
            listener.join()
            process.stdout.close()


def _listen(stream: IO[bytes], said: queue.SimpleQueue[bytes]) -> None:
    for line in stream:
        said.put(line)
    said.put(b"")


def _until_silence(said: queue.SimpleQueue[bytes], seconds: float) -> Iterator[dict[str, Any]]:
    step = "the reasoner"
    while True:
        try:
            line = said.get(timeout=seconds)
        except queue.Empty:
            raise ReasoningError(
                f"{step}: expected to be done within {seconds:g} seconds (it was not): make it narrower"
            ) from None
        if not line:
            return
        if line.startswith(b"{"):  # else a library says something
            message: dict[str, Any] = json.loads(line)
            step = message.get("step", step)
            yield message


def _explain(code: int, errors: IO[bytes]) -> None:
    """Raise for a process that ended otherwise than by what it said."""
    if code:
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        raise ReasoningError(
            f"expected the reasoner to come to an end (it ended with {code}: {last or 'killed'})"
        )
