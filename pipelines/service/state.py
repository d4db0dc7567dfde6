"""The state of a store that a service answers from, and how it moves to a newer one without a gap.

A state is read whole before it answers anything, so that nothing of another state is ever mixed in. A newer
one is read beside and then takes its place; what was asked of the older one is still answered from that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.fact_process import FactProcess
from pipelines.store.store import Store, StoreError

if TYPE_CHECKING:
    from encoders.base import Encoder
    from kg.endpoint_facts import EndpointFacts
    from pipelines.prediction.completion import Completer
    from pipelines.prediction.predictor import Predictor
    from pipelines.search.narrowing import SenseIndex
    from pipelines.search.retrieval import Searcher

Stamp = tuple[int, int, int, int]
"""Device, inode, time of change in ns, and length of a manifest: another state has another one."""
LOOKS = 1.0
"""Seconds between two looks for a newer state."""
PATIENCE = 60.0
"""Most seconds until a state that could not be read is tried again."""
TRIES = 5
"""How often a store that is replaced meanwhile is read anew."""
_log = logging.getLogger("sensegraph.serve")


@dataclass(frozen=True)
class Opening:
    """How a store is opened: where its media lie, where encoders run, how long a query may take, s.

    `facts` is the URL of a SPARQL endpoint; None for the facts of the store. `index` is the URI of
    a Milvus with the store's vectors; None to compare all.
    """

    media_root: Path | None = None
    device: str = "cpu"
    seconds: float = 10.0
    facts: str | None = None
    index: str | None = None

    def sense_index(self, store: Store) -> SenseIndex | None:
        """What finds the nearest by each sense.

        Raises:
            ValueError: it is not that of the store.
        """
        if self.index is None:
            return None
        from pipelines.search.milvus_index import MilvusIndex

        return MilvusIndex(self.index, store, constraints=self.facts is None)

    def fact_source(self, store: Store) -> FactProcess | EndpointFacts:
        """What answers the queries on a store.

        Raises:
            ValueError: there are no facts, or no such address.
        """
        if self.facts is None:
            return FactProcess(store.folder / "rdf", seconds=self.seconds)
        from kg.endpoint_facts import EndpointFacts

        return EndpointFacts(self.facts, seconds=self.seconds)


@dataclass
class State:
    """An opened store and all that answers from it.

    `facts` is for whole queries; the searcher has its own for constraints, so that neither waits.
    """

    stamp: Stamp
    searcher: Searcher
    facts: FactProcess | EndpointFacts
    completer: Completer | None
    predictors: Mapping[str, Predictor]
    loaded: float = field(default_factory=time.time)
    readers: int = 0

    @property
    def name(self) -> str:
        """Tells states apart, for people and for headers."""
        return f"{self.stamp[1]:x}-{self.stamp[2]:x}"

    @property
    def store(self) -> Store:
        """The opened store."""
        return self.searcher.store

    def close(self) -> None:
        """End its processes, and let updates take away its files."""
        self.facts.close()
        _end(self.store)


def stamp_of(folder: Path) -> Stamp | None:
    """What tells that a store's folder holds another state; None where there is none at this moment."""
    try:
        found = (folder / "manifest.json").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def read_state(folder: Path, opening: Opening, encoders: Mapping[str, Encoder] | None = None) -> State:
    """Read a store's folder as it is now, whole.

    Args:
        folder: the store's folder.
        opening: how it is opened.
        encoders: those of another state, used again where they are the same.

    Raises:
        StoreError: there is no whole store of this format.
    """
    for _ in range(TRIES):
        stamp = stamp_of(folder)
        try:
            state = _read(folder, stamp or (0, 0, 0, 0), opening, encoders or {})
        except Exception as error:  # a damaged part raises whatever its reader does
            if stamp_of(folder) != stamp:
                continue
            if isinstance(error, StoreError):
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise StoreError(f"expected a whole store at {folder} (got: {reason})") from error
        if stamp_of(folder) == stamp:
            return state
        state.close()
    raise StoreError(f"expected a store at {folder} that stays for a while (it is replaced again and again)")


def _read(folder: Path, stamp: Stamp, opening: Opening, encoders: Mapping[str, Encoder]) -> State:
    from pipelines.search.retrieval import Searcher

    store = Store.open(folder)
    asked = facts = None
    try:
        asked, facts = (opening.fact_source(store) for _ in range(2))
        vars(store)["facts"] = asked  # a cached property is what stands under its name
        index = opening.sense_index(store)
        searcher = Searcher(store, device=opening.device, media_root=opening.media_root, index=index)
        _warm(searcher, encoders)
        return State(stamp, searcher, facts, _completer(store), _predictors(store, opening.device))
    except BaseException:
        if facts is not None:
            facts.close()
        _end(store)
        raise


def _warm(searcher: Searcher, encoders: Mapping[str, Encoder]) -> None:
    """Read all that questions need, by asking one."""
    stored = searcher.store.manifest["encoders"]
    same = {name: one for name, one in encoders.items() if stored.get(name) == one.name}
    searcher.asker.encoders.update(same)
    entity = searcher.store.graph.entities[0].as_py()
    searcher.exhibit.observations(entity)
    searcher.search("a thing" if "text" in stored else None, entity=entity, k=1)
    searcher.steps.rule((0, 0, 0))
    _ = searcher.asker.names, searcher.finder, searcher.store.observed


def _completer(store: Store) -> Completer | None:
    from pipelines.prediction.completion import Completer
    from pipelines.training.completion import FILES

    return Completer(store) if set(FILES) <= set(store.manifest["files"]) else None


def _predictors(store: Store, device: str) -> dict[str, Predictor]:
    from pipelines.prediction.predictor import Predictor

    found = {}
    for one in store.manifest.get("targets", []):
        found[one["target"]] = predictor = Predictor.open(store, one["target"], device=device)
        _ = predictor.memory
    return found


def _end(store: Store) -> None:
    parts: dict[str, Any] = vars(store)
    if "facts" in parts:
        parts["facts"].close()
    if (release := getattr(store, "release", None)) is not None:  # of stores that updates leave states of
        release()


class States:
    """The state that answers, and the look-out for a newer one.

    Args:
        folder: the store's folder.
        opening: how it is opened.
        moved: told whenever the look-out read a newer state (True) or could not (False).

    Raises:
        StoreError: there is no whole store of this format.
    """

    def __init__(
        self, folder: str | Path, opening: Opening, moved: Callable[[bool], None] = lambda whole: None
    ) -> None:
        self._folder, self._opening, self.moved = Path(folder), opening, moved
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: Stamp | None = None
        self._again = self._pause = 0.0
        self.problem: str | None = None
        """Why a newer state could not be read; None if there is no such one."""
        self._current = read_state(self._folder, opening)

    @property
    def current(self) -> State:
        """The state that answers now."""
        return self._current

    def borrow(self) -> State:
        """The state to answer from, which stays open until it is given back."""
        with self._lock:
            self._current.readers += 1
            return self._current

    def give_back(self, state: State) -> None:
        """Say that an answer is done; the last one closes a state that has been replaced."""
        with self._lock:
            state.readers -= 1
            done = state.readers == 0 and state is not self._current
        if done:
            state.close()

    def look(self) -> bool:
        """Move to a newer state if there is one; whether it was so.

        One that cannot be read is tried again later and later, as it may still be on its way.
        """
        stamp = stamp_of(self._folder)
        if stamp is None or stamp == self._current.stamp:
            return False
        if stamp == self._failed and time.monotonic() < self._again:
            return False
        try:
            state = read_state(self._folder, self._opening, self._current.searcher.asker.encoders)
        except StoreError as error:
            self._pause = min(PATIENCE, 2 * self._pause) if stamp == self._failed else LOOKS
            self._failed, self._again = stamp, time.monotonic() + self._pause
            self.problem = str(error)
            _log.warning("the store was changed, the older state goes on answering: %s", error)
            self.moved(False)
            return False
        self._take(state)
        return True

    def _take(self, state: State) -> None:
        with self._lock:
            self._failed, self.problem = None, None
            old, self._current = self._current, state
            unused = old.readers == 0
        if unused:
            old.close()
        _log.info("moved to the state %s of %s", state.name, self._folder)
        self.moved(True)

    def start(self) -> None:
        """Look out from now on, in a thread."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, name="look-out", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(LOOKS):
            try:
                self.look()
            except Exception:  # the service must not lose its look-out
                _log.exception("the look-out for a newer state failed")

    def close(self) -> None:
        """Look out no more, and close the state."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._current.close()
