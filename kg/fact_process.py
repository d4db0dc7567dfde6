"""Facts asked in a process of their own, which is ended when a query takes too long or too much memory.

A query of a stranger may run for hours or fill the memory, and the engine cannot be stopped: the process can.
This same file is the child: questions from stdin, answers to stdout, in lines of JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kg.sparql_text import ConstraintError

MEMORY = 2 * 2**30
"""Octets that the child may hold."""
LONGEST = {"sparql": 16 * 2**20, "where": 256 * 2**20}
"""Octets of an answer, by the kind of question: solutions of a stranger, and entities of a graph."""
STARTING = 60.0
"""Seconds that the child has to open the facts."""


class GoneError(ValueError):
    """The folder of the facts is not the one any more that it was."""


class FactProcess:
    """The facts of a store's folder, one query at a time; what `Facts` answers, with limits that hold.

    Args:
        folder: what `kg.rdf.read(..., facts=folder)` wrote.
        seconds: longest that a query may take.
        memory: octets that it may take, the facts included.

    Raises:
        ValueError: there are no such facts.
    """

    def __init__(self, folder: Path, *, seconds: float, memory: int = MEMORY) -> None:
        self._folder, self._seconds, self._memory = folder, seconds, memory
        self._place = _place(folder)
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        with self._lock:
            self._child = self._start()

    def select_entities(
        self, where: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True
    ) -> list[str]:
        """Find the IRIs that a constraint allows as ?x (see `kg.sparql.Facts.select_entities`).

        Raises:
            ConstraintError: it cannot be run within the limits.
            GoneError: the folder was replaced, and the child has to be started anew.
        """
        found: list[str] = self._ask(where=where, prefixes=dict(prefixes or {}), inferred=inferred)
        return found

    def bindings(
        self, sparql: str, prefixes: Mapping[str, str] | None = None, *, inferred: bool = True, most: int
    ) -> tuple[list[str], list[dict[str, Any]], bool]:
        """Answer a SELECT: variables, solutions, and whether there are more (see `kg.sparql.Facts.bindings`).

        Raises:
            ConstraintError: it cannot be run within the limits.
            GoneError: the folder was replaced, and the child has to be started anew.
        """
        names, found, more = self._ask(
            sparql=sparql, prefixes=dict(prefixes or {}), inferred=inferred, most=most
        )
        return names, found, more

    def close(self) -> None:
        """End the child; what is being asked ends with an error."""
        if (child := self._child) is not None:
            _stop(child)

    def _ask(self, **question: Any) -> Any:
        with self._lock:
            child = self._child = self._child or self._start()
            late = threading.Event()
            line = _answer(child, question, self._seconds, late)
            if not line:
                self._child = None
                _stop(child)
                limit = f"needs at most {self._memory >> 20:,} MB (it needs more)"
                if late.is_set():
                    limit = f"is answered within {self._seconds:g} seconds (it was not)"
                raise ConstraintError(f"expected a query that {limit}: make it narrower")
        answer = json.loads(line)
        if "error" in answer:
            raise ConstraintError(answer["error"])
        return answer["found"]

    def _start(self) -> subprocess.Popen[bytes]:
        if _place(self._folder) != self._place:
            raise GoneError("expected the facts that were opened (others have just taken their place)")
        home = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        child = subprocess.Popen(
            [sys.executable, "-m", "kg.fact_process", str(self._folder), str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,  # what stops the service by the keyboard lets it finish its answers
        )
        weakref.finalize(self, _stop, child)
        line = _answer(child, {}, STARTING, threading.Event())
        answer = json.loads(line) if line else {"error": "the process that asks them does not start"}
        if "error" in answer:
            _stop(child)
            raise ValueError(f"{self._folder}: expected a store of facts (got: {answer['error']})")
        return child


def _place(folder: Path) -> tuple[int, int]:
    """Which folder it is, whatever stands under its name later."""
    try:
        found = folder.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _answer(
    child: subprocess.Popen[bytes], question: Mapping[str, Any], seconds: float, late: threading.Event
) -> bytes:
    """The child's line; nothing if it died over the question, or was ended because it is `late`."""
    assert child.stdin is not None
    assert child.stdout is not None

    def end() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(seconds, end)
    clock.daemon = True
    clock.start()
    try:
        child.stdin.write(json.dumps(question).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except (OSError, ValueError):  # its pipes are closed
        return b""
    finally:
        clock.cancel()
    return line if line.endswith(b"\n") else b""


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.kill()  # it holds nothing that could be lost
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def main(folder: str, memory: str) -> int:
    """Open the facts and answer what comes in, until nobody asks any more."""
    _limit_memory(int(memory))
    from kg.sparql import Facts

    questions: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # read beside, so that the end of the parent is the end of a query too
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    facts: Facts | None = None
    while True:
        question = json.loads(questions.get())
        try:
            if facts is None:
                facts = Facts.open(folder)
                _say(found=len(facts))
            else:
                _say(
                    found=_found(facts, question),
                    longest=LONGEST["sparql" if "sparql" in question else "where"],
                )
        except ValueError as error:
            _say(error=str(error))
        except MemoryError:
            return 1


def _found(facts: Any, question: dict[str, Any]) -> Any:
    return facts.bindings(**question) if "sparql" in question else facts.select_entities(**question)


def _limit_memory(memory: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system has such limits
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _listen(questions: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        questions.put(line)
    os._exit(0)


def _say(*, longest: int = LONGEST["sparql"], **message: Any) -> None:
    line = json.dumps(message)
    if len(line) > longest:
        got = f"{len(line) >> 20:,} MB"
        reason = f"expected an answer of at most {longest >> 20} MB (got {got}): make the query narrower"
        line = json.dumps({"error": reason})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
